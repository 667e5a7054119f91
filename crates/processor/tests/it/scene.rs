//! A resort with its database: events are applied, messages are called, and what follows can be looked at. Nothing runs by
//! itself.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use broker::Address;
use broker::consumer::Consumer;
use broker::envelope::{Envelope, VERSION};
use broker::publisher::{Options, Outgoing, Publisher};
use broker::topology::{Depths, Queue};
use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use domain::after_call::NextStep;
use domain::event::sealing_identity;
use domain::guest::GuestName;
use domain::hold::{NewHold, Route};
use domain::ids::{
    BookingId, BookingKey, EventId, MessageId, NumberId, ResortId, SourceId, WhatsAppMessageId,
};
use domain::message::{Attempt, MessageKind, MessageState};
use domain::message_record::CallResult;
use domain::phone_number::PhoneNumber;
use domain::plan::cart;
use domain::resort::Resort;
use processor::Settings;
use processor::steps::Steps;
use serde_json::Value;
use service::{Environment, Stop};
use settings::{Resolve, Watched};
use store::bookings::{self, Booking};
use store::claims::{Claim, Wanted};
use store::messages::{self, Message};
use store::planning::Planner;
use store::{Connection, Store, StoreError, claims, results};
use tempfile::TempDir;
use testkit::database::Database;
use testkit::vhost::Vhost;
use testkit::world::{NUMBER, RESORT, ResortFile, Secrets};
use uuid::Uuid;
use whatsapp::notification::{self, Update};

use crate::webhook::Webhook;

pub(crate) const ADA: &str = "+306912345678";
pub(crate) const BOB: &str = "+306912345679";
pub(crate) const EVE: &str = "+306912345680";

pub(crate) use MessageKind::{
    Reminder1 as REMINDER_1, Reminder2 as REMINDER_2, ReservationConfirmation as CONFIRMATION,
    ReviewRequest as REVIEW_REQUEST, StopConfirmation as STOP_CONFIRMATION,
};

pub(crate) struct Scene {
    pub(crate) steps: Steps,
    pub(crate) store: Store,
    pub(crate) ring: Arc<KeyRing>,
    files: Watched,
    publisher: Option<Publisher>,
    // Last: the processor must be gone before what it uses.
    pub(crate) vhost: Option<Vhost>,
    pub(crate) database: Database,
    folder: TempDir,
}

/// A call that WhatsApp accepted.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    pub(crate) id: MessageId,
    pub(crate) attempt: Attempt,
    pub(crate) wamid: String,
}

pub(crate) fn resort() -> ResortId {
    ResortId::parse(RESORT).unwrap()
}

pub(crate) fn key(booking: &str) -> BookingKey {
    BookingKey {
        resort: resort(),
        booking: BookingId::parse(booking).unwrap(),
    }
}

/// The settings of a processor; without a vhost the queue is away.
fn settings(database: &Database, vhost: Option<&Vhost>, folder: &TempDir, keys: &str) -> Settings {
    let amqp = vhost.map_or_else(|| "amqp://127.0.0.1:1".to_owned(), Vhost::url);
    let config = folder.path().display().to_string();
    Settings::read(&Environment::from_pairs([
        ("DATABASE_URL", database.url().as_str()),
        ("AMQP_URL", amqp.as_str()),
        ("BELLHOP_CONFIG", config.as_str()),
        ("BELLHOP_KEYS", keys),
    ]))
    .unwrap_or_else(|problems| panic!("{problems}"))
}

impl Scene {
    /// With a database alone: the queue is away.
    pub(crate) async fn new() -> Self {
        Self::with_file(&ResortFile::patient()).await
    }

    pub(crate) async fn with_file(file: &ResortFile) -> Self {
        Self::set_up(file, None, &Secrets::default().keys, Database::create().await)
    }

    /// With a vhost, so that events can be consumed and messages relayed.
    pub(crate) async fn with_queues() -> Self {
        let (database, vhost) = tokio::join!(Database::create(), Vhost::create());
        let address = Address::parse(&vhost.url()).unwrap();
        broker::topology::declare(&address).await.unwrap();
        let keys = Secrets::default().keys;
        Self::set_up(&ResortFile::patient(), Some(vhost), &keys, database)
    }

    fn set_up(file: &ResortFile, vhost: Option<Vhost>, keys: &str, database: Database) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for part in ["resorts", "sources"] {
            fs::create_dir(folder.path().join(part)).unwrap();
        }
        fs::write(folder.path().join("resorts/azure-bay.toml"), file.text()).unwrap();
        let settings = settings(&database, vhost.as_ref(), &folder, keys);
        let files = Watched::start(folder.path(), Box::new(|_| None), None, Resolve::Nothing).unwrap();
        Self {
            steps: Steps::new(&settings, &Stop::manual()).unwrap_or_else(|_| panic!("no processor")),
            store: database.store(),
            ring: Arc::new(KeyRing::parse(keys).unwrap()),
            files,
            publisher: vhost.as_ref().map(|vhost| {
                let address = Address::parse(&vhost.url()).unwrap();
                Publisher::start(address, Options::named("test"))
            }),
            vhost,
            database,
            folder,
        }
    }

    /// Another processor of the same database, with another key ring.
    pub(crate) fn other_processor(&self, keys: &str) -> Steps {
        let settings = settings(&self.database, self.vhost.as_ref(), &self.folder, keys);
        Steps::new(&settings, &Stop::manual()).unwrap_or_else(|_| panic!("no processor"))
    }

    /// The processor ends as if killed, and another one takes its place.
    pub(crate) fn replace_processor(&mut self) {
        self.steps = self.other_processor(&Secrets::default().keys);
    }

    /// The processor has never read the resort's file.
    pub(crate) fn forget_file(&mut self) {
        fs::write(self.folder.path().join("resorts/azure-bay.toml"), "name = ").unwrap();
        self.steps = self.other_processor(&Secrets::default().keys);
    }

    /// Replaces the resort's file, and has the processor read it.
    pub(crate) fn write_file(&self, text: &str) {
        fs::write(self.folder.path().join("resorts/azure-bay.toml"), text).unwrap();
        self.steps.read_files();
    }

    /// Writes the file of another resort, and has the processor read it.
    pub(crate) fn write_resort(&self, resort: &str, text: &str) {
        fs::write(self.folder.path().join(format!("resorts/{resort}.toml")), text).unwrap();
        self.steps.read_files();
    }

    /// Writes a source's file, and has the processor read it.
    pub(crate) fn write_source(&self, source: &str, text: &str) {
        fs::write(self.folder.path().join(format!("sources/{source}.toml")), text).unwrap();
        self.steps.read_files();
    }

    /// The resort's file as the test sees it.
    pub(crate) fn resort_file(&self) -> Arc<Resort> {
        self.files.current().resort(&resort()).unwrap()
    }

    pub(crate) fn envelope(&self, webhook: &Webhook) -> Vec<u8> {
        let event = &webhook.event;
        let phone = event.phone_number(Some(self.resort_file().country));
        let hash = |number: PhoneNumber| self.ring.lookup(number.reveal()).to_vec();
        let envelope = Envelope {
            faults: Vec::new(),
            version: VERSION,
            sealed: self
                .ring
                .seal(&serde_json::to_vec(event).unwrap(), &sealing_identity(&event.key)),
            source: event.key.source.clone(),
            event_id: event.key.id.clone(),
            event_type: event.event_type.to_string(),
            received_at: webhook.received_at,
            request_id: Uuid::now_v7().to_string(),
            traceparent: None,
            resort: Some(event.resort.clone()),
            booking: event.booking.clone(),
            phone_hash: phone.map(hash),
            name_hashes: Vec::new(),
        };
        envelope.encode()
    }

    pub(crate) fn broker(&self) -> Address {
        let vhost = self.vhost.as_ref().unwrap();
        Address::parse(&vhost.url()).unwrap()
    }

    /// How many messages are ready in each queue.
    pub(crate) async fn depths(&self) -> Depths {
        broker::topology::verify(&self.broker()).await.unwrap()
    }

    /// `ingest` publishes an event.
    pub(crate) async fn publish(&self, webhook: &Webhook) {
        let (key, kind) = (&webhook.event.key, webhook.event.event_type);
        self.publish_bytes(&key.to_string(), kind.as_str(), self.envelope(webhook))
            .await;
    }

    pub(crate) async fn publish_bytes(&self, message_id: &str, kind: &str, body: Vec<u8>) {
        let outgoing = Outgoing {
            queue: Queue::Events,
            message_id: message_id.to_owned(),
            kind: kind.to_owned(),
            cause: None,
            trace: None,
            body,
        };
        let publisher = self.publisher.as_ref().unwrap();
        let mut status = publisher.status();
        status.wait_for(broker::Status::is_ready).await.unwrap();
        publisher.publish(outgoing).await.unwrap();
    }

    /// Another process takes everything out of `events` and ends without settling it, so often.
    pub(crate) async fn delivered_in_vain(&self, times: usize) {
        for _ in 0..times {
            let publisher = self.publisher.clone().unwrap();
            let mut consumer = Consumer::new(self.broker(), Queue::Events, 100, publisher);
            assert!(!consumer.next_batch(100).await.is_empty());
            consumer.stop().await;
        }
    }

    /// Takes steps of the loop of events until this is so.
    pub(crate) async fn consume_until(&mut self, what: &str, mut check: impl AsyncFnMut(&Self) -> bool) {
        for _ in 0..20 {
            self.steps.consume_once().await;
            if check(self).await {
                return;
            }
        }
        panic!("never: {what}");
    }

    /// Applies events as one batch, and returns what became of each.
    pub(crate) async fn arrive(&self, webhooks: &[Webhook]) -> Vec<&'static str> {
        let envelopes: Vec<Vec<u8>> = webhooks.iter().map(|one| self.envelope(one)).collect();
        self.steps.apply(&envelopes).await
    }

    /// Applies one event, which has to succeed.
    pub(crate) async fn happens(&self, webhook: &Webhook) {
        assert_eq!(self.arrive(std::slice::from_ref(webhook)).await, ["committed"]);
    }

    /// The envelopes of a notification of WhatsApp with this change.
    pub(crate) fn updates(&self, change: &Value) -> Vec<Vec<u8>> {
        self.updates_at(change, Utc::now())
    }

    pub(crate) fn updates_at(&self, change: &Value, received_at: DateTime<Utc>) -> Vec<Vec<u8>> {
        let body = serde_json::json!({
            "object": "whatsapp_business_account",
            "entry": [{ "id": "102290129340398", "time": 1_790_000_000, "changes": [change] }],
        });
        let updates = notification::parse(body.to_string().as_bytes()).unwrap();
        updates.iter().map(|one| self.update(one, received_at)).collect()
    }

    fn update(&self, update: &Update, received_at: DateTime<Utc>) -> Vec<u8> {
        let hash = |text: &str| self.ring.lookup(text).to_vec();
        let id: String = hash(&update.dedupe_id())
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (source, event_id) = (SourceId::whatsapp(), EventId::parse(&id).unwrap());
        let identity = sealing_identity(format!("{source}/{event_id}"));
        let envelope = Envelope {
            faults: Vec::new(),
            version: VERSION,
            sealed: self.ring.seal(&serde_json::to_vec(update).unwrap(), &identity),
            source,
            event_id,
            event_type: update.kind().to_owned(),
            received_at,
            request_id: Uuid::now_v7().to_string(),
            traceparent: None,
            resort: None,
            booking: None,
            phone_hash: update.guest().map(|number| hash(number.reveal())),
            name_hashes: update
                .names()
                .iter()
                .map(|name| hash(name.hash_input()))
                .collect(),
        };
        envelope.encode()
    }

    /// WhatsApp notifies this change, which has to be applied.
    pub(crate) async fn notified(&self, change: &Value) {
        for outcome in self.steps.apply(&self.updates(change)).await {
            assert_eq!(outcome, "committed");
        }
    }

    /// Everything that is due is planned.
    pub(crate) async fn wake(&self) {
        self.steps.queue_checked(Some(0));
        self.steps.queue_checked(Some(0));
        self.steps.wake_once().await.unwrap();
    }

    /// All timers are due, and everything is planned.
    pub(crate) async fn timers_come(&self) {
        self.sql("UPDATE bookings SET wake_at = clock_timestamp() WHERE wake_at IS NOT NULL")
            .await;
        self.wake().await;
    }

    /// A day after the first reminder.
    pub(crate) async fn a_day_goes_by(&self) {
        self.sql("UPDATE messages SET sent_at = sent_at - interval '1 day' WHERE kind = 'reminder_1'")
            .await;
        self.timers_come().await;
    }

    pub(crate) async fn sql(&self, statement: &str) {
        self.database.execute(statement).await;
    }

    /// How many rows there are `of` this table and condition.
    pub(crate) async fn count(&self, of: &str) -> i64 {
        self.database
            .count(&format!("SELECT count(*) AS count FROM {of}"))
            .await
    }

    /// Runs one transaction of the store, as another program would.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Planner) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        let planner = Planner {
            due: store::planning::DueIds::Relay,
            ring: Arc::clone(&self.ring),
            resorts: self.files.current().readable_resorts(),
        };
        self.store
            .transaction(move |connection| work(connection, &planner))
            .await
            .unwrap()
    }

    pub(crate) async fn messages(&self, booking: &str) -> Vec<Message> {
        let key = key(booking);
        self.run(move |connection, _| messages::list_of_booking(connection, &key))
            .await
    }

    /// The newest message of a kind.
    pub(crate) async fn message(&self, booking: &str, kind: MessageKind) -> Option<Message> {
        let all = self.messages(booking).await;
        all.into_iter().rfind(|message| message.existing.kind == kind)
    }

    /// The state and reason of the newest message of a kind, which has to exist.
    pub(crate) async fn state(&self, booking: &str, kind: MessageKind) -> (MessageState, Option<String>) {
        let found = self.message(booking, kind).await;
        let found = found.unwrap_or_else(|| panic!("{booking} has no {kind}"));
        (found.existing.state, found.reason)
    }

    pub(crate) async fn find(&self, booking: &str) -> Option<Booking> {
        let key = key(booking);
        self.run(move |connection, planner| bookings::find(connection, &planner.ring, &key))
            .await
    }

    pub(crate) async fn booking(&self, booking: &str) -> Booking {
        let found = self.find(booking).await;
        found.unwrap_or_else(|| panic!("there is no {booking}"))
    }

    /// How many events of a booking are stored.
    pub(crate) async fn events(&self, booking: &str) -> i64 {
        self.count(&format!("events WHERE booking_key = 'azure-bay/{booking}'"))
            .await
    }

    /// A sender claims a message, which has to be granted.
    pub(crate) async fn claim(&self, booking: &str, kind: MessageKind) -> (MessageId, Attempt) {
        let message = self.message(booking, kind).await;
        let id = message
            .unwrap_or_else(|| panic!("{booking} has no {kind}"))
            .existing
            .id;
        let found = self.booking(booking).await;
        let wanted = Wanted {
            id,
            version: found.version,
            last_seen_on: cart::last_seen_on(&found.facts, &self.resort_file()),
            not_after: None,
            is_marketing: self.resort_file().is_marketing(kind),
            is_reminder: self.resort_file().is_reminder(kind),
            day_cap: self.resort_file().day_cap(kind),
            rest_after_confirmation: self.resort_file().rest_after_confirmation(kind),
            is_held_out: false,
            hold_out: self.resort_file().hold_out,
            quiet_hours: None,
            route: route(kind),
            may_call: true,
        };
        let claimed = self
            .run(move |connection, _| claims::claim(connection, Uuid::now_v7(), &[wanted]))
            .await;
        match claimed.as_slice() {
            [Claim::Granted(id, attempt)] => (*id, *attempt),
            other => panic!("{kind} of {booking} is not granted: {other:?}"),
        }
    }

    /// A sender calls, and WhatsApp answers so.
    pub(crate) async fn answered(
        &self,
        kind: MessageKind,
        (id, attempt): (MessageId, Attempt),
        next: NextStep,
        (hold, names): (Option<NewHold>, Vec<GuestName>),
    ) {
        let result = CallResult {
            id,
            attempt,
            route: route(kind),
            next,
            hold,
            error_code: None,
            paced: false,
            names,
        };
        self.run(move |connection, planner| results::record_calls(connection, planner, &[result]))
            .await;
    }

    /// A sender calls for a message, and WhatsApp accepts it.
    pub(crate) async fn calls(&self, booking: &str, kind: MessageKind) -> Called {
        self.calls_naming(booking, kind, Vec::new()).await
    }

    /// As [`Scene::calls`], WhatsApp naming the guest in its answer.
    pub(crate) async fn calls_naming(
        &self,
        booking: &str,
        kind: MessageKind,
        names: Vec<GuestName>,
    ) -> Called {
        let (id, attempt) = self.claim(booking, kind).await;
        let wamid = format!("wamid.{}", Uuid::now_v7().simple());
        let accepted = NextStep::Finish(WhatsAppMessageId::parse(&wamid).unwrap());
        self.answered(kind, (id, attempt), accepted, (None, names)).await;
        Called { id, attempt, wamid }
    }

    /// A cart whose first reminder WhatsApp refused for a passing reason: it waits for its next try.
    pub(crate) async fn waiting_reminder(&self, abandoned: &Webhook, cart: &str) {
        self.happens(abandoned).await;
        self.claimed_and_to_be_tried_later(cart, REMINDER_1).await;
        let waiting = self.message(cart, REMINDER_1).await.unwrap().existing;
        assert_eq!((waiting.state, waiting.attempts), (MessageState::Queued, 1));
    }

    /// A call that WhatsApp refuses for a passing reason.
    pub(crate) async fn claimed_and_to_be_tried_later(&self, booking: &str, kind: MessageKind) {
        let claimed = self.claim(booking, kind).await;
        let later = NextStep::RetryAfter(Duration::from_secs(10));
        self.answered(kind, claimed, later, (None, Vec::new())).await;
    }

    /// A cart whose first reminder WhatsApp accepted.
    pub(crate) async fn reminded(&self, cart: &str, phone: &str) -> Called {
        self.happens(&Webhook::abandoned(cart, phone)).await;
        self.calls(cart, REMINDER_1).await
    }
}

/// How the resort's messages go.
pub(crate) fn route(kind: MessageKind) -> Route {
    Route {
        resort: resort(),
        number: NumberId::parse(NUMBER).unwrap(),
        country: 30,
        template: Some(format!("{kind}/en_US")),
        kind,
    }
}
