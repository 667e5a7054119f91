//! Writes that must not be lost while Postgres is away: what is known only here.

use std::future::Future;
use std::time::Duration;

use domain::backoff::Backoff;
use store::StoreError;

/// Tries until it is done, with growing pauses. The process's own shutdown deadline is the only end: what is lost then
/// counts as a call without an answer and is settled by WhatsApp's report or a person.
pub(crate) async fn until_done<T, F, Fut>(what: &'static str, mut attempt: F) -> T
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
                log::warn!(step = what, failures = failures, error = service::chain(&error); "Postgres did not take it; trying again");
                tokio::time::sleep(pause(failures)).await;
            }
        }
    }
}

fn pause(failures: u32) -> Duration {
    Backoff::RECONNECT.pause(failures, rand::random())
}
