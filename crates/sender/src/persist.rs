//! Steps in Postgres that are tried again until they are done: what they are about is known only here.
//!
//! The process's own shutdown deadline is their only end. What is lost then counts as a call without an answer and is
//! settled by WhatsApp's report, by evidence or by a person.

use std::future::Future;

use domain::backoff::Backoff;
use store::{Fault, StoreError};

/// Tries until it is done, with growing pauses.
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
                log::warn!(step = step, failures = failures, error = service::chain(&error); "database step failed; retrying");
                tokio::time::sleep(Backoff::RECONNECT.pause(failures, rand::random())).await;
            }
        }
    }
}

/// Tries, with growing pauses, until Postgres is there and says something.
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
