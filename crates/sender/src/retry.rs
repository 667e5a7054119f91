//! Retries of database steps whose subject only this process knows.
//!
//! Only the process's shutdown deadline ends them. What is lost then leaves a message unresolved ([`crate::reconcile`]).

use std::future::Future;

use domain::backoff::Backoff;
use store::{Fault, StoreError};

/// Tries until a step succeeds, with growing pauses.
pub(crate) async fn until_done<T, F, Fut>(step: &'static str, mut attempt: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, StoreError>>,
{
    let mut failures = 0;
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => {
                failures += 1;
                log::warn!(step = step, failures = failures, error = service::chain(&error), event = "database_step_failed";
                    "database step failed; retrying");
                tokio::time::sleep(Backoff::RECONNECT.pause(failures, rand::random())).await;
            }
        }
    }
}

/// Tries, with growing pauses, until Postgres is available. Other errors are the caller's.
pub(crate) async fn through_outages<T, F, Fut>(step: &'static str, mut attempt: F) -> Result<T, StoreError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, StoreError>>,
{
    until_done(step, || {
        let said = attempt();
        async {
            match said.await {
                Err(error) if error.fault() == Fault::Outage => Err(error),
                said => Ok(said),
            }
        }
    })
    .await
}
