//! Retries a dead message by a decision of staff: it goes back to the queue.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::audit::Action;
use domain::ids::LetterId;
use domain::message::{ContentChoice, MessageKind, MessageState};
use domain::plan::{self, Window};

use super::case::{self, Case};
use super::closing::{self, Decision};
use super::{Decided, Declined, Letter};
use crate::answers;
use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::planning::{self, Planned, Planner};
use crate::schema::messages;
use crate::{bookings, pool};

/// Whether a letter's message could be retried now; changes nothing.
pub fn judge(
    connection: &mut PgConnection,
    planner: &Planner,
    id: LetterId,
) -> Result<Decided<()>, StoreError> {
    match Case::open(connection, planner, id, BTreeSet::new())? {
        Ok(case) => Ok(case
            .judge(connection, planner)?
            .map(drop)
            .map_err(Declined::Refused)),
        Err(declined) => Ok(Err(declined)),
    }
}

/// As [`judge`], of many letters at once and without a lock: for a dry run. What is left out has to be judged alone.
pub fn judge_all(
    connection: &mut PgConnection,
    planner: &Planner,
    letters: &[Letter],
) -> Result<HashMap<LetterId, Decided<()>>, StoreError> {
    let (mut judged, mut dead) = (HashMap::new(), Vec::new());
    for letter in letters {
        match case::of_message(letter.clone()) {
            Ok(found) => dead.push(found),
            Err(declined) => {
                judged.insert(letter.id, Err(declined));
            }
        }
    }
    let keys = dead.iter().map(|(_, key)| key.clone()).collect();
    let bookings = bookings::read_readable(connection, &planner.ring, &keys)?;
    let now = pool::clock(connection)?;
    let looked = planning::look_at_all(connection, planner, &bookings, now)?;
    let found: HashMap<_, _> = bookings
        .iter()
        .zip(looked)
        .map(|(booking, looked)| (&booking.key, (booking, looked)))
        .collect();
    for (letter, key) in dead {
        let Some((booking, looked)) = found.get(&key) else {
            continue;
        };
        let Some((resort, (plan, around))) = planner.resort(&key.resort).zip(looked.as_ref()) else {
            continue;
        };
        let message = around
            .messages
            .iter()
            .find(|message| Some(message.id) == letter.message);
        // No plan wants an answer: what it says is judged alone.
        if message.is_some_and(|message| message.kind == MessageKind::StaffAnswer) {
            continue;
        }
        let verdict = case::dead(message.cloned())
            .and_then(|message| plan::manual_retry::judge(plan, &booking.facts, around, resort, &message));
        judged.insert(letter.id, verdict.map(drop).map_err(Declined::Refused));
    }
    Ok(judged)
}

/// Puts a letter's message back into the queue, if its booking's plan still wants it.
///
/// Attempt numbers continue, so that late results stay fenced. The retries start again at 0, and the content is the template
/// again, since staff may have repaired it.
pub fn retry(
    connection: &mut PgConnection,
    planner: &Planner,
    id: LetterId,
    by: &Actor,
) -> Result<Decided<Planned>, StoreError> {
    let case = match Case::open(connection, planner, id, BTreeSet::new())? {
        Ok(case) => case,
        Err(declined) => return Ok(Err(declined)),
    };
    let window = match case.judge(connection, planner)? {
        Ok(window) => window,
        Err(refusal) => return Ok(Err(Declined::Refused(refusal))),
    };
    queue(connection, &case, window)?;
    closing::end_of_message(connection, case.message.id, &Decision::Retried, by, case.now)?;
    audit::append(
        connection,
        by,
        Action::LetterRetried,
        &Subject::from(&case.letter),
    )?;
    case.replan(connection, planner).map(Ok)
}

/// The reports on earlier calls stay in the row until the next call, so that a late report is attributed to its own call.
fn queue(connection: &mut PgConnection, case: &Case, window: Window) -> Result<(), StoreError> {
    let turn = match case.message.kind {
        MessageKind::StaffAnswer => answers::TURN,
        _ => ContentChoice::Template,
    };
    diesel::update(messages::table.find(case.message.id.0))
        .set((
            messages::state.eq(MessageState::Queued.as_str()),
            messages::reason.eq(None::<String>),
            messages::due_at.eq(case.now),
            messages::expires_at.eq(window.closes_at),
            messages::publish_at.eq(case.now),
            messages::publishes.eq(0),
            messages::retries.eq(0),
            messages::turn.eq(turn.as_str()),
            messages::withdrawn_reason.eq(None::<String>),
            messages::rested.eq(false),
            messages::text_refused.eq(false),
            messages::sent_at.eq(None::<DateTime<Utc>>),
            messages::letter_due.eq(false),
            messages::updated_at.eq(case.now),
        ))
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("queue a dead message"))
}
