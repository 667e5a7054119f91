//! Dead letters: importing, showing and retrying them, and people's decisions.
//!
//! A platform's request that its source's mapping could not read is mapped again when it is retried (`request`). Every
//! command first calls [`drain()`]. What is done with everything that a filter matches is a [job](jobs). When a decision is allowed is in `store::letters` and `domain::plan::manual_retry`.

pub(crate) mod decide;
mod drain;
pub(crate) mod filter;
pub(crate) mod jobs;
mod page;
mod prospect;
mod request;
mod retry;
mod show;
mod tried;
mod view;

use domain::ids::LetterId;
use store::audit::Actor;

pub(crate) use decide::{assign, check_phone, close, correct_phone, settle};
pub(crate) use drain::{Drained, drain};
pub(crate) use page::page;
pub(crate) use prospect::of_retry as prospect;
pub(crate) use request::Becomes;
pub(crate) use retry::{All, Mode, Retrier, RetryError};
pub(crate) use show::{Details, Revealable, open_sealed, reveal, show};
pub(crate) use tried::{Tally, Tried, TriedView, word};
pub(crate) use view::{Kept, LetterView, ReasonView, by_reason, list};

fn log_decision(id: LetterId, by: &Actor, decision: &str) {
    log::info!(event = "letter_decided", "letter.id" = id.to_string(), staff = by.name.as_str(), decision = decision;
        "letter decided");
}
