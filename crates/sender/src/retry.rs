//! Retries of database steps whose subject only this process knows.
//!
//! The process's shutdown deadline ends them too. A claim or a result that is lost then leaves its message unresolved
//! ([`crate::reconcile`]).

use std::future::Future;

use domain::backoff::Backoff;
use store::{Fault, StoreError};

/// Tries again, with growing pauses, while the error is one of these faults.
pub(crate) async fn during<T, F, Fut>(
    passing: &[Fault],
    step: &'static str,
    mut attempt: F,
) -> Result<T, StoreError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, StoreError>>,
{
    let mut failures = 0;
    loop {
        match attempt().await {
            Err(error) if passing.contains(&error.fault()) => {
                failures += 1;
                log::warn!(step = step, failures = failures, error = service::chain(&error), event = "postgres_failed";
                    "database step failed; retrying");
                tokio::time::sleep(Backoff::RECONNECT.pause(failures, rand::random())).await;
            }
            done => return done,
        }
    }
}
