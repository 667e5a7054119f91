//! Recording what came of calls: it is known nowhere else.
//!
//! Results are recorded together. Where Postgres refuses that, each is recorded alone, so that a bad one hurts itself
//! only. One that waits for somebody else's lock is kept and tried again each second, in nobody's way. What cannot be
//! recorded at all counts as a call without an answer ([`crate::unknown`]).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::message::life::CallResult;
use futures_util::future::join_all;
use service::{Stop, crash, periodic};
use store::results::{self, Outcome};
use store::{Fault, StoreError};

use crate::holds;
use crate::log_lines;
use crate::persist;
use crate::send::Sender;

/// Results that Postgres has not taken yet, for a reason that passes.
#[derive(Default)]
pub(crate) struct Unrecorded(Mutex<Vec<CallResult>>);

impl Unrecorded {
    fn keep(&self, result: CallResult) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(result);
    }

    fn take(&self) -> Vec<CallResult> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tries every second what is kept, and once more when the last call has ended.
pub(crate) async fn run(sender: Arc<Sender>, called_last: Stop) {
    let try_kept = || async {
        let kept = sender.unrecorded.take();
        join_all(kept.into_iter().map(|one| sender.record_alone(one))).await;
    };
    periodic::run(&called_last, Duration::from_secs(1), try_kept).await;
    try_kept().await;
    for one in sender.unrecorded.take() {
        log_lines::unrecorded(&one, "the process ends");
    }
}

impl Sender {
    /// Records results. While Postgres is away it waits.
    pub(crate) async fn record(&self, called: Vec<CallResult>) {
        if called.is_empty() {
            return;
        }
        let called = Arc::new(called);
        match (self.write(Arc::clone(&called)).await, called.as_slice()) {
            (Ok(outcome), _) => holds::tell(self, &outcome),
            (Err(error), [one]) => self.keep(one.clone(), &error),
            (Err(_), several) => {
                join_all(several.iter().map(|one| self.record_alone(one.clone()))).await;
            }
        }
    }

    async fn record_alone(&self, called: CallResult) {
        match self.write(Arc::new(vec![called.clone()])).await {
            Ok(outcome) => holds::tell(self, &outcome),
            Err(error) => self.keep(called, &error),
        }
    }

    /// Keeps a result that Postgres may take later.
    fn keep(&self, called: CallResult, error: &StoreError) {
        match error.fault() {
            Fault::Outage | Fault::Contention | Fault::Locked | Fault::Unclear => {
                log_lines::kept(&called, error);
                self.unrecorded.keep(called);
            }
            Fault::Ours | Fault::Data => log_lines::unrecorded(&called, &service::chain(error)),
        }
    }

    /// Writes results in one transaction.
    async fn write(&self, called: Arc<Vec<CallResult>>) -> Result<Outcome, StoreError> {
        let written = persist::through_outages("record what came of calls", || {
            let (called, planner) = (Arc::clone(&called), self.planner());
            self.store.transaction(move |connection| {
                let outcome = results::record_calls(connection, &planner, &called)?;
                crash::point("sender.results.written");
                Ok(outcome)
            })
        });
        let outcome = written.await?;
        crash::point("sender.results.committed");
        Ok(outcome)
    }
}
