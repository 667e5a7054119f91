//! What a simulation found, as commands show it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::message::{MessageKind, MessageState};
use domain::plan::Existing;
use domain::render::{Content, Parameters};
use domain::resort::Resort;
use domain::simulation::{Booking, Sent, World};
use serde::Serialize;

use crate::actions::bookings::{Upcoming, upcoming};
use crate::actions::event_file::Problem;

/// It holds the values of the person's own file.
#[derive(Debug, Serialize)]
pub(crate) struct Simulation {
    pub(crate) resort: String,
    pub(crate) time_zone: String,
    /// The share of guests who get no reminders. The simulation holds out no guest: it shows what the others get.
    pub(crate) hold_out: Option<String>,
    pub(crate) events: usize,
    /// Parts of a platform's payload that its mapping leaves out.
    pub(crate) ignored: usize,
    /// As they are when nothing is left to happen.
    pub(crate) bookings: Vec<BookingView>,
    /// As they stand at the times that were asked for.
    pub(crate) at: Vec<Stand>,
    pub(crate) problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub(crate) struct BookingView {
    pub(crate) booking: String,
    /// The number to which its messages go.
    pub(crate) guest: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) messages: Vec<MessageView>,
    /// The kinds that never became a message, and why.
    pub(crate) not_wanted: Vec<Upcoming>,
}

#[derive(Debug, Serialize)]
pub(crate) struct MessageView {
    pub(crate) kind: MessageKind,
    /// `sent`, or why it is not: `skipped`, `withdrawn`, `expired`, `held`.
    pub(crate) outcome: &'static str,
    pub(crate) reason: Option<&'static str>,
    /// When it goes, or would have gone.
    pub(crate) at: DateTime<Utc>,
    /// The same by the resort's clocks.
    pub(crate) local: String,
    pub(crate) content: Option<ContentView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ContentView {
    /// The template, `name/language`.
    pub(crate) template: Option<String>,
    pub(crate) header: Vec<String>,
    pub(crate) body: Vec<String>,
    /// What follows the approved address of the button.
    pub(crate) button_url: Option<String>,
    pub(crate) replies: Vec<String>,
}

/// The bookings at one time.
#[derive(Debug, Serialize)]
pub(crate) struct Stand {
    pub(crate) at: DateTime<Utc>,
    pub(crate) local: String,
    pub(crate) bookings: Vec<StandingView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct StandingView {
    pub(crate) booking: String,
    pub(crate) status: &'static str,
    /// As `desk bookings show` explains it.
    pub(crate) to_come: Vec<Upcoming>,
}

impl Stand {
    pub(super) fn of(world: &World, resort: &Resort, at: DateTime<Utc>) -> Self {
        let of_booking = |booking: &Booking| {
            let plan = world.plan(booking);
            StandingView {
                booking: booking.id.to_string(),
                status: plan.status.as_str(),
                to_come: upcoming(&plan, &booking.facts, booking.messages.iter()),
            }
        };
        Self {
            at,
            local: local(at, resort.time_zone),
            bookings: world.bookings().map(of_booking).collect(),
        }
    }
}

pub(super) fn bookings(world: &World, resort: &Resort) -> Vec<BookingView> {
    world
        .bookings()
        .map(|booking| view(world, booking, resort))
        .collect()
}

fn view(world: &World, booking: &Booking, resort: &Resort) -> BookingView {
    let sent_as = |existing: &Existing| {
        let mut sent = world.sent().iter();
        sent.find(|sent| sent.booking == booking.id && sent.message == existing.id)
    };
    let mut messages: Vec<MessageView> = booking
        .messages
        .iter()
        .map(|existing| message(existing, sent_as(existing), resort.time_zone))
        .collect();
    messages.sort_by_key(|message| message.at);
    let plan = world.plan(booking);
    let became_message = |kind| booking.messages.iter().any(|message| message.kind == kind);
    let mut not_wanted = upcoming(&plan, &booking.facts, booking.messages.iter());
    not_wanted.retain(|planned| !became_message(planned.kind));
    BookingView {
        booking: booking.id.to_string(),
        guest: world.guest(booking).map(|number| number.reveal().to_owned()),
        status: booking.status.as_str(),
        messages,
        not_wanted,
    }
}

fn message(existing: &Existing, sent: Option<&Sent>, zone: Tz) -> MessageView {
    let at = existing.sent_at.unwrap_or(existing.due_at);
    let outcome = if existing.state.went() {
        MessageState::Sent
    } else {
        existing.state
    };
    let reason = match existing.state {
        MessageState::Held => Some("template_missing"),
        _ => existing.reason.map(|reason| reason.as_str()),
    };
    MessageView {
        kind: existing.kind,
        outcome: outcome.as_str(),
        reason,
        at,
        local: local(at, zone),
        content: sent.map(|sent| content(&sent.content)),
    }
}

fn content(content: &Content) -> ContentView {
    let template = content.template();
    match content {
        Content::Template {
            header,
            body,
            button_url,
            replies,
            ..
        } => ContentView {
            template,
            header: texts(header),
            body: texts(body),
            button_url: button_url.clone(),
            replies: replies.clone(),
        },
        Content::Text(text) => ContentView {
            template,
            header: Vec::new(),
            body: vec![text.clone()],
            button_url: None,
            replies: Vec::new(),
        },
    }
}

fn texts(parameters: &Parameters) -> Vec<String> {
    match parameters {
        Parameters::Positional(texts) => texts.clone(),
        Parameters::Named(texts) => texts
            .iter()
            .map(|(name, text)| format!("{name}={text}"))
            .collect(),
    }
}

/// With the weekday, to the second.
pub(crate) fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format("%a %Y-%m-%d %H:%M:%S %Z")
        .to_string()
}
