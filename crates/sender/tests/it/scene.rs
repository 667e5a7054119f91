//! One resort with its database, its file, an emulated WhatsApp, and a sender that takes one step at a time.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use crypto::key_ring::KeyRing;
use domain::after_call::{Refusal, RetryPolicy};
use domain::consent::ConsentChange;
use domain::event::{Details, Event, EventKey, EventType, GuestDetails};
use domain::facts::Facts;
use domain::ids::{
    BookingId, BookingKey, EventId, MessageId, NumberId, ResortId, SourceId, WhatsAppMessageId,
};
use domain::message::{Attempt, CallbackData, DeliveryStatus, MessageKind, MessageState};
use domain::message_record::{Judging, Report};
use domain::phone_number::PhoneNumber;
use domain::stay::Personal;
use sandbox::{Sandbox, Templates};
use sender::Settings;
use sender::steps::Steps;
use serde_json::{Value, json};
use service::{Environment, Stop};
use settings::{Resolve, Watched};
use store::guests::{self, GuestKey};
use store::messages::Message;
use store::planning::{self, Planned, Planner};
use store::{Connection, Store, StoreError, bookings, conversations, holds, messages, relay, results};
use tempfile::TempDir;
use testkit::database::Database;
use testkit::world::{APPROVED, NUMBER, RESORT, ResortFile, WhatsAppMessage};

pub(crate) const ADA: &str = "+306912345678";
pub(crate) const BOB: &str = "+306912345679";
pub(crate) const EVE: &str = "+306912345680";

pub(crate) use MessageKind::{
    Reminder1 as REMINDER_1, ReservationConfirmation as CONFIRMATION, ReviewRequest as REVIEW_REQUEST,
    StopConfirmation as STOP_CONFIRMATION,
};

const KEYS: &str = "first:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,\
                    lookup:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const TOKEN: &str = "the-token";

pub(crate) struct Scene {
    pub(crate) sender: Steps,
    pub(crate) database: Database,
    pub(crate) store: Store,
    sandbox: Sandbox,
    settings: Settings,
    stop: Stop,
    http: reqwest::Client,
    ring: Arc<KeyRing>,
    files: Arc<Watched>,
    folder: TempDir,
}

/// A guest of their own for each number.
pub(crate) fn guest(number: usize) -> (String, String) {
    (format!("BK-{number}"), format!("+3069{number:08}"))
}

pub(crate) fn key(booking: &str) -> BookingKey {
    BookingKey {
        resort: ResortId::parse(RESORT).unwrap(),
        booking: BookingId::parse(booking).unwrap(),
    }
}

/// An event of now.
pub(crate) fn event(event_type: EventType, booking: &str, phone: &str) -> Event {
    Event {
        key: EventKey {
            source: SourceId::parse("direct").unwrap(),
            id: EventId::parse(&uuid::Uuid::now_v7().to_string()).unwrap(),
        },
        event_type,
        occurred_at: Utc::now(),
        resort: ResortId::parse(RESORT).unwrap(),
        notify: true,
        imported: false,
        booking: Some(BookingId::parse(booking).unwrap()),
        details: Details::default(),
        guest: GuestDetails {
            phone: Some(Personal::new(phone)),
            ..GuestDetails::default()
        },
    }
}

pub(crate) fn confirmed(booking: &str, phone: &str) -> Event {
    event(EventType::ReservationConfirmed, booking, phone)
}

pub(crate) fn abandoned(booking: &str, phone: &str) -> Event {
    event(EventType::BookingAbandoned, booking, phone)
}

pub(crate) fn ago(event: Event, ago: TimeDelta) -> Event {
    Event {
        occurred_at: event.occurred_at - ago,
        ..event
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::of(&ResortFile::patient()).await
    }

    /// With this file for the resort.
    pub(crate) async fn of(resort: &ResortFile) -> Self {
        Self::with(resort, |_| {}).await
    }

    /// With other settings for its sender.
    pub(crate) async fn with(resort: &ResortFile, change: impl FnOnce(&mut Settings)) -> Self {
        let database = Database::create().await;
        let folder = tempfile::Builder::new()
            .prefix("bellhop_test_")
            .tempdir()
            .unwrap();
        for part in ["resorts", "sources"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        write_file(&folder, resort);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let stop = Stop::manual();
        let sandbox = start_sandbox(&stop);
        let environment = environment(&database, &folder, &sandbox);
        let mut settings = Settings::read(&environment).unwrap();
        change(&mut settings);
        let look_up = environment.clone();
        let files = Watched::start(
            folder.path(),
            Box::new(move |name| look_up.get(name).map(str::to_owned)),
            None,
            Resolve::AccessTokens,
        );
        Self {
            sender: Steps::new(&settings, &stop).unwrap(),
            store: database.store(),
            database,
            sandbox,
            settings,
            stop,
            http: reqwest::Client::new(),
            ring: Arc::new(KeyRing::parse(KEYS).unwrap()),
            files: Arc::new(files.unwrap()),
            folder,
        }
    }

    /// One more sender with the same settings.
    pub(crate) fn another_sender(&self) -> Steps {
        Steps::new(&self.settings, &self.stop).unwrap()
    }

    /// One more sender, with a change of its settings.
    pub(crate) fn sender_with(&self, change: impl FnOnce(&mut Settings)) -> Steps {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Steps::new(&settings, &self.stop).unwrap()
    }

    pub(crate) fn stop(&self) {
        self.stop.stop();
    }

    /// The resort's file changes, or goes.
    pub(crate) fn change_file(&self, resort: Option<&ResortFile>) {
        match resort {
            Some(resort) => write_file(&self.folder, resort),
            None => fs::remove_file(self.folder.path().join("resorts/azure-bay.toml")).unwrap(),
        }
        self.sender.refresh_files();
    }

    /// Applies an event: merges its facts and plans, as the processor does.
    pub(crate) async fn apply(&self, event: Event) -> Planned {
        self.run(move |connection, planner| {
            let own = BTreeSet::from([BookingKey {
                resort: event.resort.clone(),
                booking: event.booking.clone().unwrap(),
            }]);
            let mut keys = own.clone();
            keys.extend(event.details.cart.as_ref().map(|cart| BookingKey {
                resort: event.resort.clone(),
                booking: cart.clone(),
            }));
            let mut locked = bookings::lock_or_begin(connection, &planner.ring, &keys, &own)?;
            for booking in &mut locked {
                let facts = match own.contains(&booking.key) {
                    true => Some(Facts::of_event(&event, Utc::now())),
                    false => Facts::of_cart(&event, Utc::now()).map(|(_, facts)| facts),
                };
                booking.learn(|known| facts.map_or(known.clone(), |facts| known.merge(facts)));
            }
            planning::replan(connection, planner, Utc::now(), &locked)
        })
        .await
    }

    /// Plans a booking again, as a timer does.
    pub(crate) async fn plan(&self, booking: &str) {
        let keys = BTreeSet::from([key(booking)]);
        self.run(move |connection, planner| {
            let locked = bookings::lock(connection, &planner.ring, &keys)?;
            planning::replan(connection, planner, Utc::now(), &locked)
        })
        .await;
    }

    /// The guest stops or allows marketing; the bookings with their number are planned again, as the processor does.
    pub(crate) async fn says(&self, phone: &'static str, change: ConsentChange) {
        self.run(move |connection, planner| {
            let number = PhoneNumber::parse(phone, None).unwrap();
            let guest = GuestKey {
                phone_hash: planner.phone_hash(&number),
                resort: ResortId::parse(RESORT).unwrap(),
            };
            guests::record_consent(connection, &guest, change, Utc::now())?;
            let keys = bookings::all_of_guests(connection, &BTreeSet::from([guest]))?;
            let locked = bookings::lock(connection, &planner.ring, &keys)?;
            planning::replan(connection, planner, Utc::now(), &locked)
        })
        .await;
    }

    /// The guest stops, and the resort of this booking confirms it.
    pub(crate) async fn stops(&self, booking: &str, phone: &'static str) {
        self.says(phone, ConsentChange::Stop).await;
        let keys = BTreeSet::from([key(booking)]);
        self.run(move |connection, planner| {
            let mut locked = bookings::lock(connection, &planner.ring, &keys)?;
            for booking in &mut locked {
                booking.learn(|known| known.merge(Facts::of_stop("a stop", Utc::now())));
            }
            planning::replan(connection, planner, Utc::now(), &locked)
        })
        .await;
    }

    /// Confirmations of so many guests.
    pub(crate) async fn confirm(&self, guests: usize) {
        for number in 1..=guests {
            let (booking, phone) = guest(number);
            self.apply(confirmed(&booking, &phone)).await;
        }
    }

    /// The ids whose time has come, as the relay takes them.
    pub(crate) async fn due(&self) -> Vec<MessageId> {
        self.run(|connection, _| relay::take_due(connection, 1_000)).await
    }

    /// Everything that is due goes through the pipeline once.
    pub(crate) async fn send(&self) {
        self.send_by(&self.sender).await;
    }

    pub(crate) async fn send_by(&self, sender: &Steps) {
        sender.send_once(self.due().await).await.unwrap();
    }

    /// An event arrives and its messages go.
    pub(crate) async fn apply_and_send(&self, event: Event) {
        self.apply(event).await;
        self.send().await;
    }

    /// One round of hold maintenance, then everything that is due.
    pub(crate) async fn maintain_and_send(&self) {
        self.sender.maintain_holds_once().await.unwrap();
        self.send().await;
    }

    /// WhatsApp reports a status of the message's last call.
    pub(crate) async fn report(&self, booking: &str, kind: MessageKind, status: DeliveryStatus) {
        let message = self.message(booking, kind).await.existing;
        self.report_of(message.id, Attempt(message.attempts), status)
            .await;
    }

    pub(crate) async fn report_of(&self, message: MessageId, attempt: Attempt, status: DeliveryStatus) {
        self.record(message, attempt, (status, None)).await;
    }

    /// WhatsApp reports that the message's last call failed for this reason.
    pub(crate) async fn report_failure(&self, booking: &str, kind: MessageKind, failure: Refusal) {
        let message = self.message(booking, kind).await.existing;
        let failed = (DeliveryStatus::Failed, Some(failure));
        self.record(message.id, Attempt(message.attempts), failed).await;
    }

    async fn record(
        &self,
        message: MessageId,
        attempt: Attempt,
        (status, failure): (DeliveryStatus, Option<Refusal>),
    ) {
        let report = Report {
            callback: Some(CallbackData { message, attempt }),
            whatsapp_id: WhatsAppMessageId::parse(&format!("wamid.{message}.{}", attempt.0)).unwrap(),
            status,
            at: Utc::now(),
            failure,
            pricing: None,
            names: Vec::new(),
        };
        let judging = Judging {
            policy: RetryPolicy::default(),
            pause: self.settings.probe_after,
        };
        self.run(move |connection, planner| {
            results::record_reports(connection, planner, &judging, &[report])
        })
        .await;
    }

    pub(crate) async fn message(&self, booking: &str, kind: MessageKind) -> Message {
        let mut found = self.messages(booking).await;
        found.retain(|message| message.existing.kind == kind);
        found.pop().unwrap_or_else(|| panic!("{booking} has no {kind}"))
    }

    pub(crate) async fn messages(&self, booking: &str) -> Vec<Message> {
        let key = key(booking);
        self.run(move |connection, _| messages::list_of_booking(connection, &key))
            .await
    }

    /// Expects a state, and returns the message.
    pub(crate) async fn check(&self, booking: &str, kind: MessageKind, state: MessageState) -> Message {
        let message = self.message(booking, kind).await;
        let found = message.existing.state;
        assert_eq!(found, state, "{booking} {kind} {:?}", message.reason);
        message
    }

    /// How many messages are in a state.
    pub(crate) async fn count(&self, state: MessageState) -> i64 {
        let state = state.as_str();
        let count = format!("SELECT count(*) AS count FROM messages WHERE state = '{state}'");
        self.database.count(&count).await
    }

    pub(crate) async fn booking(&self, booking: &str) -> bookings::Booking {
        let key = key(booking);
        let found = self
            .run(move |connection, planner| bookings::find(connection, &planner.ring, &key))
            .await;
        found.unwrap()
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Planner) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.files.refresh();
        let planner = Planner {
            due: store::planning::DueIds::Relay,
            ring: Arc::clone(&self.ring),
            resorts: self.files.current().readable_resorts(),
        };
        let done = self
            .store
            .transaction(move |connection| work(connection, &planner));
        done.await.unwrap()
    }

    /// Scripts the sandbox: `failures`, `templates`, `limits`, as its `--help` describes.
    pub(crate) async fn tell_sandbox(&self, path: &str, body: Value) {
        let url = format!("{}/sandbox/{path}", self.sandbox.url());
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// The sandbox forgets its scripts.
    pub(crate) async fn heal_sandbox(&self) {
        let url = format!("{}/sandbox/failures", self.sandbox.url());
        self.http.delete(url).send().await.unwrap();
    }

    /// The guest writes to the resort's number, so that free text may be sent.
    pub(crate) async fn open_window(&self, phone: &'static str) {
        let inbound = json!({ "from": phone, "text": "Hello!", "phone_number_id": NUMBER });
        self.tell_sandbox("inbound", inbound).await;
        self.run(move |connection, planner| {
            let hash = planner.phone_hash(&PhoneNumber::parse(phone, None).unwrap());
            let number = NumberId::parse(NUMBER).unwrap();
            conversations::open(connection, &number, &BTreeSet::from([hash]), Utc::now())?;
            holds::retry_with_text(connection, &hash)
        })
        .await;
    }

    /// Where the sandbox listens.
    pub(crate) fn sandbox_address(&self) -> std::net::SocketAddr {
        self.sandbox.address()
    }

    /// Every call that WhatsApp got, oldest first.
    pub(crate) async fn calls(&self) -> Vec<WhatsAppMessage> {
        let url = format!("{}/sandbox/messages", self.sandbox.url());
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }

    /// Every message that WhatsApp took for a number, oldest first.
    pub(crate) async fn received_by(&self, phone: &str) -> Vec<WhatsAppMessage> {
        let mut calls = self.calls().await;
        calls.retain(|call| call.accepted && call.to.as_deref() == Some(phone));
        calls
    }

    pub(crate) async fn names_received_by(&self, phone: &str) -> Vec<String> {
        let received = self.received_by(phone).await;
        received.iter().map(|message| message.name().to_owned()).collect()
    }

    /// Time goes by for messages that wait for their next try.
    pub(crate) async fn next_try_is_due(&self) {
        let due = "UPDATE messages SET due_at = clock_timestamp(), publish_at = clock_timestamp() WHERE state = 'queued'";
        self.database.execute(due).await;
    }

    /// The pause of every hold is over, and so is that between probes.
    pub(crate) async fn holds_may_be_probed(&self) {
        let over = "UPDATE holds SET probed_at = NULL, until = CASE WHEN until IS NOT NULL THEN clock_timestamp() END";
        self.database.execute(over).await;
    }

    /// A value of `/metrics`, by the whole name of its series.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let text = self.sender.metrics();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in {text}"))
            .parse()
            .unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn write_file(folder: &TempDir, resort: &ResortFile) {
    fs::write(folder.path().join("resorts/azure-bay.toml"), resort.text()).unwrap();
}

fn start_sandbox(stop: &Stop) -> Sandbox {
    let mut settings = sandbox::Settings::for_tests();
    settings.templates = Templates::parse(APPROVED).unwrap();
    settings.tokens = Some([TOKEN.to_owned()].into());
    sandbox::start(settings, stop).unwrap()
}

fn environment(database: &Database, folder: &TempDir, sandbox: &Sandbox) -> Environment {
    Environment::from_pairs([
        ("DATABASE_URL", database.url()),
        ("AMQP_URL", "amqp://nowhere.invalid/%2f".to_owned()),
        ("BELLHOP_CONFIG", folder.path().display().to_string()),
        ("BELLHOP_KEYS", KEYS.to_owned()),
        ("AZURE_BAY_TOKEN", TOKEN.to_owned()),
        ("WHATSAPP_API_URL", sandbox.url()),
        ("SENDER_MESSAGES_PER_SECOND", "1000".to_owned()),
        ("SENDER_ADDR", "127.0.0.1:0".to_owned()),
    ])
}
