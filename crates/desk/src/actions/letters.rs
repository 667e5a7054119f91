//! Dead letters: taking them in, showing them, and carrying out what people decide.
//!
//! Every command begins with [`drain()`]. What is decided, and when it may not be, stands in `store::letters` and
//! `domain::plan::once_more`.

mod decide;
mod drain;
mod retry;
mod show;
mod view;

use std::sync::Arc;

use crypto::key_ring::KeyRing;
use domain::ids::LetterId;
use store::audit::Actor;
use store::letters::Ending;
use store::{Store, StoreError};

use super::notes::Notes;

pub(crate) use decide::{close, correct_phone, settle};
pub(crate) use drain::{Drained, drain};
pub(crate) use retry::{All, Hand, Retrier, RetryError, Tally, Tried};
pub(crate) use show::{Details, open_sealed, show};
pub(crate) use view::{Kept, LetterView, ReasonView, by_reason, list};

/// Who decided what: one line for the log.
fn log_decision(id: LetterId, by: &Actor, decision: &str) {
    log::info!("letter.id" = id.to_string(), staff = by.name.as_str(), decision = decision; "letter decided");
}

/// Why a letter ended, where the person said it.
pub(crate) async fn note(
    store: &Store,
    ring: &Arc<KeyRing>,
    ending: &Ending,
) -> Result<Option<String>, StoreError> {
    let Some(key) = ending.note.clone() else {
        return Ok(None);
    };
    let ring = Arc::clone(ring);
    store
        .run(move |connection| Ok(Notes::read(connection, Some(&ring), [&key])?.words(&key)))
        .await
}
