//! Nobody's business: guests go through the whole system, well and badly, every program says as much as it can, and
//! then everything that was written anywhere is searched for them, and for the keys, tokens and secrets.

mod needles;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use broker::envelope::{Envelope, VERSION};
use chrono::Utc;
use crypto::key_ring::KeyRing;
use crypto::signature::{sign_github, sign_standard};
use domain::ids::{EventId, SourceId};
use domain::message::MessageState;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::world::{Event, NUMBER, ResortFile, Secrets, World};
use uuid::Uuid;

use crate::scene::{CONFIRMATION, REMINDER_1};
use needles::Needles;

/// What proves that a place was really looked at: an id, which is nobody's secret.
const MARKER: &str = "BK-found-me";

/// A guest whom nobody else resembles.
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

/// Who stands at the door.
struct Platform<'w> {
    world: &'w World,
    secrets: &'w Secrets,
}

impl Platform<'_> {
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let addresses = self.world.addresses();
        let (_, ingest) = addresses.iter().find(|(name, _)| name == "ingest").unwrap();
        Client::new().request(method, format!("http://{ingest}{path}"))
    }

    fn signed(&self, path: &str, body: &[u8]) -> RequestBuilder {
        self.signed_as("application/json", path, body)
    }

    fn signed_as(&self, content_type: &str, path: &str, body: &[u8]) -> RequestBuilder {
        let (id, now) = (Uuid::now_v7().to_string(), Utc::now().timestamp());
        self.ask(Method::POST, path)
            .header("content-type", content_type)
            .header("webhook-id", &id)
            .header("webhook-timestamp", now)
            .header(
                "webhook-signature",
                sign_standard(&self.secrets.signing, &id, now, body),
            )
            .body(body.to_vec())
    }

    /// Everything that can be wrong with a webhook, with a guest in it.
    async fn knock_badly(&self, guest: &Guest, answers: &mut Answers) {
        let event = guest.tell("booking_started", "BK-bad");
        let (body, token) = (event.bytes(), guest.link.as_str());
        let with = |pointer: &str, value: Value| event.clone().with(pointer, value).bytes();
        let long = guest.last_name.repeat(30);
        let evil = format!("https://{}.example/{token}", guest.last_name);
        for (expected, wrong) in [
            (400, with("/guest/name", long.into())),
            (400, with("/booking/resume_url", evil.into())),
            (
                400,
                with(
                    "/booking/resume_url",
                    format!("http://book.example/{token}").into(),
                ),
            ),
            (400, with("/guest/phone", json!([guest.phone]))),
            (400, with("/guest/consent", guest.phone.clone().into())),
            (400, with("/type", guest.first_name.clone().into())),
            (400, with("/resort", guest.first_name.clone().into())),
            (400, with("/occurred_at", guest.phone.clone().into())),
            (400, with("/booking/check_in", guest.text.clone().into())),
            (400, body[..body.len() - 1].to_vec()),
            (400, guest.text.clone().into_bytes()),
            (
                400,
                json!([guest.phone, guest.first_name]).to_string().into_bytes(),
            ),
            (413, [body.clone(), vec![b' '; 1 << 20]].concat()),
        ] {
            let status = answers
                .keep("a bad webhook's answer", self.signed("/webhooks/direct", &wrong))
                .await;
            assert_eq!(
                status,
                expected,
                "{}",
                String::from_utf8_lossy(&wrong[..wrong.len().min(400)])
            );
        }
    }

    /// Strangers, who bring a guest along wherever something can be brought.
    async fn knock_as_strangers(&self, guest: &Guest, answers: &mut Answers) {
        let (body, token) = (
            guest.tell("booking_started", "BK-bad").bytes(),
            guest.link.as_str(),
        );
        let nobody = format!("/webhooks/{}", guest.first_name);
        let in_url = format!("/webhooks/direct/{token}?phone={}", guest.phone);
        let elsewhere = format!("/{}/{}", guest.first_name, guest.phone);
        let post = |path: &str| self.ask(Method::POST, path).body(body.clone());
        for (expected, request) in [
            (
                401,
                post("/webhooks/direct").header("webhook-signature", &guest.text),
            ),
            (
                401,
                post("/webhooks/direct").header("authorization", format!("Bearer {token}")),
            ),
            (401, post(&in_url).header("x-forwarded-for", &guest.text)),
            (404, post(&nobody).header("cookie", &guest.phone)),
            (404, post(&elsewhere).header("user-agent", &guest.text)),
            (405, self.ask(Method::PUT, &in_url)),
            (405, self.ask(Method::GET, &in_url)),
            (415, self.signed_as(&guest.text, "/webhooks/direct", &body)),
        ] {
            assert_eq!(answers.keep("a stranger's answer", request).await, expected);
        }
    }

    /// What only looks like WhatsApp, and what WhatsApp says that nobody can read.
    async fn notify_badly(&self, guest: &Guest, answers: &mut Answers) {
        let body = guest.says("").to_string();
        let forged = self.ask(Method::POST, "/webhooks/whatsapp").body(body.clone());
        let forged = forged.header("x-hub-signature-256", format!("sha256={}", "0".repeat(64)));
        assert_eq!(answers.keep("a forged notification's answer", forged).await, 401);
        let value = json!({ "contacts": [guest.says("")], "messages": [{ "from": guest.phone, "text": guest.text }] });
        let odd = json!({ "entry": [{ "changes": [{ "field": "messages", "value": value }, guest.text] }] });
        for body in [body, odd.to_string(), guest.text.clone()] {
            let signature = sign_github(&self.secrets.app, body.as_bytes());
            let odd = self
                .ask(Method::POST, "/webhooks/whatsapp")
                .header("x-hub-signature-256", signature);
            assert_eq!(
                answers.keep("an odd notification's answer", odd.body(body)).await,
                200
            );
        }
        for (expected, token) in [(200, &self.secrets.verify_token), (403, &guest.text)] {
            let path =
                format!("/webhooks/whatsapp?hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}");
            assert_eq!(
                answers
                    .keep("the handshake's answer", self.ask(Method::GET, &path))
                    .await,
                expected
            );
        }
    }
}

/// Puts what no processor can apply into the queue, as a defect or a hand might.
async fn publish_unreadable(world: &World, secrets: &Secrets, guest: &Guest) {
    let ring = KeyRing::parse(&secrets.keys).unwrap();
    let envelope = |id: &str, seal: &dyn Fn(&str) -> Vec<u8>| {
        let mut envelope = Envelope {
            version: VERSION,
            source: SourceId::parse("direct").unwrap(),
            event_id: EventId::parse(id).unwrap(),
            event_type: "booking_started".to_owned(),
            received_at: Utc::now(),
            request_id: "none".to_owned(),
            resort: None,
            booking: None,
            phone_hash: None,
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
            (world.depths().await.dead_events == 3).then_some(())
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

/// What stands in the queues, and beside it.
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

/// Every file below a folder that was written since.
fn files_since(folder: &Path, since: SystemTime, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let written = entry.metadata().and_then(|about| about.modified());
        if path.is_dir() {
            files_since(&path, since, found);
        } else if written.is_ok_and(|at| at >= since)
            && let Ok(bytes) = fs::read(&path)
        {
            found.push((path.display().to_string(), bytes));
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
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
            world.logs().contains("database step failed").then_some(())
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

/// What the support staff see without asking for more.
async fn look_from_the_desk(world: &World) -> Vec<u8> {
    let mut said = String::new();
    for command in [
        &format!("bookings show azure-bay {MARKER}"),
        "messages list",
        "holds",
        "letters list --json",
        "letters list --by reason",
        "letters show 1",
        "letters show 2 --json",
        "letters retry --all --dry-run",
        "staff list",
    ] {
        let ended = world.desk(command).await;
        said.push_str(&ended.check(0).stdout);
        said.push_str(&ended.stderr);
    }
    said.into_bytes()
}

/// Somebody looks at a guest and writes down why, in words that name the guest; what they see is theirs, what is said
/// beside it is not.
async fn look_closely(world: &World, guest: &Guest) -> Vec<u8> {
    let reveal = format!(
        "bookings show azure-bay {MARKER} --reveal --note {}",
        guest.last_name
    );
    let ended = world.desk(&reveal).await;
    assert!(ended.check(0).stdout.contains(&guest.last_name));
    ended.stderr.clone().into_bytes()
}

/// What the private servers have written since, file by file; nothing where the servers are somebody else's.
async fn files_of_servers(world: &World, since: SystemTime) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let Some(state) = world.database().private_files().await else {
        return all;
    };
    for server in ["postgres", "rabbitmq"] {
        let mut files = Vec::new();
        files_since(&state.join(server), since, &mut files);
        let seen = files.iter().any(|(_, bytes)| contains(bytes, MARKER));
        assert!(seen, "the files of {server} could not be looked at");
        all.append(&mut files);
    }
    files_since(&state.join("log"), since, &mut all);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_in_any_file_table_queue_log_metric_or_answer() {
    // File systems round; a second more costs nothing.
    let began = SystemTime::now() - Duration::from_secs(1);
    let (secrets, mut answers) = (Secrets::fresh(), Answers::default());
    let guests: Vec<Guest> = (0..8).map(|_| Guest::new()).collect();
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
    answers.keep_what_programs_say(&world).await;
    let mut said = look_from_the_desk(&world).await;
    said.extend(look_closely(&world, &guests[0]).await);
    let mut places = lose_everything(&mut world, &guests[0], &mut answers).await;

    places.push(("the desk".to_owned(), said));
    places.push(("the logs".to_owned(), world.logs().into_bytes()));
    for (place, bytes) in &places {
        assert!(contains(bytes, MARKER), "{place} could not be looked at");
    }
    places.extend(files_of_servers(&world, began).await);
    places.append(&mut answers.0);
    let mut wanted: Vec<_> = guests.iter().flat_map(Guest::secrets).collect();
    wanted.extend(words_of(&secrets));
    wanted.extend(passwords(&world));
    wanted.push((
        "a token of the staff",
        world.variable("BELLHOP_STAFF_TOKEN").to_owned(),
    ));
    let needles = Needles::new(&wanted);
    let found: Vec<_> = places
        .iter()
        .flat_map(|(place, bytes)| needles.find(place, bytes))
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
