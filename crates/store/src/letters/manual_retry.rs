//! Retries a dead message by a decision of staff: it goes back to the queue.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::audit::Action;
use domain::ids::LetterId;
use domain::message::{ContentChoice, MessageKind, MessageState};
use domain::plan::Window;

use super::case::Case;
use super::closing::{self, Decision};
use super::{Decided, Declined};
use crate::answers;
use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::planning::{Planned, Planner};
use crate::schema::messages;

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
