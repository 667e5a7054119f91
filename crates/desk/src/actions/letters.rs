//! Dead letters: importing, showing and retrying them, and people's decisions.
//!
//! Every command first calls [`drain()`]. When a decision is allowed is in `store::letters` and `domain::plan::manual_retry`.

mod decide;
mod drain;
mod retry;
mod show;
mod view;

use domain::ids::LetterId;
use store::audit::Actor;

pub(crate) use decide::{close, correct_phone, settle};
pub(crate) use drain::{Drained, drain};
pub(crate) use retry::{All, Mode, Retrier, RetryError, Tally, Tried};
pub(crate) use show::{Details, open_sealed, show};
pub(crate) use view::{Kept, LetterView, ReasonView, by_reason, list};

fn log_decision(id: LetterId, by: &Actor, decision: &str) {
    log::info!(event = "letter_decided", "letter.id" = id.to_string(), staff = by.name.as_str(), decision = decision;
        "letter decided");
}
