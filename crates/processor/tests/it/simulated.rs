//! The simulation and the real store, held together: random histories are played through Postgres, with a clock that the
//! test sets, and through `domain::simulation`, and come to the same messages.

mod histories;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::after_call::NextStep;
use domain::before_call::{self, Due, Sendable, Step};
use domain::ids::{MessageId, WhatsAppMessageId};
use domain::message::{MessageKind, MessageState, Reason};
use domain::phone_number::PhoneNumber;
use domain::plan::{Existing, Status, cart};
use domain::render::{ServiceWindow, Subject};
use domain::simulation::World;
use store::claims::{self, Claim, Draft, NotNow, Uncalled, Wanted};
use store::{bookings, messages};
use testkit::world::ResortFile;
use uuid::Uuid;

use crate::scene::{Scene, key, route};
use crate::webhook::Webhook;
use histories::dawn;

/// Every kind of moment, short times, quiet nights, and some guests without reminders.
const SECTIONS: &str = r#"
[quiet_hours]
from = "21:00"
to = "09:00"

[expires_after]
reminder_1 = "2h"

[proof]
hold_out = "30%"

[messages.nudge]
at = "started + 15m"
category = "utility"

[messages.pre_arrival]
at = "check_in - 1d 18:00"
category = "utility"
only_if = "stay.nights >= 2"

[messages.upsell]
at = "checked_in + 3h"
category = "marketing"
"#;

/// What Postgres takes for the time.
const CLOCK: &str = "CREATE TABLE public.clock (at timestamptz NOT NULL); \
    INSERT INTO public.clock VALUES (now()); \
    CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT at FROM public.clock'; \
    CREATE FUNCTION public.statement_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT at FROM public.clock'; \
    CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT at FROM public.clock'";

/// What is compared of a message.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    kind: String,
    round: u32,
    basis_at: DateTime<Utc>,
    state: &'static str,
    reason: Option<Reason>,
    due_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
}

type Bookings = BTreeMap<String, (Status, Option<DateTime<Utc>>, BTreeSet<Seen>)>;

fn seen(message: &Existing) -> Seen {
    // The simulation also delivers.
    let state = if message.state.went() {
        MessageState::Sent
    } else {
        message.state
    };
    Seen {
        kind: message.kind.to_string(),
        round: message.round,
        basis_at: message.basis_at,
        state: state.as_str(),
        reason: message.reason,
        due_at: message.due_at,
        expires_at: message.expires_at,
        sent_at: message.sent_at,
    }
}

/// The programs, with their real SQL, at a time that the test sets.
struct Real {
    scene: Scene,
}

impl Real {
    async fn new() -> Self {
        let file = ResortFile {
            abandoned_after: "1h".into(),
            reminder_2: Some("4h".into()),
            review_after: Some("4h".into()),
            sections: SECTIONS.into(),
            // Those that every resort has unless its file says otherwise.
            limits: String::new(),
            ..ResortFile::default()
        };
        let scene = Scene::with_file(&file).await;
        scene.sql(CLOCK).await;
        scene.database.set("search_path", "public, pg_catalog").await;
        let real = Self { scene };
        real.set(dawn()).await;
        real.scene.steps.moments_once().await;
        // Its default is the true time.
        real.scene
            .sql("UPDATE moments SET since = (SELECT at FROM public.clock)")
            .await;
        real
    }

    async fn set(&self, now: DateTime<Utc>) {
        let now = now.to_rfc3339();
        self.scene
            .sql(&format!("UPDATE public.clock SET at = '{now}'"))
            .await;
    }

    async fn hear(&self, webhook: &Webhook) {
        self.set(webhook.received_at).await;
        self.scene.happens(webhook).await;
    }

    /// When something is to be done next, if that is before `until`.
    async fn next_before(&self, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let micros = self
            .scene
            .database
            .count(
                "SELECT coalesce(extract(epoch FROM least((SELECT min(wake_at) FROM bookings), \
                 (SELECT min(due_at) FROM messages WHERE state = 'queued'))) * 1000000, -1)::bigint AS count",
            )
            .await;
        let next = DateTime::from_timestamp_micros(micros).filter(|_| micros >= 0);
        next.filter(|next| *next < until)
    }

    /// Does everything that is due before then, each at its time.
    async fn run_before(&self, until: DateTime<Utc>) {
        while let Some(at) = self.next_before(until).await {
            self.set(at).await;
            self.scene.wake().await;
            self.send().await;
        }
    }

    /// As a sender does with what is due now, until nothing more is.
    async fn send(&self) {
        loop {
            let drafts = self
                .scene
                .run(|connection, planner| {
                    let queued = messages::list_latest(connection, Some(MessageState::Queued), 1_000)?;
                    let ids: Vec<MessageId> = queued.iter().map(|message| message.existing.id).collect();
                    claims::read_drafts(connection, &planner.ring, &ids)
                })
                .await;
            let mut drafts = drafts.readable;
            // The simulation goes by the order in which they were planned.
            drafts.sort_by_key(|draft| draft.id);
            let Some(draft) = drafts.into_iter().next() else {
                return;
            };
            self.judge(draft).await;
        }
    }

    async fn judge(&self, draft: Draft) {
        let resort = self.scene.resort_file();
        let due = Due {
            subject: Subject {
                kind: draft.kind,
                booking: &draft.booking.booking,
                facts: &draft.facts,
                resort: &resort,
            },
            answer: None,
            turn: draft.content_choice,
            window: ServiceWindow::Closed,
            held: &BTreeSet::new(),
            marketing: &BTreeSet::new(),
        };
        let verdict = match before_call::next_step(&due, draft.now) {
            Step::Call(sendable) => return self.call(draft, *sendable).await,
            Step::Skip(reason) => NotNow::Skip(reason),
            Step::PutOff(at) => NotNow::PutOff(at),
            other => panic!("{other:?}"),
        };
        let uncalled = Uncalled {
            id: draft.id,
            version: draft.version,
            closed_window: None,
            verdict,
        };
        let outdated = self
            .scene
            .run(move |connection, _| claims::set_aside(connection, &[uncalled]))
            .await;
        assert_eq!(outdated, []);
    }

    /// Claims it and, if that is granted, has WhatsApp accept it.
    async fn call(&self, draft: Draft, sendable: Sendable) {
        let resort = self.scene.resort_file();
        let wanted = Wanted {
            id: draft.id,
            version: draft.version,
            last_seen_on: cart::last_seen_on(&draft.facts, &resort),
            not_after: sendable.not_after,
            is_marketing: sendable.is_marketing,
            is_reminder: resort.is_reminder(draft.kind),
            day_cap: resort.day_cap(draft.kind),
            rest_after_confirmation: resort.rest_after_confirmation(draft.kind),
            is_held_out: claims::is_held_out(&self.scene.ring, &resort, draft.kind, &sendable.to),
            hold_out: resort.hold_out,
            quiet_hours: sendable.quiet_hours,
            route: route(draft.kind),
            may_call: true,
        };
        let claimed = self
            .scene
            .run(move |connection, _| claims::claim(connection, Uuid::now_v7(), &[wanted]))
            .await;
        match claimed.as_slice() {
            [Claim::Granted(id, attempt)] => {
                let wamid = format!("wamid.{}", Uuid::now_v7().simple());
                let accepted = NextStep::Finish(WhatsAppMessageId::parse(&wamid).unwrap());
                let claimed = (*id, *attempt);
                self.scene
                    .answered(draft.kind, claimed, accepted, (None, Vec::new()))
                    .await;
            }
            [Claim::Ended(..)] => {}
            other => panic!("{}: {other:?}", draft.kind),
        }
    }

    /// The guests of whom the key ring says so.
    fn held_out(&self, history: &[Webhook]) -> BTreeSet<PhoneNumber> {
        let resort = self.scene.resort_file();
        let is_held_out = |guest: &PhoneNumber| {
            claims::is_held_out(&self.scene.ring, &resort, MessageKind::Reminder1, guest)
        };
        let guests = history
            .iter()
            .filter_map(|webhook| webhook.event.phone_number(Some(resort.country)));
        guests.filter(is_held_out).collect()
    }

    async fn bookings(&self, ids: &BTreeSet<String>) -> Bookings {
        let mut found = Bookings::new();
        for id in ids {
            let booking = key(id);
            let read = self
                .scene
                .run(move |connection, planner| {
                    let known = bookings::find(connection, &planner.ring, &booking)?;
                    Ok((known, messages::list_of_booking(connection, &booking)?))
                })
                .await;
            if let (Some(known), messages) = read {
                let messages = messages.iter().map(|message| seen(&message.existing)).collect();
                found.insert(id.clone(), (known.status, known.wake_at, messages));
            }
        }
        found
    }
}

fn simulated(world: &World) -> Bookings {
    let of = |booking: &domain::simulation::Booking| {
        let messages = booking.messages.iter().map(seen).collect();
        (
            booking.id.to_string(),
            (booking.status, booking.wake_at, messages),
        )
    };
    world.bookings().map(of).collect()
}

/// One booking at a time, so that a difference can be read.
#[track_caller]
fn compare(real: &Bookings, simulated: &Bookings, at: DateTime<Utc>) {
    for (id, booking) in simulated {
        assert_eq!(real.get(id), Some(booking), "{id} at {at}");
    }
    assert_eq!(real.len(), simulated.len(), "at {at}");
}

// shows: B170
#[tokio::test]
async fn what_the_simulation_says_is_what_the_programs_do() {
    let real = Real::new().await;
    let history = histories::history(148, 12);
    let held_out = real.held_out(&history);
    let mut world = World::new(real.scene.resort_file(), dawn(), dawn()).holding_out(held_out);
    let named = history
        .iter()
        .filter_map(|webhook| webhook.event.booking.as_ref());
    let carts = history
        .iter()
        .filter_map(|webhook| webhook.event.details.cart.as_ref());
    let ids: BTreeSet<String> = named.chain(carts).map(ToString::to_string).collect();

    for webhook in &history {
        real.run_before(webhook.received_at).await;
        real.hear(webhook).await;
        real.send().await;
        world.hear(&webhook.event, webhook.received_at);

        compare(
            &real.bookings(&ids).await,
            &simulated(&world),
            webhook.received_at,
        );
    }
    real.run_before(DateTime::<Utc>::MAX_UTC).await;
    world.run_out();

    let bookings = simulated(&world);
    compare(&real.bookings(&ids).await, &bookings, world.now());
    // There was something to compare.
    let all: Vec<&Seen> = bookings.values().flat_map(|(.., messages)| messages).collect();
    let kinds: BTreeSet<&str> = all.iter().map(|message| message.kind.as_str()).collect();
    let reasons: BTreeSet<Reason> = all.iter().filter_map(|message| message.reason).collect();
    let sent = all.iter().filter(|message| message.state == "sent").count();
    assert!(
        kinds.len() >= 6 && reasons.is_superset(&[Reason::Capped, Reason::HeldOut].into()) && sent >= 20,
        "{kinds:?} {reasons:?} {sent}"
    );
}
