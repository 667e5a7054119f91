//! Results of calls that Postgres has not taken yet, for a reason that passes. They exist only in this process.

use std::sync::{Arc, Mutex};

use domain::message_record::CallResult;
use service::lock;

use crate::telemetry;

#[derive(Default)]
pub(crate) struct Unrecorded(Mutex<Vec<CallResult>>);

impl Unrecorded {
    pub(crate) fn keep(&self, result: CallResult) {
        lock(&self.0).push(result);
    }

    pub(crate) fn take(&self) -> Vec<CallResult> {
        std::mem::take(&mut *lock(&self.0))
    }

    /// Keeps these results where the attempt to write them is dropped: by a panic, or at the shutdown deadline.
    pub(crate) fn while_written(&self, results: &Arc<Vec<CallResult>>) -> Unwritten<'_> {
        Unwritten {
            kept: self,
            results: Some(Arc::clone(results)),
        }
    }
}

/// The process ends: each result that is left is lost.
impl Drop for Unrecorded {
    fn drop(&mut self) {
        for result in self.take() {
            telemetry::unrecorded(&result, "the process ends");
        }
    }
}

pub(crate) struct Unwritten<'a> {
    kept: &'a Unrecorded,
    results: Option<Arc<Vec<CallResult>>>,
}

impl Unwritten<'_> {
    /// The attempt has ended, and its outcome says what becomes of the results.
    pub(crate) fn end(&mut self) {
        self.results = None;
    }
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        for result in self.results.iter().flat_map(|results| results.iter()) {
            self.kept.keep(result.clone());
        }
    }
}
