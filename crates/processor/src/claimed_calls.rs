//! The loop of work that calls other people's servers: it claims rows, begins their calls, and sleeps until there is more.

use std::future::Future;
use std::time::Duration;

use service::Stop;
use store::StoreError;
use tokio::task::JoinSet;

use crate::context::Context;

/// The longest sleep: another process may have taken over work, or left some.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_secs(1);
const SHORTEST_SLEEP: Duration = Duration::from_millis(20);

/// Work of which each row is one call.
pub(crate) trait ClaimedCalls: Send + Sync {
    /// What [`ClaimedCalls::step`] does, for the log.
    const STEP: &'static str;

    fn context(&self) -> &Context;

    fn stop(&self) -> &Stop;

    /// Ends when this process has made new work.
    fn woken(&self) -> impl Future<Output = ()> + Send;

    /// Claims what is due, begins its calls, and returns how long to sleep; the end of a call wakes the loop.
    fn step(&self, calls: &mut JoinSet<()>) -> impl Future<Output = Result<Duration, StoreError>> + Send;
}

/// Runs until the process stops, and then until the calls have ended.
pub(crate) async fn run<W: ClaimedCalls>(work: W) {
    let (mut calls, mut failures) = (JoinSet::new(), 0_u32);
    let stop = work.stop();
    while !stop.is_stopped() {
        let pause = match work.step(&mut calls).await {
            Ok(pause) => {
                failures = 0;
                pause
            }
            Err(error) => {
                failures += 1;
                work.context().postgres_failed(W::STEP, &error, failures)
            }
        };
        tokio::select! {
            () = stop.stopped() => {}
            () = work.woken() => {}
            // A call that panicked is repeated after its lease; the panic itself is logged and counted.
            Some(_) = calls.join_next() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    // A stop ends the calls; what they had been told already is recorded.
    while calls.join_next().await.is_some() {}
}

/// How long to sleep after a step, where the next row is due after `pause`.
pub(crate) fn sleep_after(has_claimed: bool, pause: Duration) -> Duration {
    match has_claimed {
        true => Duration::ZERO, // There may be more.
        false => pause.max(SHORTEST_SLEEP),
    }
}
