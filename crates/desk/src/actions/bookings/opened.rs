//! A conversation that a member has opened: its texts are shown to them for a while, after one row in the audit trail.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::Action;
use domain::ids::{BookingKey, StaffName};
use store::audit::{self, Actor, Filter, Subject};
use store::planning::Planner;
use store::{Connection, StoreError, bookings, messages, pool};

use super::conversation::{self, Turn};
use crate::actions::context::Context;

const SHOWN_FOR: TimeDelta = TimeDelta::minutes(15);

/// Personal data.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) turns: Vec<Turn>,
    pub(crate) until: DateTime<Utc>,
}

/// Opens it, unless it is open. `false`: the booking does not exist.
pub(crate) async fn open(context: &Context, key: BookingKey, by: Actor) -> Result<bool, StoreError> {
    let (booking, staff) = (key.to_string(), by.name.clone());
    let is_known = context
        .transaction(move |connection, planner| {
            if bookings::find(connection, &planner.ring, &key)?.is_none() {
                return Ok(false);
            }
            if open_until(connection, &key, &by.name)?.is_none() {
                audit::append(connection, &by, Action::ConversationOpened, &Subject::from(&key))?;
            }
            Ok(true)
        })
        .await?;
    if is_known {
        log::warn!(event = "conversation_opened", booking, staff = staff.as_str(); "a conversation was opened");
    }
    Ok(is_known)
}

/// The conversation, where this member has opened it lately.
pub(crate) async fn opened(
    context: &Context,
    key: BookingKey,
    member: StaffName,
) -> Result<Option<Opened>, StoreError> {
    context
        .transaction(move |connection, planner| find(connection, planner, &key, &member))
        .await
}

pub(super) fn find(
    connection: &mut Connection,
    planner: &Planner,
    key: &BookingKey,
    member: &StaffName,
) -> Result<Option<Opened>, StoreError> {
    match open_until(connection, key, member)? {
        Some(until) => Ok(read(connection, planner, key)?.map(|turns| Opened { turns, until })),
        None => Ok(None),
    }
}

fn open_until(
    connection: &mut Connection,
    key: &BookingKey,
    member: &StaffName,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let now = pool::clock(connection)?;
    let filter = Filter {
        actor: Some(member.clone()),
        action: Some(Action::ConversationOpened),
        booking: Some(key.clone()),
        since: Some(now - SHOWN_FOR),
        before: None,
    };
    let last = audit::list(connection, &filter, 1)?;
    Ok(last.first().map(|record| record.at + SHOWN_FOR))
}

fn read(
    connection: &mut Connection,
    planner: &Planner,
    key: &BookingKey,
) -> Result<Option<Vec<Turn>>, StoreError> {
    let Some(booking) = bookings::find(connection, &planner.ring, key)? else {
        return Ok(None);
    };
    let messages = messages::list_of_booking(connection, key)?;
    conversation::read(connection, planner, &booking, &messages).map(Some)
}
