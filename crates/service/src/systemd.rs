//! What systemd is told about a process that it started with `Type=notify`: it listens, it stops, it still runs.
//!
//! Other service managers set no `NOTIFY_SOCKET`: then nothing is sent. A message that cannot be sent is logged and does
//! not disturb the process.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::Stop;

/// Tells that start-up is finished: the process listens.
pub(crate) fn tell_listening() {
    tell(NotifyState::Ready);
}

/// Tells that the stop has come, and until then that the process runs, where systemd has set a watchdog.
///
/// Never ends: reports that stop too early would have the process killed while it finishes the work in hand.
pub(crate) async fn keep_informed(stop: Stop) {
    let stopping = async {
        stop.stopped().await;
        tell(NotifyState::Stopping);
        std::future::pending::<()>().await;
    };
    match sd_notify::watchdog_enabled() {
        Some(period) => tokio::join!(stopping, feed_watchdog(period)).0,
        None => stopping.await,
    }
}

/// Twice in each period, so that one delay of the machine is not taken for a hang.
async fn feed_watchdog(period: Duration) {
    let mut ticks = tokio::time::interval((period / 2).max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        tell(NotifyState::Watchdog);
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!(error:% = error, event = "systemd_not_told"; "cannot tell systemd about this process");
    }
}
