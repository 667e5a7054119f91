//! The rules of `docs/behaviour.md`, as stories: events, then what the plan says at some time.

mod arrival;
mod changes;
mod confirmation;
mod erasure;
mod instructions;
mod manual_retry;
mod moments;
mod permission;
mod reminders;
mod review;
mod rounds;
mod times;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;

use super::*;
use crate::country::Country;
use crate::event::{Details, Event, EventKey, EventType, GuestDetails};
use crate::ids::{EventId, NumberId, ResortId, SourceId};
use crate::local_time;
use crate::resort::{Abandonment, Language, Limits, Mode, Retention};
use crate::stay::Personal;

/// A resort in Athens, without quiet hours.
pub(crate) fn resort() -> Resort {
    let language = Language::parse("en").unwrap();
    Resort {
        id: ResortId::parse("azure-bay").unwrap(),
        name: "Azure Bay Resort".into(),
        time_zone: chrono_tz::Europe::Athens,
        country: Country::parse("GR").unwrap(),
        language,
        link_hosts: None,
        mode: Mode::Live,
        values: BTreeMap::new(),
        number: NumberId::parse("106540352242922").unwrap(),
        abandonment: Abandonment { after: minutes(30) },
        no_show_after: Some(hours(36)),
        moments: Resort::built_in_moments(Some(hours(24)), Some(hours(4))),
        quiet_hours: None,
        limits: Limits::default(),
        hold_out: crate::hold_out::HoldOut::NONE,
        pause_on_reply: true,
        retention: Retention::default(),
        templates: BTreeMap::new(),
        fallback_templates: BTreeMap::new(),
        fallback_texts: BTreeMap::new(),
        stop_texts: BTreeMap::new(),
    }
}

fn hours(hours: u64) -> Duration {
    minutes(hours * 60)
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// `11-23 10:00` is that minute of 2026, in UTC.
fn at(text: &str) -> DateTime<Utc> {
    let (day, time) = text.split_once(' ').unwrap();
    format!("2026-{day}T{time}:00Z").parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    format!("2026-{text}").parse().unwrap()
}

/// An event of the booking, with a phone number and nothing else. Its id follows from its type and time.
fn event(event_type: EventType, occurred: &str) -> Event {
    Event {
        key: EventKey {
            source: SourceId::parse("direct").unwrap(),
            id: EventId::parse(&format!("{event_type} {occurred}")).unwrap(),
        },
        event_type,
        occurred_at: at(occurred),
        resort: ResortId::parse("azure-bay").unwrap(),
        notify: true,
        imported: false,
        booking: Some(BookingId::parse("BK-1001").unwrap()),
        details: Details::default(),
        guest: GuestDetails {
            phone: Some(Personal::new("+306912345678")),
            ..GuestDetails::default()
        },
    }
}

/// The same event, with a stay from and to these days.
fn staying(mut event: Event, from: &str, to: &str) -> Event {
    (event.details.check_in, event.details.check_out) = (Some(day(from)), Some(day(to)));
    event
}

fn with_phone(mut event: Event, phone: Option<&str>) -> Event {
    event.guest.phone = phone.map(Personal::new);
    event
}

fn silent(mut event: Event) -> Event {
    event.notify = false;
    event
}

/// What is known of one booking, and the messages that it has.
struct Story {
    facts: Facts,
    circumstances: Circumstances,
    resort: Resort,
}

impl Story {
    /// Every event arrives when it occurs.
    fn of(events: impl IntoIterator<Item = Event>) -> Self {
        let mut story = Self {
            facts: Facts::default(),
            circumstances: Circumstances::default(),
            resort: resort(),
        };
        events.into_iter().for_each(|event| story.hears(&event));
        story
    }

    fn hears(&mut self, event: &Event) {
        let news = Facts::of_event(event, event.occurred_at);
        self.facts = std::mem::take(&mut self.facts).merge(news);
    }

    fn plan(&self, now: &str) -> Plan {
        let booking = BookingId::parse("BK-1").unwrap();
        plan(&booking, &self.facts, &self.circumstances, &self.resort, at(now))
    }

    fn status(&self, now: &str) -> Status {
        self.plan(now).status
    }

    fn decision(&self, kind: MessageKind, now: &str) -> Option<Decision> {
        let planned = self
            .plan(now)
            .messages
            .into_iter()
            .find(|planned| planned.kind == kind);
        planned.map(|planned| planned.decision)
    }

    fn changes(&self, now: &str) -> Vec<difference::Change> {
        difference::changes(&self.plan(now), &self.facts, &self.circumstances.messages)
    }

    /// Adds an existing message; `change` changes one that waits and was never attempted.
    fn has(&mut self, kind: MessageKind, basis: &str, change: impl FnOnce(&mut Existing)) {
        let round = self
            .circumstances
            .messages
            .iter()
            .filter(|message| message.kind == kind)
            .count();
        let mut message = Existing {
            id: MessageId(uuid::Uuid::from_u128(self.circumstances.messages.len() as u128)),
            kind,
            round: u32::try_from(round).unwrap(),
            basis_at: at(basis),
            state: MessageState::Queued,
            reason: None,
            attempts: 0,
            due_at: at(basis),
            expires_at: local_time::after(at(basis), self.resort.expiry(kind)),
            sent_at: None,
            withdrawn: false,
        };
        change(&mut message);
        self.circumstances.messages.push(message);
    }
}

/// Makes a message one that WhatsApp accepted.
fn sent(when: &str) -> impl FnOnce(&mut Existing) {
    let sent_at = at(when);
    move |message| {
        (message.state, message.attempts, message.sent_at) = (MessageState::Sent, 1, Some(sent_at));
    }
}

/// Puts a message that was never attempted into a state.
fn untouched(state: MessageState, reason: Option<Reason>) -> impl FnOnce(&mut Existing) {
    move |message| {
        (message.state, message.reason) = (state, reason);
        message.withdrawn = state == MessageState::Withdrawn;
    }
}

fn window(opens: &str, closes: &str) -> Window {
    Window {
        opens_at: at(opens),
        closes_at: at(closes),
    }
}

/// When the window of a decision opens.
fn opens(decision: Option<Decision>) -> Option<DateTime<Utc>> {
    match decision? {
        Decision::Later(window) => window.map(|window| window.opens_at),
        Decision::Due(window) | Decision::Skip(_, window) | Decision::Expired(window) => {
            Some(window.opens_at)
        }
        Decision::NotWanted(_) => None,
    }
}
