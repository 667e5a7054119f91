//! A resort with its database: events happen, and what follows can be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use crypto::key_ring::KeyRing;
use diesel::connection::SimpleConnection;
use domain::after_call::{NextStep, RetryPolicy};
use domain::country::Country;
use domain::event::{Details, Event, EventKey, EventType, GuestDetails};
use domain::facts::Facts;
use domain::guest::GuestName;
use domain::hold::{NewHold, Route};
use domain::ids::{
    BookingId, BookingKey, EventId, MessageId, NumberId, ResortId, SourceId, StaffName, WhatsAppMessageId,
};
use domain::message::{Attempt, MessageKind};
use domain::message_record::{CallResult, Judging};
use domain::plan::cart;
use domain::resort::{Abandonment, Language, Limits, Mode, Resort, Resorts, Retention, Template, Variables};
use domain::staff::Access;
use domain::stay::Personal;
use store::audit::Actor;
use store::claims::{Claim, Wanted};
use store::messages::Message;
use store::planning::{Planned, Planner};
use store::{Connection, Store, StoreError, bookings, claims, messages, planning, results};
use testkit::database::Database;
use uuid::Uuid;

pub(crate) struct Scene {
    _database: Database,
    pub(crate) store: Store,
    pub(crate) planner: Planner,
}

fn readable() -> Arc<Resorts> {
    let resort = resort();
    Arc::new([(resort.id.clone(), Arc::new(resort))].into())
}

/// `BK-1` of the resort that has a file.
pub(crate) fn key(booking: &str) -> BookingKey {
    BookingKey {
        resort: ResortId::parse("azure-bay").unwrap(),
        booking: BookingId::parse(booking).unwrap(),
    }
}

/// Who acts.
pub(crate) fn anna() -> Actor {
    Actor {
        name: StaffName::parse("anna").unwrap(),
        access: Access::ADMIN,
        reason: None,
    }
}

pub(crate) fn minutes_ago(minutes: i64) -> DateTime<Utc> {
    Utc::now() - TimeDelta::minutes(minutes)
}

/// An event that happened so many minutes ago, with a phone number.
pub(crate) fn event(event_type: EventType, booking: &BookingKey, minutes: i64) -> Event {
    Event {
        key: EventKey {
            source: SourceId::parse("direct").unwrap(),
            id: EventId::parse(&Uuid::now_v7().to_string()).unwrap(),
        },
        event_type,
        occurred_at: minutes_ago(minutes),
        resort: booking.resort.clone(),
        notify: true,
        imported: false,
        booking: Some(booking.booking.clone()),
        details: Details::default(),
        guest: GuestDetails {
            name: Some(Personal::new("Ada Lovelace")),
            phone: Some(Personal::new("+306912345678")),
            ..GuestDetails::default()
        },
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let database = Database::create().await;
        let store = database.store();
        Self {
            _database: database,
            store,
            planner: Planner {
                due: store::planning::DueIds::Relay,
                ring: Arc::new(ring("a")),
                resorts: readable(),
            },
        }
    }

    /// With a resort that confirms by this template, `name/language`.
    pub(crate) async fn with_confirmations_by(template: &str) -> Self {
        let (name, language) = template.split_once('/').unwrap();
        let template = Template {
            name: name.to_owned(),
            language_code: language.to_owned(),
            header: Variables::Positional(Vec::new()),
            body: Variables::Positional(Vec::new()),
            button_url: None,
            replies: Vec::new(),
        };
        let mut resort = resort();
        let by_language = [(resort.language.clone(), template)].into();
        resort
            .templates
            .insert(MessageKind::ReservationConfirmation, by_language);
        let mut scene = Self::new().await;
        scene.planner.resorts = Arc::new([(resort.id.clone(), Arc::new(resort))].into());
        scene
    }

    /// The caller of each transaction publishes the ids of messages that it makes due.
    pub(crate) fn publish_due_ids(&mut self) {
        self.planner.due = store::planning::DueIds::Caller;
    }

    /// The resort's file cannot be read any more.
    pub(crate) fn lose_resort_file(&mut self) {
        self.planner.resorts = Arc::default();
    }

    /// The resort's file can be read again.
    pub(crate) fn find_resort_file(&mut self) {
        self.planner.resorts = readable();
    }

    /// Runs one transaction, which has to succeed.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Planner) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.try_run(work).await.unwrap()
    }

    pub(crate) async fn try_run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Planner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let planner = self.planner.clone();
        self.store
            .transaction(move |connection| work(connection, &planner))
            .await
    }

    /// Changes rows behind the store's back: time goes by, a row is damaged.
    pub(crate) async fn sql(&self, statement: &str) {
        let statement = statement.to_owned();
        self.run(move |connection, _| {
            connection.batch_execute(&statement).unwrap();
            Ok(())
        })
        .await;
    }

    /// An event arrives and is applied.
    pub(crate) async fn happens(&self, event_type: EventType, booking: &str, minutes: i64) -> Planned {
        let event = event(event_type, &key(booking), minutes);
        self.run(move |connection, planner| apply(connection, planner, &event))
            .await
    }

    pub(crate) async fn messages(&self, booking: &str) -> Vec<Message> {
        let key = key(booking);
        self.run(move |connection, _| messages::list_of_booking(connection, &key))
            .await
    }

    /// The booking's message of a kind, which has to exist.
    pub(crate) async fn message(&self, booking: &str, kind: MessageKind) -> Message {
        let mut found = self.messages(booking).await;
        found.retain(|message| message.existing.kind == kind);
        found.pop().unwrap_or_else(|| panic!("{booking} has no {kind}"))
    }

    pub(crate) async fn booking(&self, booking: &str) -> bookings::Booking {
        let key = key(booking);
        let found = self
            .run(move |connection, planner| bookings::find(connection, &planner.ring, &key))
            .await;
        found.unwrap()
    }

    /// A first reminder that is due, of a guest who left the cart forty minutes ago.
    pub(crate) async fn due_reminder(&self, booking: &str) -> MessageId {
        self.happens(EventType::BookingStarted, booking, 40).await;
        self.message(booking, MessageKind::Reminder1).await.existing.id
    }

    /// As above, of a guest with another number.
    pub(crate) async fn due_reminder_of(&self, booking: &str, phone: &str) {
        let mut event = event(EventType::BookingStarted, &key(booking), 40);
        event.guest.phone = Some(Personal::new(phone));
        self.run(move |connection, planner| apply(connection, planner, &event))
            .await;
    }

    /// What a sender would ask for, from what it can read now.
    pub(crate) async fn wanted(&self, booking: &str, kind: MessageKind) -> Wanted {
        let id = self.message(booking, kind).await.existing.id;
        let found = self.booking(booking).await;
        Wanted {
            id,
            version: found.version,
            last_seen_on: cart::last_seen_on(&found.facts, &resort()),
            not_after: None,
            is_marketing: resort().is_marketing(kind),
            is_reminder: resort().is_reminder(kind),
            day_cap: resort().day_cap(kind),
            rest_after_confirmation: resort().rest_after_confirmation(kind),
            is_held_out: false,
            hold_out: resort().hold_out,
            quiet_hours: None,
            route: route(kind),
            may_call: true,
        }
    }

    pub(crate) async fn claim(&self, wanted: Vec<Wanted>) -> Vec<Claim> {
        self.run(move |connection, _| claims::claim(connection, Uuid::now_v7(), &wanted))
            .await
    }

    /// Claims the first reminder of a booking, which has to be granted.
    pub(crate) async fn claimed(&self, booking: &str) -> (MessageId, Attempt) {
        let wanted = self.wanted(booking, MessageKind::Reminder1).await;
        match self.claim(vec![wanted]).await.as_slice() {
            [Claim::Granted(id, attempt)] => (*id, *attempt),
            other => panic!("not granted: {other:?}"),
        }
    }

    pub(crate) async fn answered(
        &self,
        (id, attempt): (MessageId, Attempt),
        next: NextStep,
    ) -> results::Outcome {
        self.answered_holding((id, attempt), next, None).await
    }

    /// As [`Scene::answered`], WhatsApp holding the message back to judge its template.
    pub(crate) async fn answered_paced(&self, (id, attempt): (MessageId, Attempt), next: NextStep) {
        let result = CallResult {
            paced: true,
            ..result((id, attempt), next, None)
        };
        self.run(move |connection, planner| results::record_calls(connection, planner, &[result]))
            .await;
    }

    /// As [`Scene::answered`], WhatsApp naming the guest.
    pub(crate) async fn answered_by(
        &self,
        (id, attempt): (MessageId, Attempt),
        next: NextStep,
        names: Vec<GuestName>,
    ) {
        let result = CallResult {
            names,
            ..result((id, attempt), next, None)
        };
        self.run(move |connection, planner| results::record_calls(connection, planner, &[result]))
            .await;
    }

    pub(crate) async fn answered_holding(
        &self,
        (id, attempt): (MessageId, Attempt),
        next: NextStep,
        hold: Option<NewHold>,
    ) -> results::Outcome {
        let result = result((id, attempt), next, hold);
        self.run(move |connection, planner| results::record_calls(connection, planner, &[result]))
            .await
    }
}

fn result((id, attempt): (MessageId, Attempt), next: NextStep, hold: Option<NewHold>) -> CallResult {
    CallResult {
        id,
        attempt,
        route: route(MessageKind::Reminder1),
        next,
        hold,
        error_code: None,
        paced: false,
        names: Vec::new(),
    }
}

/// How the resort's messages go.
pub(crate) fn route(kind: MessageKind) -> Route {
    Route {
        resort: ResortId::parse("azure-bay").unwrap(),
        number: NumberId::parse("106540352242922").unwrap(),
        country: 30,
        template: Some(format!("booking_{kind}/en_US")),
        kind,
    }
}

/// Merges one event into its booking and plans it, as a handler does.
pub(crate) fn apply(
    connection: &mut Connection,
    planner: &Planner,
    event: &Event,
) -> Result<Planned, StoreError> {
    let key = BookingKey {
        resort: event.resort.clone(),
        booking: event.booking.clone().unwrap(),
    };
    let keys = BTreeSet::from([key]);
    let mut locked = bookings::lock_or_begin(connection, &planner.ring, &keys, &keys)?;
    for booking in &mut locked {
        booking.learn(|known| known.merge(Facts::of_event(event, Utc::now())));
    }
    planning::replan(connection, planner, Utc::now(), &locked)
}

pub(crate) fn accepted() -> NextStep {
    NextStep::Finish(WhatsAppMessageId::parse("wamid.1").unwrap())
}

/// How failures are judged that WhatsApp reports.
pub(crate) fn judging() -> Judging {
    Judging {
        policy: RetryPolicy::default(),
        pause: Duration::from_secs(60),
    }
}

/// A ring whose sealing key has this id; the lookup key is always the same.
pub(crate) fn ring(id: &str) -> KeyRing {
    let one = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let other = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
    KeyRing::parse(&format!("{id}:{one},lookup:{other}")).unwrap()
}

pub(crate) fn resort() -> Resort {
    Resort {
        id: ResortId::parse("azure-bay").unwrap(),
        name: "Azure Bay Resort".into(),
        time_zone: chrono_tz::Europe::Athens,
        country: Country::parse("GR").unwrap(),
        language: Language::parse("en").unwrap(),
        link_hosts: None,
        mode: Mode::Live,
        values: BTreeMap::new(),
        number: NumberId::parse("106540352242922").unwrap(),
        abandonment: Abandonment {
            after: Duration::from_secs(30 * 60),
        },
        no_show_after: None,
        moments: Resort::built_in_moments(Some(Duration::from_secs(24 * 3_600)), None),
        quiet_hours: None,
        // One guest plays many parts; `guest_limits` is about guests who are not to be flooded.
        limits: Limits {
            reminders_per_day: NonZeroU32::MAX,
            rest_after_confirmation: Duration::ZERO,
            ..Limits::default()
        },
        hold_out: domain::hold_out::HoldOut::NONE,
        pause_on_reply: true,
        retention: Retention::default(),
        templates: BTreeMap::new(),
        fallback_templates: BTreeMap::new(),
        fallback_texts: BTreeMap::new(),
        stop_texts: BTreeMap::new(),
    }
}

#[derive(diesel::QueryableByName)]
struct Waiting {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl Scene {
    /// Returns as soon as a transaction in this database waits for a lock.
    pub(crate) async fn until_someone_waits(&self) {
        let waiting = "SELECT count(*) AS count FROM pg_stat_activity \
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        loop {
            let found = self
                .run(move |connection, _| {
                    use diesel::RunQueryDsl;
                    Ok(diesel::sql_query(waiting)
                        .get_result::<Waiting>(connection)
                        .unwrap())
                })
                .await;
            if found.count > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}
