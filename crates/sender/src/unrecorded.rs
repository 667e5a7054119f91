//! Results of calls that Postgres has not taken yet, for a reason that passes. They exist only in this process.

use std::sync::{Mutex, PoisonError};

use domain::message_record::CallResult;

#[derive(Default)]
pub(crate) struct Unrecorded(Mutex<Vec<CallResult>>);

impl Unrecorded {
    pub(crate) fn keep(&self, result: CallResult) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(result);
    }

    pub(crate) fn take(&self) -> Vec<CallResult> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
