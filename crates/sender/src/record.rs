//! Recording the results of calls, which no other process knows.
//!
//! Results are recorded together. Where Postgres refuses that, each is recorded alone, so that a bad one stops no other.
//! One that waits for another transaction's lock is kept and tried again each second. A result that cannot be recorded
//! leaves its message unresolved ([`crate::reconcile`]).

use std::sync::Arc;
use std::time::Duration;

use domain::message_record::CallResult;
use futures_util::future::join_all;
use service::{Stop, crash, periodic};
use store::results::{self, Outcome};
use store::{Fault, StoreError};

use crate::context::Sender;
use crate::retry;
use crate::stages::Called;
use crate::telemetry;

/// Tries the kept results every second, and a last time when the last call has ended.
pub(crate) async fn run(sender: Arc<Sender>, called_last: Stop) {
    periodic::run(&called_last, Duration::from_secs(1), || record_kept(&sender)).await;
    record_kept(&sender).await;
}

/// Tries each kept result once.
pub(crate) async fn record_kept(sender: &Sender) {
    let kept = sender.unrecorded.take();
    join_all(kept.into_iter().map(|result| record_alone(sender, result))).await;
}

/// Records results. While Postgres is unavailable it waits.
pub(crate) async fn record(sender: &Sender, called: &[Called]) {
    if called.is_empty() {
        return;
    }
    let results: Arc<Vec<CallResult>> = Arc::new(called.iter().map(Called::result).collect());
    match (write(sender, Arc::clone(&results)).await, results.as_slice()) {
        (Ok(outcome), _) => telemetry::recorded(&sender.metrics, &outcome),
        (Err(error), [result]) => keep(sender, result.clone(), &error),
        (Err(error), several) => {
            telemetry::recording_apart(several.len(), &error);
            join_all(several.iter().map(|one| record_alone(sender, one.clone()))).await;
        }
    }
}

async fn record_alone(sender: &Sender, result: CallResult) {
    match write(sender, Arc::new(vec![result.clone()])).await {
        Ok(outcome) => telemetry::recorded(&sender.metrics, &outcome),
        Err(error) => keep(sender, result, &error),
    }
}

/// Keeps a result that Postgres may take later.
fn keep(sender: &Sender, result: CallResult, error: &StoreError) {
    match error.fault() {
        Fault::Outage | Fault::Contention | Fault::Locked | Fault::Unclear => {
            telemetry::kept(&result, error);
            sender.unrecorded.keep(result);
        }
        Fault::Ours | Fault::Data => telemetry::unrecorded(&result, &service::chain(error)),
    }
}

/// Writes results, and what follows for their bookings, in one transaction.
async fn write(sender: &Sender, results: Arc<Vec<CallResult>>) -> Result<Outcome, StoreError> {
    let mut unwritten = sender.unrecorded.while_written(&results);
    let written = retry::during(&[Fault::Outage], "record results of calls", || {
        let (results, planner) = (Arc::clone(&results), sender.planner());
        sender.store.transaction(move |connection| {
            let outcome = results::record_calls(connection, &planner, &results)?;
            crash::point("sender.results.written");
            Ok(outcome)
        })
    });
    let written = written.await;
    unwritten.end();
    let outcome = written?;
    crash::point("sender.results.committed");
    Ok(outcome)
}
