//! Conversations with guests: staff answer, and give each other what waits.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::audit::Action;
use domain::ids::{BookingKey, MessageId, StaffName};
use domain::message::MessageKind;
use domain::render::Subject;
use domain::staff::Scope;
use domain::staff_answer::{self, AnswerRefused, StaffAnswer};
use domain::stay::Personal;
use serde::Serialize;
use store::answers::{self, Posted, Situation};
use store::audit::{self, Actor};
use store::bookings::{self, Booking};
use store::guests::GuestKey;
use store::guests::waiting::{self, Act};
use store::planning::Planner;
use store::{Connection, Store, StoreError, guests, pool, staff};

use super::context::Context;
use super::guests::{NoGuest, Person, find_guests};

/// How a booking's conversation stands, and what can be answered in it now. Holds nothing personal.
#[derive(Debug, Serialize)]
pub(crate) struct Answering {
    /// When the guest's 24-hour window ends, or ended lately; `None`: none is known.
    pub(crate) open_until: Option<DateTime<Utc>>,
    /// Why words of one's own cannot be sent; `None`: they can.
    pub(crate) no_text: Option<String>,
    /// The kinds whose templates can be sent.
    pub(crate) templates: Vec<MessageKind>,
    /// Since when the guest waits for an answer; `None`: not at all.
    pub(crate) waits_since: Option<DateTime<Utc>>,
    /// Whose the conversation is.
    pub(crate) assignee: Option<String>,
    /// Until then the guest does not count as waiting, unless they write again.
    pub(crate) snoozed_until: Option<DateTime<Utc>>,
}

impl Answering {
    /// `None`: the resort has no readable file.
    pub(super) fn of(
        connection: &mut Connection,
        planner: &Planner,
        booking: &Booking,
    ) -> Result<Option<Self>, StoreError> {
        let Some(resort) = planner.resort(&booking.key.resort) else {
            return Ok(None);
        };
        let situation = Situation::of(connection, planner, booking)?;
        let now = pool::clock(connection)?;
        let subject = Subject {
            kind: MessageKind::StaffAnswer,
            booking: &booking.key.booking,
            facts: &booking.facts,
            resort,
        };
        let around = situation.around();
        let words = StaffAnswer::Text(Personal::new("…"));
        let standing = match planner.guest_of_booking(booking) {
            Some(guest) => waiting::standing(connection, &guest)?,
            None => None,
        };
        let refused = staff_answer::judge(subject, &words, &around, now).err();
        Ok(Some(Self {
            open_until: situation.open_until,
            no_text: refused.map(|refused| refused.to_string()),
            templates: staff_answer::usable_templates(subject, &around, now),
            waits_since: standing.as_ref().and_then(|standing| standing.waits_since),
            snoozed_until: standing.as_ref().and_then(|standing| standing.snoozed_until),
            assignee: standing.and_then(|standing| standing.assignee),
        }))
    }
}

/// `None` for an unknown booking, or one whose resort has no readable file.
pub(crate) async fn answering(context: &Context, key: BookingKey) -> Result<Option<Answering>, StoreError> {
    context
        .transaction(
            move |connection, planner| match bookings::find(connection, &planner.ring, &key)? {
                Some(booking) => Answering::of(connection, planner, &booking),
                None => Ok(None),
            },
        )
        .await
}

/// Takes an answer to a booking's guest. `id` is made where the answer was written: taken twice, it is sent once.
pub(crate) async fn answer(
    context: &Context,
    key: BookingKey,
    (id, answer): (MessageId, StaffAnswer),
    by: Actor,
) -> Result<Result<Posted, AnswerRefused>, StoreError> {
    let (booking, staff) = (key.to_string(), by.name.clone());
    let posted = context
        .transaction(move |connection, planner| answers::post(connection, planner, (&key, id), &answer, &by))
        .await?;
    if posted.is_ok() {
        log::info!(event = "guest_answered", "booking.id" = booking, "message.id" = id.to_string(), staff = staff.as_str();
            "staff answered a guest");
    }
    Ok(posted)
}

#[derive(Debug)]
pub(crate) enum Acted {
    Done,
    /// The guest wrote nothing that staff should answer.
    NothingWritten,
    NotFound(NoGuest),
    /// Nobody of this name is a member of the staff.
    NoMember(StaffName),
    /// They work for none of the guest's resorts.
    OutOfReach(StaffName),
    /// The time to which it was snoozed is over.
    Past,
}

/// Assigns, snoozes or closes the conversation with a guest.
pub(crate) async fn act(
    context: &Context,
    person: &Person,
    act: Act,
    by: Actor,
) -> Result<Acted, StoreError> {
    let (asked, staff, done) = (person.clone(), by.name.clone(), act.clone());
    let subject = person.subject(&context.key_ring).with(details(&act));
    let action = match act {
        Act::Assign(_) => Action::ConversationAssigned,
        Act::Snooze(_) => Action::ConversationSnoozed,
        Act::Close => Action::ConversationClosed,
    };
    let acted = context
        .transaction(move |connection, planner| {
            let guests = match find_guests(connection, planner, &asked)? {
                Ok(guests) => guests,
                Err(why) => return Ok(Acted::NotFound(why)),
            };
            if let Some(refused) = refusal(connection, &act, &guests)? {
                return Ok(refused);
            }
            let mut found = false;
            for guest in &guests {
                found |= waiting::act(connection, guest, &act)?;
            }
            if !found {
                return Ok(Acted::NothingWritten);
            }
            audit::append(connection, &by, action, &subject)?;
            Ok(Acted::Done)
        })
        .await?;
    if matches!(acted, Acted::Done) {
        log::info!(event = action.as_str(), guest = person.to_string(), staff = staff.as_str(), what = details(&done).as_str();
            "a conversation's state was changed");
    }
    Ok(acted)
}

/// For the audit trail.
fn details(act: &Act) -> String {
    match act {
        Act::Assign(Some(member)) => format!("to {member}"),
        Act::Assign(None) => "to nobody".to_owned(),
        Act::Snooze(until) => format!("until {}", until.to_rfc3339()),
        Act::Close => String::new(),
    }
}

fn refusal(
    connection: &mut Connection,
    act: &Act,
    guests: &BTreeSet<GuestKey>,
) -> Result<Option<Acted>, StoreError> {
    Ok(match act {
        Act::Assign(Some(name)) => match staff::find(connection, name.as_str())? {
            None => Some(Acted::NoMember(name.clone())),
            Some(member) => {
                let scope = &member.access.scope;
                let reaches = guests.iter().any(|guest| scope.includes(Some(&guest.resort)));
                (!reaches).then(|| Acted::OutOfReach(name.clone()))
            }
        },
        Act::Snooze(until) => (*until <= pool::clock(connection)?).then_some(Acted::Past),
        Act::Assign(None) | Act::Close => None,
    })
}

/// Who wrote and waits for an answer: the longest first, and at the end those whose conversation is snoozed.
pub(crate) async fn waiting(
    store: &Store,
    within: Scope,
    at_most: i64,
) -> Result<Vec<guests::Waiting>, StoreError> {
    store
        .run(move |connection| guests::list_waiting_within(connection, &within, at_most))
        .await
}
