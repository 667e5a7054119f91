//! Leaks: guests go through the whole system, well and badly, every program says as much as it can, and
//! then everything that was written anywhere is searched for them, and for the keys, tokens and secrets.

mod callers;
mod desk;
mod fetched;
mod files;
mod patterns;

use std::time::{Duration, SystemTime};

use broker::envelope::{Envelope, VERSION};
use chrono::Utc;
use crypto::key_ring::KeyRing;
use domain::ids::{EventId, SourceId};
use domain::message::MessageState;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use testkit::world::{Event, NUMBER, ResortFile, Secrets, World};
use uuid::Uuid;

use crate::scene::{CONFIRMATION, REMINDER_1};
use callers::Platform;
use desk::{Said, forget, sit_at_the_desk, sit_at_the_page};
use patterns::Patterns;

/// What proves that a place was really looked at: an id, which is no secret.
const MARKER: &str = "BK-found-me";

/// A guest whose data no other test uses.
struct Guest {
    first_name: String,
    last_name: String,
    phone: String,
    link: String,
    text: String,
}

impl Guest {
    fn new() -> Self {
        let number = Uuid::now_v7().as_u128() % 100_000_000;
        Self {
            first_name: word("Ada"),
            last_name: word("Lovelace"),
            phone: format!("+3069{number:08}"),
            link: word("resume"),
            text: word("Hello"),
        }
    }

    fn tell(&self, event_type: &str, booking: &str) -> Event {
        Event::new(event_type, booking)
            .of(&self.phone)
            .staying("2090-12-20", "2090-12-27")
            .with("/guest/name", format!("{} {}", self.first_name, self.last_name))
            .with(
                "/booking/resume_url",
                format!("https://book.example/r/{}?step=2", self.link),
            )
    }

    fn says(&self, text: &str) -> Value {
        let name = format!("{} {}", self.first_name, self.last_name);
        let text = format!("{text}{}", self.text);
        json!({ "from": self.phone, "text": text, "name": name, "phone_number_id": NUMBER })
    }

    fn secrets(&self) -> Vec<(&'static str, String)> {
        vec![
            ("a first name", self.first_name.clone()),
            ("a last name", self.last_name.clone()),
            // Without the country's code, as a person would write it.
            ("a phone number", self.phone.trim_start_matches("+30").to_owned()),
            ("a link", self.link.clone()),
            ("a text", self.text.clone()),
        ]
    }
}

/// A word that is nowhere else in the world.
fn word(beginning: &str) -> String {
    let end: String = Uuid::now_v7()
        .simple()
        .to_string()
        .chars()
        .rev()
        .take(12)
        .collect();
    format!("{beginning}{end}")
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Everything that was answered to anybody.
#[derive(Default)]
struct Answers(Vec<(String, Vec<u8>)>);

impl Answers {
    async fn keep(&mut self, place: &str, request: RequestBuilder) -> u16 {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let mut whole = format!("{:?}\n", answer.headers()).into_bytes();
        whole.extend(answer.bytes().await.unwrap());
        self.0.push((place.to_owned(), whole));
        status
    }

    /// What every program says of itself.
    async fn keep_what_programs_say(&mut self, world: &World) {
        for (name, address) in world.addresses() {
            for path in ["/metrics", "/readyz", "/healthz", "/openapi.json", "/"] {
                let asked = Client::new().get(format!("http://{address}{path}"));
                self.keep(&format!("{name}'s {path}"), asked).await;
            }
        }
    }
}

/// Puts what no processor can apply into the queue, as a defect or a hand might.
async fn publish_unreadable(world: &World, secrets: &Secrets, guest: &Guest) {
    // A stop of an unknown writer has a dead letter already.
    let before = world.depths().await.dead_events;
    let ring = KeyRing::parse(&secrets.keys).unwrap();
    let envelope = |id: &str, seal: &dyn Fn(&str) -> Vec<u8>| {
        let mut envelope = Envelope {
            faults: Vec::new(),
            version: VERSION,
            source: SourceId::parse("direct").unwrap(),
            event_id: EventId::parse(id).unwrap(),
            event_type: "booking_started".to_owned(),
            received_at: Utc::now(),
            request_id: "none".to_owned(),
            traceparent: None,
            resort: None,
            booking: None,
            phone_hash: None,
            name_hashes: Vec::new(),
            sealed: Vec::new(),
        };
        envelope.sealed = seal(&envelope.identity());
        String::from_utf8(envelope.encode()).unwrap()
    };
    let body = guest.says("").to_string();
    for payload in [
        "not an envelope".to_owned(),
        envelope("evt_of_another_shape", &|identity| {
            ring.seal(body.as_bytes(), identity)
        }),
        envelope("evt_sealed_for_another", &|_| {
            ring.seal(body.as_bytes(), "event:direct/other")
        }),
    ] {
        let message = json!({ "properties": { "delivery_mode": 2 }, "routing_key": "event", "payload": payload,
                              "payload_encoding": "string" });
        world
            .vhost()
            .api("POST", "exchanges", "/events/publish", Some(message))
            .await;
    }
    world
        .until("the unreadable are dead", async || {
            (world.depths().await.dead_events == before + 3).then_some(())
        })
        .await;
}

/// WhatsApp refuses for a while and for good, breaks off, talks nonsense, and repeats in all of it whom it is about.
async fn fail_in_every_way(world: &World, guests: &[Guest]) {
    let answers = [
        json!({ "error": 131_026, "details": format!("{} cannot be reached", guests[0].phone) }),
        json!({ "error": 131_016, "details": format!("{} later", guests[1].phone) }),
        json!({ "body": format!("<html>{} {}</html>", guests[2].phone, guests[2].first_name), "http": 502 }),
        json!({ "cut": true, "accepted": true }),
    ];
    let states = [
        MessageState::Dead,
        MessageState::Read,
        MessageState::Unknown,
        MessageState::Read,
    ];
    for (guest, answer) in guests.iter().zip(&answers) {
        let rule = json!({ "when": { "to": guest.phone }, "times": 1, "answer": answer });
        world.tell_sandbox("failures", &rule).await;
    }
    for (number, guest) in guests.iter().enumerate() {
        world
            .post(&guest.tell("reservation_confirmed", &format!("BK-fails-{number}")))
            .await;
    }
    for (number, state) in states.into_iter().enumerate() {
        world
            .until_state(&format!("BK-fails-{number}"), CONFIRMATION, state)
            .await;
    }
    world
        .until("the letter is on the queue", async || {
            (world.depths().await.dead_messages == 1).then_some(())
        })
        .await;
}

/// The messages in the queues, and their properties.
async fn queues(world: &World) -> Vec<u8> {
    let mut all = Vec::new();
    for queue in ["events", "messages", "dead.events", "dead.messages"] {
        let get = json!({ "count": 1_000, "ackmode": "ack_requeue_true", "encoding": "auto" });
        let list = world
            .vhost()
            .api("POST", "queues", &format!("/{queue}/get"), Some(get))
            .await;
        for message in list.as_array().unwrap() {
            all.extend(message["payload"].as_str().unwrap().bytes());
            all.extend(message.to_string().bytes());
        }
    }
    all
}

/// Guests that all goes well for.
async fn live(world: &World, ada: &Guest, bob: &Guest, eve: &Guest) {
    world.post(&ada.tell("booking_started", MARKER)).await;
    world.post(&ada.tell("booking_abandoned", MARKER)).await;
    world.until_state(MARKER, REMINDER_1, MessageState::Read).await;
    world
        .tell_sandbox("inbound", &bob.says("Is the pool heated? "))
        .await;
    let stop = json!({ "from": eve.phone, "marketing": "stop", "phone_number_id": NUMBER });
    world.tell_sandbox("inbound", &stop).await;
    world.until_guests_heard(2).await;
    world.post(&bob.tell("reservation_confirmed", "BK-2")).await;
    world.until_state("BK-2", CONFIRMATION, MessageState::Read).await;
    world.post(&eve.tell("booking_abandoned", "BK-3")).await;
    world.until_state("BK-3", REMINDER_1, MessageState::Skipped).await;
}

/// Postgres goes, the processor goes, and at last the queue with what waited in it; what is there before that is
/// returned.
async fn lose_everything(world: &mut World, guest: &Guest, answers: &mut Answers) -> Vec<(String, Vec<u8>)> {
    world.database().shut().await;
    world.post(&guest.tell("booking_started", MARKER)).await;
    world
        .until("the processor has noticed", async || {
            world.has_logged("postgres_failed").then_some(())
        })
        .await;
    answers.keep_what_programs_say(world).await;
    world.database().open().await;
    world.until_events(MARKER, 3).await;
    world.kill_processors();
    world.post(&guest.tell("booking_started", MARKER)).await;
    let places = vec![
        (
            "the tables".to_owned(),
            world.database().contents().await.into_bytes(),
        ),
        ("the queues".to_owned(), queues(world).await),
    ];
    world.vhost().delete_queue("events").await;
    let lost = world.send(&guest.tell("booking_started", MARKER)).await;
    answers
        .0
        .push(("the answer without a queue".to_owned(), lost.1.into_bytes()));
    answers.keep_what_programs_say(world).await;
    places
}

/// Every program has spoken, as loudly as it can: a log that is empty, or soft, would prove nothing.
fn check_that_all_spoke(world: &World, said: &Said) -> Vec<(String, Vec<u8>)> {
    let mut logs = world.logs_by_program();
    logs.insert("desk".to_owned(), said.beside.clone());
    let names: Vec<_> = logs.keys().map(String::as_str).collect();
    assert_eq!(names, ["desk", "ingest", "processor", "sender"]);
    for (name, log) in &logs {
        for level in [r#""level":"TRACE""#, r#""level":"INFO""#] {
            assert!(log.contains(level), "{name} is not heard at {level}:\n{log}");
        }
    }
    let whole = logs
        .into_iter()
        .map(|(name, log)| (format!("{name}'s log"), log.into_bytes()));
    whole.collect()
}

// shows: T15, B73
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_in_any_file_table_queue_log_metric_or_answer() {
    // File systems round; a second more costs nothing.
    let began = SystemTime::now() - Duration::from_secs(1);
    let (secrets, mut answers) = (Secrets::fresh(), Answers::default());
    let guests: Vec<Guest> = (0..9).map(|_| Guest::new()).collect();
    // Modules by name too: what is asked for all of them is weaker than what the programs say of one.
    let loud = [(
        "RUST_LOG",
        "trace,lapin=trace,actix_server=trace,tracing::span=trace",
    )];
    let mut world = World::start_under(secrets.clone(), &ResortFile::patient(), &loud).await;

    live(&world, &guests[0], &guests[1], &guests[2]).await;
    fail_in_every_way(&world, &guests[3..7]).await;
    publish_unreadable(&world, &secrets, &guests[2]).await;
    let platform = Platform {
        world: &world,
        secrets: &secrets,
    };
    platform.knock_badly(&guests[7], &mut answers).await;
    platform.knock_as_strangers(&guests[7], &mut answers).await;
    platform.notify_badly(&guests[7], &mut answers).await;
    platform.notify(&guests[7], &mut answers).await;
    let token = word("platform");
    fetched::ask_a_platform(&world, &guests[8], &token).await;
    answers.keep_what_programs_say(&world).await;
    let mut said = sit_at_the_desk(&world, &guests[0], &guests[1]).await;
    sit_at_the_page(&world, &guests[0], &mut said).await;
    let mut places = lose_everything(&mut world, &guests[0], &mut answers).await;
    forget(&world, &guests[0], &mut said).await;

    let logs = check_that_all_spoke(&world, &said);
    places.push(("the desk".to_owned(), said.shown.into_bytes()));
    for (place, bytes) in &places {
        assert!(contains(bytes, MARKER), "{place} could not be looked at");
    }
    places.extend(logs);
    let accepted = world.answers();
    assert!(
        contains(&accepted, "accepted"),
        "ingest's answers could not be looked at"
    );
    places.push(("ingest's answers".to_owned(), accepted));
    places.extend(files::of_servers(&world, began).await);
    places.append(&mut answers.0);
    let mut wanted: Vec<_> = guests.iter().flat_map(Guest::secrets).collect();
    wanted.extend(words_of(&secrets));
    wanted.extend(passwords(&world));
    wanted.push(("a platform's token", token));
    wanted.push((
        "a token of the staff",
        world.variable("BELLHOP_STAFF_TOKEN").to_owned(),
    ));
    let patterns = Patterns::new(&wanted);
    let found: Vec<_> = places
        .iter()
        .flat_map(|(place, bytes)| patterns.find(place, bytes))
        .collect();
    assert!(
        found.is_empty(),
        "{} places hold secrets:\n{}",
        found.len(),
        found.join("\n")
    );
}

fn words_of(secrets: &Secrets) -> Vec<(&'static str, String)> {
    let mut words = vec![
        (
            "the signing secret",
            secrets.signing.trim_start_matches("whsec_").to_owned(),
        ),
        ("the app secret", secrets.app.clone()),
        ("the verify token", secrets.verify_token.clone()),
        ("the access token", secrets.access_token.clone()),
    ];
    for entry in secrets.keys.split(',') {
        let (_, key) = entry.split_once(':').unwrap();
        words.push(("a key", key.trim_end_matches('=').to_owned()));
    }
    words
}

/// Those of the servers, which stand in the addresses that programs are given.
fn passwords(world: &World) -> Vec<(&'static str, String)> {
    let password = |variable| {
        let address = world.variable(variable).parse::<url::Url>().unwrap();
        address.password().unwrap().to_owned()
    };
    vec![
        ("Postgres' password", password("DATABASE_URL")),
        ("RabbitMQ's password", password("AMQP_URL")),
    ]
}
