//! Isolation of work that runs beside other work in one task.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

/// Runs a part of sending; `None`: it panicked. Without this, a panic would drop the calls that run beside it, and their
/// answers with them.
pub(crate) async fn isolated<T>(part: &'static str, work: impl Future<Output = T>) -> Option<T> {
    // What a panic may leave half done is in Postgres; the state that calls share is behind locks that survive a panic.
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => Some(done),
        Err(_) => {
            log::error!(part, alert = "sending_panicked"; "sending panicked; the relay publishes what is still queued again");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_panic_ends_no_work_beside_it() {
        let calls = [false, true, false].map(|panics| {
            isolated("call", async move {
                tokio::task::yield_now().await;
                assert!(!panics, "a defect");
            })
        });

        assert_eq!(join_all(calls).await, [Some(()), None, Some(())]);
    }
}
