//! Letters end: by a person's word, or because WhatsApp said what became of their messages.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Timestamptz, Uuid as SqlUuid};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::audit::Action;
use domain::dead_letter::{LetterState, Settlement};
use domain::ids::{LetterId, MessageId};
use uuid::Uuid;

use super::{Decided, Declined, Letter, reading};
use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::prepared;
use crate::schema::letters;

/// A person wants nothing to be done about a letter, whatever it is about.
pub fn close(connection: &mut PgConnection, id: LetterId, by: &Actor) -> Result<Decided<()>, StoreError> {
    let letter = match lock_open(connection, id)? {
        Ok(letter) => letter,
        Err(declined) => return Ok(Err(declined)),
    };
    end(connection, id, by, LetterState::Closed)?;
    audit::append(connection, by, Action::LetterClosed, &Subject::from(&letter)).map(Ok)
}

/// Records that a person is about to publish an event again: RabbitMQ takes no part in a transaction, and
/// no deed may go without its row.
pub fn announce_event_retry(
    connection: &mut PgConnection,
    id: LetterId,
    by: &Actor,
) -> Result<Decided<()>, StoreError> {
    let letter = match lock_open(connection, id)? {
        Ok(letter) => letter,
        Err(declined) => return Ok(Err(declined)),
    };
    audit::append(connection, by, Action::LetterRetried, &Subject::from(&letter)).map(Ok)
}

/// Notes that the event whose letter this is was published once more.
pub fn mark_event_retried(
    connection: &mut PgConnection,
    id: LetterId,
    by: &Actor,
) -> Result<Decided<()>, StoreError> {
    match lock_open(connection, id)? {
        Ok(_) => end(connection, id, by, LetterState::Retried).map(Ok),
        Err(declined) => Ok(Err(declined)),
    }
}

fn end(
    connection: &mut PgConnection,
    id: LetterId,
    by: &Actor,
    state: LetterState,
) -> Result<(), StoreError> {
    let ended = (
        letters::state.eq(state.as_str()),
        letters::closed_by.eq(by.name.as_str()),
        letters::closed_at.eq(diesel::dsl::now),
        letters::note_key.eq(by.note_key()),
    );
    diesel::update(letters::table.find(id.0))
        .set(ended)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("end a letter"))
}

/// Locks a letter that has to be open.
pub(super) fn lock_open(connection: &mut PgConnection, id: LetterId) -> Result<Decided<Letter>, StoreError> {
    Ok(match reading::lock(connection, id)? {
        None => Err(Declined::NotFound),
        Some(letter) => match letter.ending {
            Some(ending) => Err(Declined::TooLate(ending)),
            None => Ok(letter),
        },
    })
}

/// What a person decided of a message.
pub(super) enum Decision {
    Retried,
    Settled(Settlement),
}

/// Ends what letters are open of a locked message: what was decided of the message holds for all of them.
pub(super) fn end_of_message(
    connection: &mut PgConnection,
    message: MessageId,
    decision: &Decision,
    by: &Actor,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (state, settled_as) = match decision {
        Decision::Retried => (LetterState::Retried, None),
        Decision::Settled(settlement) => (LetterState::Settled, Some(settlement.as_str())),
    };
    let of_message = letters::table
        .filter(letters::message_id.eq(message.0))
        .filter(letters::state.eq(LetterState::Open.as_str()));
    diesel::update(of_message)
        .set((
            letters::state.eq(state.as_str()),
            letters::settled_as.eq(settled_as),
            letters::closed_by.eq(by.name.as_str()),
            letters::closed_at.eq(at),
            letters::note_key.eq(by.note_key()),
        ))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("end a message's letters"))
}

/// Closes the open dead letters of messages that a late status of WhatsApp's moved out of `dead`, or dead-lettered again,
/// which makes a letter of its own. Call it when the messages are locked and written.
pub(crate) fn settle_by_whatsapp(
    connection: &mut PgConnection,
    messages: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    prepared::sql(
        "UPDATE letters l SET state = 'settled', settled_as = coalesce(m.delivery, m.state), closed_by = 'whatsapp', \
         closed_at = $2 FROM messages m WHERE m.id = l.message_id AND l.message_id = ANY($1) AND l.state = 'open' \
         AND (m.state <> 'dead' OR l.dated AND m.died_at <> l.died_at)",
    )
    .bind::<Array<SqlUuid>, _>(messages)
    .bind::<Timestamptz, _>(now)
    .execute(connection)
    .map(|_| ())
    .map_err(StoreError::query("settle letters that WhatsApp spoke of"))
}
