//! What systemd is told about a process that it started with `Type=notify`: it listens, it stops, it still runs, and what
//! `systemctl status` shows of it: whether it is ready, and why not.
//!
//! Other service managers set no `NOTIFY_SOCKET`: then nothing is sent. A message that cannot be sent is logged and does
//! not disturb the process.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::Stop;
use crate::health::Readiness;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tells that start-up is finished: the process listens.
pub(crate) fn tell_listening() {
    tell(NotifyState::Ready);
}

/// Tells that the stop has come, and until then whether the process is ready, and that it runs, where systemd has set a watchdog.
///
/// Never ends: reports that stop too early would have the process killed while it finishes the work in hand.
pub(crate) async fn keep_informed(readiness: Readiness, stop: Stop) {
    let stopping = async {
        stop.stopped().await;
        tell(NotifyState::Stopping);
        std::future::pending::<()>().await;
    };
    let watchdog = async {
        if let Some(period) = sd_notify::watchdog_enabled() {
            feed_watchdog(period).await;
        }
    };
    tokio::join!(stopping, show_readiness(&readiness), watchdog);
}

async fn show_readiness(readiness: &Readiness) {
    let (mut ticks, mut shown) = (tokio::time::interval(LOOK_EVERY), String::new());
    loop {
        ticks.tick().await;
        let now = readiness.report().to_string();
        if now != shown && tell(NotifyState::Status(&now)) {
            shown = now;
        }
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

/// Whether it was sent.
fn tell(state: NotifyState<'_>) -> bool {
    let told = sd_notify::notify(&[state]);
    if let Err(error) = &told {
        log::warn!(error:% = error, event = "systemd_not_told"; "cannot tell systemd about this process");
    }
    told.is_ok()
}
