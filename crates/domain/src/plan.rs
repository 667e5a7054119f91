//! The plan of a booking: its status, which messages it wants and when, which it does not want and why, and when to
//! plan it again.
//!
//! [`plan`] is a pure function. Called with a later `now` it tells what will happen; `desk bookings show` explains
//! a booking with it. [`cart`] plans the reminders, [`order`] what follows a reservation, [`stop`] the answer to a guest
//! who opts out; when each kind goes is a [`crate::moment::Moment`] of the resort. [`difference`] turns a plan into changes of the messages that exist, and
//! [`manual_retry`] decides whether a person may have a dead message sent again, [`instructed`] whether they may withdraw one
//! or have it sent now.

pub mod cart;
pub mod difference;
pub mod instructed;
pub mod manual_retry;
pub mod order;
mod stop;
#[cfg(test)]
pub(crate) mod tests;
mod view;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::facts::Facts;
use crate::guest::MarketingConsent;
use crate::ids::{BookingId, MessageId};
use crate::message::{MessageKind, MessageState, MomentName, Reason};
use crate::resort::Resort;
use crate::stay::Dates;
use crate::text_enum::text_enum;

pub(crate) use view::{Half, View};

text_enum! {
    Status("booking status") {
        /// The guest is booking, or may still be.
        Started = "started",
        /// The guest left the booking unfinished.
        Abandoned = "abandoned",
        Confirmed = "confirmed",
        CheckedIn = "checked_in",
        CheckedOut = "checked_out",
        /// The guest did not arrive in time.
        NoShow = "no_show",
        Cancelled = "cancelled",
    }
}

/// A message of this booking that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    pub id: MessageId,
    pub kind: MessageKind,
    /// Counts the messages of this kind in this booking, from 0.
    pub round: u32,
    /// The time of the fact that the message answers; it tells which round the message belongs to.
    pub basis_at: DateTime<Utc>,
    pub state: MessageState,
    pub reason: Option<Reason>,
    /// Calls that were begun.
    pub attempts: u32,
    pub due_at: DateTime<Utc>,
    /// From then on the message is too late to be useful.
    pub expires_at: DateTime<Utc>,
    /// When WhatsApp accepted it, as far as known.
    pub sent_at: Option<DateTime<Utc>>,
    /// The mark that it must never be queued again.
    pub withdrawn: bool,
}

/// A reservation of the same guest at the same resort that is not cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    pub booking: BookingId,
    pub dates: Dates,
}

/// What a plan depends on besides the booking's own facts.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// Every message of this booking, in any state.
    pub messages: Vec<Existing>,
    /// What the guest said about marketing at this resort.
    pub marketing_consent: MarketingConsent,
    /// When the guest last wrote something that staff should answer, unless staff have let the reminders go since.
    pub replied_at: Option<DateTime<Utc>>,
    /// The guest's other reservations at this resort that are not cancelled.
    pub elsewhere: Vec<Reservation>,
    /// Since when the resort's file has each of its own moments as they are now. One that is missing is not planned yet:
    /// a processor notes it before anything is planned by it.
    pub moments_since: BTreeMap<MomentName, DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub status: Status,
    /// One entry for each kind of message that the facts ask for or rule out.
    pub messages: Vec<Planned>,
    /// When the plan changes without a new fact; always later than the `now` of the plan. `None`: never. The end of
    /// a message's window is not among these times: the claim checks it.
    pub wake_at: Option<DateTime<Utc>>,
}

/// What a plan says about one kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    pub kind: MessageKind,
    /// The time of the fact that the message answers.
    pub basis_at: DateTime<Utc>,
    pub decision: Decision,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It will be due when the window opens. `None`: that depends on something that has not happened yet.
    Later(Option<Window>),
    /// It is due now.
    Due(Window),
    /// It is due now and must not be sent, for this reason.
    Skip(Reason, Window),
    /// Its window has closed.
    Expired(Window),
    /// It is not wanted, for this reason.
    NotWanted(Reason),
}

/// When a message may be sent, and until when it is useful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The time that follows from the facts, moved to the end of quiet hours.
    pub opens_at: DateTime<Utc>,
    /// `opens_at` plus the resort's `expires_after` of the kind.
    pub closes_at: DateTime<Utc>,
}

/// Plans a booking. The result depends on nothing but the arguments.
pub fn plan(
    booking: &BookingId,
    facts: &Facts,
    circumstances: &Circumstances,
    resort: &Resort,
    now: DateTime<Utc>,
) -> Plan {
    let view = View {
        booking,
        facts,
        circumstances,
        resort,
        now,
    };
    let order = order::plan(&view);
    let cart = cart::plan(&view);
    let mut messages: Vec<Planned> = cart.messages.into_iter().chain(order.messages).collect();
    messages.extend(stop::plan(&view));
    messages.extend(view.removed_moments());
    for planned in &mut messages {
        let is_wanted = !matches!(planned.decision, Decision::NotWanted(_));
        if is_wanted && facts.is_withdrawn_by_staff(planned.kind) {
            planned.decision = Decision::NotWanted(Reason::WithdrawnByStaff);
        }
    }
    let opening = messages.iter().filter_map(|planned| match &planned.decision {
        Decision::Later(Some(window)) => Some(window.opens_at),
        _ => None,
    });
    // Once an order is known its status replaces the cart's, so a change of the cart's status changes nothing.
    let cart_changes_at = cart.status_changes_at.filter(|_| order.status.is_none());
    let wake_at = opening
        .chain(order.status_changes_at)
        .chain(cart_changes_at)
        .filter(|at| *at > now)
        .min();
    Plan {
        status: order.status.or(cart.status).unwrap_or(Status::Started),
        messages,
        wake_at,
    }
}
