//! A person says what became of a dead message.

use std::collections::BTreeSet;

use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, RunQueryDsl};
use domain::audit::Action;
use domain::dead_letter::Settlement;
use domain::ids::LetterId;

use super::Decided;
use super::case::Case;
use super::closing::{self, Decision};
use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::planning::{Planned, Planner};
use crate::prepared;

/// What a person knows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The guest has it.
    Sent,
    /// The guest does not have it, and it is not to be sent.
    NotSent,
}

impl Word {
    pub const fn as_str(self) -> &'static str {
        self.settlement().as_str()
    }

    const fn settlement(self) -> Settlement {
        match self {
            Self::Sent => Settlement::Sent,
            Self::NotSent => Settlement::NotSent,
        }
    }
}

/// Settles a letter's message. One that went counts as sent when it was called for: what follows from it is planned.
pub fn settle(
    connection: &mut PgConnection,
    planner: &Planner,
    id: LetterId,
    by: &Actor,
    word: Word,
) -> Result<Decided<Planned>, StoreError> {
    let case = match Case::open(connection, planner, id, BTreeSet::new())? {
        Ok(case) => case,
        Err(declined) => return Ok(Err(declined)),
    };
    if word == Word::Sent {
        mark_sent(connection, &case)?;
    }
    let decision = Decision::Settled(word.settlement());
    closing::end_of_message(connection, case.message.id, &decision, by, case.now)?;
    let subject = Subject::from(&case.letter).with(word.as_str());
    audit::append(connection, by, Action::LetterSettled, &subject)?;
    case.replan(connection, planner).map(Ok)
}

fn mark_sent(connection: &mut PgConnection, case: &Case) -> Result<(), StoreError> {
    prepared::sql(
        "UPDATE messages SET state = 'sent', reason = NULL, sent_at = coalesce(sent_at, claimed_at, $2), \
         letter_due = false, updated_at = $2 WHERE id = $1",
    )
    .bind::<SqlUuid, _>(case.message.id.0)
    .bind::<Timestamptz, _>(case.now)
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("mark a message as sent"))
}
