//! Dead letters: taking them in, showing them, and carrying out what people decide.
//!
//! Every command begins with [`drain()`]. What is decided, and when it may not be, stands in `store::letters` and
//! `domain::plan::manual_retry`.

mod decide;
mod drain;
mod retry;
mod show;
mod view;

use domain::ids::LetterId;
use store::audit::Actor;

pub(crate) use decide::{close, correct_phone, settle};
pub(crate) use drain::{Drained, drain};
pub(crate) use retry::{All, Hand, Retrier, RetryError, Tally, Tried};
pub(crate) use show::{Details, open_sealed, show};
pub(crate) use view::{Kept, LetterView, ReasonView, by_reason, list};

/// Who decided what: one line for the log.
fn log_decision(id: LetterId, by: &Actor, decision: &str) {
    log::info!("letter.id" = id.to_string(), staff = by.name.as_str(), decision = decision; "letter decided");
}
