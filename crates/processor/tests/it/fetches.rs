//! What a webhook leaves out is asked of its platform, here a small server, and becomes an ordinary event.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker::envelope::FETCH;
use broker::sealing::{self, Head};
use chrono::Utc;
use crypto::key_ring::KeyRing;
use domain::event::EventKey;
use domain::ids::{BookingId, EventId, SourceId};
use domain::plan::Status;
use foreign_json::Document;
use mapping::Kept;
use serde_json::{Value, json};
use testkit::platform::{Platform, Reply};
use tokio::sync::Notify;

use crate::logs;
use crate::scene::{Scene, resort};

const BEARER: &str = r#"{ scheme = "bearer", secret = "plain:hunter2" }"#;

/// A source of apaleo's, whose platform is this one.
fn source(platform: &Platform, auth: &str) -> String {
    source_at(&format!("http://{}", platform.address()), "127.0.0.1", auth)
}

fn source_at(base: &str, host: &str, auth: &str) -> String {
    format!(
        "resorts = [\"azure-bay\"]\nplatform = \"apaleo\"\n\
         [auth]\nscheme = \"bearer\"\nsecrets = [\"plain:key\"]\n\
         [properties]\n\"BER\" = \"azure-bay\"\n\
         [fetch]\nurl = \"{base}/reservations/{{booking.id}}\"\nhosts = [\"{host}\"]\nauth = {auth}\n\
         per_second = 1000\ntimeout = \"5s\"\n"
    )
}

/// What apaleo tells of a reservation.
fn reservation() -> Value {
    json!({
        "id": "BK-1", "arrival": "2026-12-20T15:00:00+02:00", "departure": "2026-12-27T11:00:00+02:00", "adults": 2,
        "channelCode": "Direct",
        "primaryGuest": { "firstName": "Ada", "lastName": "Lovelace", "phone": "+306912345678", "preferredLanguage": "en" },
        "totalGrossAmount": { "amount": 1240.0, "currency": "EUR" },
    })
}

fn webhook(booking: &str) -> Value {
    json!({
        "topic": "Reservation", "type": "created", "id": format!("evt-{booking}"), "propertyId": "BER",
        "timestamp": 1_790_000_000_000_i64, "data": { "entityId": booking },
    })
}

/// The envelope in which `ingest` publishes such a webhook.
fn envelope(ring: &KeyRing, source: &str, booking: &str, body: Value) -> Vec<u8> {
    let key = EventKey {
        source: SourceId::parse(source).unwrap(),
        id: EventId::parse(&format!("fetch-{booking}")).unwrap(),
    };
    let kept = Kept {
        body: Document::from(&body),
        headers: Default::default(),
        query: Default::default(),
        received_at: Utc::now(),
        body_hash: None,
        element: Some(0),
    };
    let head = Head {
        resort: Some(resort()),
        booking: Some(BookingId::parse(booking).unwrap()),
        ..Head::new(key, FETCH, kept.received_at, "r-1".to_owned())
    };
    sealing::seal(ring, head, &kept).unwrap().body
}

async fn scene() -> Scene {
    logs::begin();
    let scene = Scene::with_queues().await;
    scene.steps.publisher_ready().await;
    scene
}

impl Scene {
    /// A webhook of apaleo arrives, and its source's file is this one.
    async fn hears_of(&self, booking: &str, file: &str) {
        self.write_source("apaleo", file);
        self.arrives("apaleo", booking).await;
    }

    async fn arrives(&self, source: &str, booking: &str) {
        let envelope = envelope(&self.ring, source, booking, webhook(booking));
        assert_eq!(self.steps.apply(&[envelope]).await, ["committed"]);
    }

    async fn fetches(&self) -> i64 {
        self.count("fetches").await
    }

    /// Asks, then makes what was put off due, so often.
    async fn asks(&self, times: usize) {
        for _ in 0..times {
            self.steps.fetch_once().await.unwrap();
            self.sql("UPDATE fetches SET due_at = now(); UPDATE fetch_turns SET next_at = now()")
                .await;
        }
    }

    /// Asks once, and consumes what that publishes until the booking is there.
    async fn asks_until_applied(&mut self, booking: &str) {
        self.asks(1).await;
        self.consume_until("the event is applied", async |scene| {
            scene.find(booking).await.is_some()
        })
        .await;
    }

    async fn dead_letter_says(&self, error: &str) {
        assert_eq!(self.depths().await.dead_events, 1);
        assert_eq!(self.fetches().await, 0);
        let failed = logs::alerts("fetch_failed");
        assert_eq!(failed.len(), 1, "{}", logs::all());
        assert_eq!(failed[0]["error"], error);
    }
}

// shows: G37
#[tokio::test]
async fn a_webhook_that_only_names_a_booking_is_completed_by_its_platform() {
    let platform = Platform::start(|_| Reply::json(reservation())).await;
    let mut scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;
    assert_eq!(scene.fetches().await, 1);

    scene.asks_until_applied("BK-1").await;

    let booking = scene.booking("BK-1").await;
    assert_eq!(booking.status, Status::Confirmed);
    assert!(booking.facts.tells_of_guest());
    assert_eq!(
        booking.facts.check_in.as_ref().unwrap().value.to_string(),
        "2026-12-20"
    );
    assert_eq!(scene.fetches().await, 0);
    let asked = &platform.asked()[0];
    assert_eq!(asked.line, "GET /reservations/BK-1");
    assert_eq!(asked.headers["authorization"], "Bearer hunter2");
    let metrics = scene.steps.metrics();
    assert!(
        metrics.contains("bellhop_fetches_total{result=\"published\",source=\"apaleo\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_published_event_has_the_time_at_which_the_webhook_came_and_the_hash_of_the_number() {
    let platform = Platform::start(|_| Reply::json(reservation())).await;
    let mut scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;

    scene.asks_until_applied("BK-1").await;

    let same = "events e JOIN events f ON f.event_type = 'fetch' AND f.received_at = e.received_at \
         WHERE e.key = 'apaleo/evt-BK-1' AND e.phone_hash IS NOT NULL";
    assert_eq!(scene.count(same).await, 1);
}

/// A source with its platform's preset, whose API is this one.
fn preset_at(platform: &Platform, name: &str, path: &str, auth: &str, property: &str) -> String {
    let address = platform.address();
    format!(
        "resorts = [\"azure-bay\"]\nplatform = \"{name}\"\n[auth]\nscheme = \"bearer\"\nsecrets = [\"plain:key\"]\n\
         [properties]\n\"{property}\" = \"azure-bay\"\n\
         [fetch]\nurl = \"http://{address}{path}\"\nhosts = [\"127.0.0.1\"]\nauth = {auth}\n"
    )
}

/// A published payload, and the published answer to it.
fn sample(body: &str, case: &str) -> (Value, Value) {
    let case: Value = serde_json::from_str(case).unwrap();
    (serde_json::from_str(body).unwrap(), case["fetched"].clone())
}

#[tokio::test]
async fn mews_is_asked_by_a_post_with_its_tokens_and_the_reservation() {
    let (body, answer) = sample(
        include_str!("../../../mapping/samples/mews/general_with_its_reservation.json"),
        include_str!("../../../mapping/samples/mews/general_with_its_reservation.expected.json"),
    );
    let platform = Platform::start(move |_| Reply::json(answer.clone())).await;
    let mut scene = scene().await;
    let auth = r#"{ scheme = "body", secret = "plain:access\"token", client = "plain:client-token" }"#;
    let enterprise = body["EnterpriseId"].as_str().unwrap().to_owned();
    let booking = body["Events"][0]["Value"]["Id"].as_str().unwrap().to_owned();
    scene.write_source(
        "mews",
        &preset_at(&platform, "mews", "/getAllByIds", auth, &enterprise),
    );
    let envelope = envelope(&scene.ring, "mews", &booking, body);
    assert_eq!(scene.steps.apply(&[envelope]).await, ["committed"]);

    scene.asks_until_applied(&booking).await;

    let asked = &platform.asked()[0];
    assert_eq!(asked.line, "POST /getAllByIds");
    assert_eq!(asked.headers["content-type"], "application/json");
    let question: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(
        question,
        json!({
            "ClientToken": "client-token", "AccessToken": "access\"token", "Client": "Bellhop",
            "ReservationIds": [booking], "Extent": { "Reservations": true, "Customers": true },
        })
    );
    assert!(scene.booking(&booking).await.facts.tells_of_guest());
    assert_eq!(scene.fetches().await, 0);
}

#[tokio::test]
async fn ownerrez_is_asked_for_the_guest_and_not_for_the_booking() {
    let (body, answer) = sample(
        include_str!("../../../mapping/samples/ownerrez/entity_update_booking_with_its_guest.json"),
        include_str!("../../../mapping/samples/ownerrez/entity_update_booking_with_its_guest.expected.json"),
    );
    let platform = Platform::start(move |_| Reply::json(answer.clone())).await;
    let mut scene = scene().await;
    let auth = r#"{ scheme = "basic", user = "you@example.com", secret = "plain:pt" }"#;
    let (booking, guest) = (
        body["entity_id"].to_string(),
        body["entity"]["guest_id"].to_string(),
    );
    let property = body["entity"]["property_id"].to_string();
    scene.write_source(
        "ownerrez",
        &preset_at(&platform, "ownerrez", "/v2/guests/{id}", auth, &property),
    );
    let envelope = envelope(&scene.ring, "ownerrez", &booking, body);
    assert_eq!(scene.steps.apply(&[envelope]).await, ["committed"]);

    scene.asks_until_applied(&booking).await;

    let asked = &platform.asked()[0];
    assert_eq!(asked.line, format!("GET /v2/guests/{guest}"));
    assert_eq!(
        asked.headers["authorization"],
        format!("Basic {}", STANDARD.encode("you@example.com:pt"))
    );
    assert!(scene.booking(&booking).await.facts.tells_of_guest());
}

#[tokio::test]
async fn a_platform_that_redirects_a_post_gets_its_tokens_nowhere_else() {
    let platform = Platform::start(|asked| match asked.line.as_str() {
        "POST /ask" => Reply::status(307).with("location", "/elsewhere"),
        _ => Reply::json(reservation()),
    })
    .await;
    let mut file = source(&platform, r#"{ scheme = "body", secret = "plain:x" }"#);
    file = file.replace("/reservations/{booking.id}", "/ask");
    file.push_str("body = '{\"token\":\"{secret}\",\"id\":\"{id}\"}'\n");
    let scene = scene().await;
    scene.hears_of("BK-1", &file).await;

    scene.asks(1).await;

    assert_eq!(platform.asked().len(), 1);
    assert_eq!(scene.fetches().await, 1, "it is tried again");
}

#[tokio::test]
async fn a_webhook_of_many_events_asks_for_the_one_that_is_meant() {
    let platform = Platform::start(|_| {
        Reply::json(json!({
            "id": "BK-2", "arrival": "2026-12-21", "departure": "2026-12-22", "phone": "+306912345679",
        }))
    })
    .await;
    let file = source(&platform, BEARER).replace(
        "platform = \"apaleo\"\n",
        "[map]\neach = \"events\"\nevent = [\"kind\"]\nwhen = [[\"new\", \"fetch\"], [\"new\", \"reservation_confirmed\"]]\n\
         property = \"root.house\"\n[map.booking]\nid = \"booking\"\ncheck_in = \"fetched.arrival\"\n[map.guest]\nphone = \"fetched.phone\"\n",
    );
    let mut scene = scene().await;
    scene.write_source("many", &file);
    let body = json!({ "house": "BER", "events": [
        { "kind": "new", "booking": "BK-2" }, { "kind": "new", "booking": "BK-3" },
    ] });
    let one = envelope(&scene.ring, "many", "BK-2", body);
    assert_eq!(scene.steps.apply(&[one]).await, ["committed"]);

    scene.asks(1).await;
    assert_eq!(scene.depths().await.events, 1, "{}", logs::all());
    scene
        .consume_until("the event is applied", async |scene| {
            scene.find("BK-2").await.is_some()
        })
        .await;

    assert_eq!(platform.lines(), ["GET /reservations/BK-2"]);
    assert!(scene.find("BK-3").await.is_none());
}

// shows: G38
#[tokio::test]
async fn a_slow_platform_delays_no_other() {
    let sign = Arc::new(Notify::new());
    let slow_reply = Reply::json(reservation()).after(&sign);
    let slow = Platform::start(move |_| slow_reply.clone()).await;
    let quick = Platform::start(|_| Reply::json(reservation())).await;
    let scene = scene().await;
    scene.write_source("slow", &source(&slow, BEARER));
    scene.write_source("quick", &source(&quick, BEARER));
    scene.arrives("slow", "BK-1").await;
    scene.arrives("quick", "BK-2").await;

    let (asked, waiting) = tokio::join!(scene.steps.fetch_once(), async {
        while scene.depths().await.events < 1 {
            tokio::task::yield_now().await;
        }
        let waiting = (
            slow.lines().len(),
            scene.count("fetches WHERE source = 'slow'").await,
        );
        sign.notify_one();
        waiting
    });

    asked.unwrap();
    assert_eq!(waiting, (1, 1), "the slow one was asked, and waits");
    assert_eq!(scene.depths().await.events, 2);
    assert_eq!(scene.fetches().await, 0);
}

#[tokio::test]
async fn a_platform_is_asked_no_faster_than_its_file_says() {
    let platform = Platform::start(|_| Reply::json(reservation())).await;
    let scene = scene().await;
    let file = source(&platform, BEARER).replace("per_second = 1000", "per_second = 1");
    scene.hears_of("BK-1", &file).await;
    scene.arrives("apaleo", "BK-2").await;

    scene.steps.fetch_once().await.unwrap();
    let pause = scene.steps.fetch_once().await.unwrap();

    assert_eq!(platform.lines().len(), 1);
    assert!(pause.as_millis() > 500, "{pause:?}");
    scene.sql("UPDATE fetch_turns SET next_at = now()").await;
    scene.steps.fetch_once().await.unwrap();
    assert_eq!(platform.lines().len(), 2);
}

// shows: G39
#[tokio::test]
async fn an_answer_of_500_is_asked_for_again_later() {
    let times = AtomicUsize::new(0);
    let platform = Platform::start(move |_| match times.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::status(500),
        _ => Reply::json(reservation()),
    })
    .await;
    let scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;

    scene.steps.fetch_once().await.unwrap();
    let later = "fetches WHERE failures = 1 AND refusals = 0 AND due_at > now() + interval '3 seconds'";
    assert_eq!(scene.count(later).await, 1);
    scene.asks(1).await;
    assert_eq!(platform.lines().len(), 1, "it is not due");
    scene.asks(1).await;

    assert_eq!(scene.fetches().await, 0);
    assert_eq!(scene.depths().await.events, 1);
}

#[tokio::test]
async fn a_platform_that_says_when_to_come_again_is_left_alone_until_then() {
    let platform = Platform::start(|_| Reply::status(429).with("retry-after", 600)).await;
    let scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;

    scene.steps.fetch_once().await.unwrap();

    let row =
        "fetches WHERE due_at BETWEEN now() + interval '590 seconds' AND now() + interval '600 seconds'";
    assert_eq!(scene.count(row).await, 1);
    let source =
        "fetch_turns WHERE next_at BETWEEN now() + interval '590 seconds' AND now() + interval '600 seconds'";
    assert_eq!(scene.count(source).await, 1);
}

// shows: G39
#[tokio::test]
async fn a_booking_that_its_platform_does_not_know_is_a_dead_letter_after_three_retries_and_may_be_retried() {
    let is_known = Arc::new(AtomicBool::new(false));
    let knows = Arc::clone(&is_known);
    let platform = Platform::start(move |_| match knows.load(Ordering::Relaxed) {
        false => Reply::status(404),
        true => Reply::json(reservation()),
    })
    .await;
    let scene = scene().await;
    scene.write_source("apaleo", &source(&platform, BEARER));
    let webhook = envelope(&scene.ring, "apaleo", "BK-1", webhook("BK-1"));
    scene.steps.apply(std::slice::from_ref(&webhook)).await;

    scene.asks(3).await;
    assert_eq!((scene.fetches().await, scene.depths().await.dead_events), (1, 0));
    scene.asks(1).await;

    assert_eq!(platform.lines().len(), 4);
    scene.dead_letter_says("the platform answered 404").await;

    // What the desk publishes again is the webhook as it was.
    is_known.store(true, Ordering::Relaxed);
    scene.steps.apply(&[webhook]).await;
    assert_eq!(scene.fetches().await, 1);
    scene.asks(1).await;
    assert_eq!(scene.depths().await.events, 1);
}

#[tokio::test]
async fn what_fails_for_a_day_is_a_dead_letter() {
    let platform = Platform::start(|_| Reply::status(503)).await;
    let scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;
    scene.asks(1).await;
    scene
        .sql("UPDATE fetches SET first_failed_at = now() - interval '23 hours'")
        .await;
    scene.asks(1).await;
    assert_eq!(scene.fetches().await, 1);
    scene
        .sql("UPDATE fetches SET first_failed_at = now() - interval '24 hours'")
        .await;

    scene.asks(1).await;

    scene.dead_letter_says("the platform answered 503").await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_mapped_is_a_dead_letter_that_names_the_fields() {
    let platform = Platform::start(|_| Reply::json("{}")).await;
    let scene = scene().await;
    let file = source(&platform, BEARER).replace(
        "[properties]",
        "[map]\nwhen = [[\"*\", \"*\", \"fetch\"], [\"*\", \"*\", \"booking_started\"]]\n[properties]",
    );
    scene.hears_of("BK-1", &file).await;

    scene.asks(1).await;

    scene.dead_letter_says("guest.phone: missing").await;
}

// shows: T32
#[tokio::test]
async fn a_redirect_is_followed_to_hosts_that_the_file_names_and_to_no_other() {
    let other = Platform::start(|_| Reply::json(reservation())).await;
    let elsewhere = format!("http://localhost:{}/x", other.address().port());
    let platform = Platform::start(move |asked| match asked.line.as_str() {
        "GET /reservations/BK-1" => Reply::status(302).with("location", &elsewhere),
        "GET /reservations/BK-2" => Reply::status(308).with("location", "/moved"),
        _ => Reply::json(reservation()),
    })
    .await;
    let scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;

    scene.asks(4).await;
    scene
        .dead_letter_says(
            "the platform redirects to an address that is on a host that the source's file does not name",
        )
        .await;
    assert_eq!(other.lines(), Vec::<String>::new());

    scene.arrives("apaleo", "BK-2").await;
    scene.asks(1).await;
    assert_eq!(scene.depths().await.events, 1);
    assert_eq!(platform.lines().last().unwrap(), "GET /moved");
}

// shows: T32
#[tokio::test]
async fn an_answer_of_more_than_one_mebibyte_is_refused() {
    let length = Arc::new(AtomicUsize::new((1 << 20) - 2));
    let padding = Arc::clone(&length);
    let platform = Platform::start(move |_| {
        let mut body = reservation().to_string();
        body.push_str(&" ".repeat(padding.load(Ordering::Relaxed) + 2 - body.len()));
        Reply::json(body)
    })
    .await;
    let scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;
    scene.asks(1).await;
    assert_eq!(scene.depths().await.events, 1, "one mebibyte is read");
    length.store((1 << 20) - 1, Ordering::Relaxed);

    scene.arrives("apaleo", "BK-2").await;
    scene.asks(4).await;

    scene.dead_letter_says("the answer is longer than 1 MiB").await;
}

#[tokio::test]
async fn localhost_is_called_where_the_file_names_it() {
    let platform = Platform::start(|_| Reply::json(reservation())).await;
    let scene = scene().await;
    let base = format!("http://localhost:{}", platform.address().port());
    scene
        .hears_of("BK-1", &source_at(&base, "localhost", BEARER))
        .await;

    scene.asks(1).await;

    assert_eq!(scene.depths().await.events, 1);
}

fn oauth2(platform: &Platform) -> String {
    let token_url = format!("http://{}/token", platform.address());
    format!(
        r#"{{ scheme = "oauth2", token_url = "{token_url}", client_id = "me", secret = "plain:hunter2" }}"#
    )
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_when_the_platform_refuses_it() {
    let tokens = AtomicUsize::new(0);
    let platform = Platform::start(move |asked| match asked.line.as_str() {
        "POST /token" => {
            let number = tokens.fetch_add(1, Ordering::Relaxed);
            Reply::json(json!({ "access_token": format!("token-{number}"), "expires_in": 3600 }))
        }
        // The first token is taken back after two bookings.
        "GET /reservations/BK-3" if asked.headers["authorization"] == "Bearer token-0" => Reply::status(401),
        _ => Reply::json(reservation()),
    })
    .await;
    let scene = scene().await;
    for booking in ["BK-1", "BK-2", "BK-3", "BK-4"] {
        scene
            .hears_of(booking, &source(&platform, &oauth2(&platform)))
            .await;
        scene.asks(1).await;
    }

    assert_eq!(scene.depths().await.events, 4);
    assert_eq!(
        platform.lines(),
        [
            "POST /token",
            "GET /reservations/BK-1",
            "GET /reservations/BK-2",
            "GET /reservations/BK-3",
            "POST /token",
            "GET /reservations/BK-3",
            "GET /reservations/BK-4",
        ]
    );
    let asked = platform.asked();
    assert_eq!(asked[0].body, "grant_type=client_credentials");
    let client = format!("Basic {}", STANDARD.encode("me:hunter2"));
    assert_eq!(asked[0].headers["authorization"], client);
    assert_eq!(asked[6].headers["authorization"], "Bearer token-1");
}

#[tokio::test]
async fn a_platform_that_takes_the_clients_secret_in_the_body_alone_gives_a_token_too() {
    let platform = Platform::start(|asked| match asked.line.as_str() {
        "POST /token" if asked.headers.contains_key("authorization") => Reply::status(400),
        "POST /token" => Reply::json(json!({ "access_token": "token", "expires_in": "3600" })),
        _ => Reply::json(reservation()),
    })
    .await;
    let scene = scene().await;
    scene
        .hears_of("BK-1", &source(&platform, &oauth2(&platform)))
        .await;

    scene.asks(1).await;

    assert_eq!(scene.depths().await.events, 1);
    assert_eq!(
        platform.asked()[1].body,
        "grant_type=client_credentials&client_id=me&client_secret=hunter2"
    );
}

#[tokio::test]
async fn basic_credentials_and_a_header_are_sent_as_the_file_says() {
    let platform = Platform::start(|_| Reply::json(reservation())).await;
    let scene = scene().await;
    for (auth, header, value) in [
        (
            r#"{ scheme = "basic", user = "me", secret = "plain:hunter2" }"#,
            "authorization",
            format!("Basic {}", STANDARD.encode("me:hunter2")),
        ),
        (
            r#"{ scheme = "header", header = "X-Api-Key", secret = "plain:hunter2" }"#,
            "x-api-key",
            "hunter2".to_owned(),
        ),
    ] {
        scene
            .hears_of(&format!("BK-{header}"), &source(&platform, auth))
            .await;
        scene.asks(1).await;
        assert_eq!(platform.asked().last().unwrap().headers[header], value);
    }
}

#[tokio::test]
async fn credentials_that_are_refused_are_one_alert_and_no_dead_letter() {
    let platform = Platform::start(|_| Reply::status(401)).await;
    let scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;
    scene.arrives("apaleo", "BK-2").await;

    scene.asks(6).await;

    assert_eq!((scene.fetches().await, scene.depths().await.dead_events), (2, 0));
    assert_eq!(logs::alerts("fetch_unauthorized").len(), 1, "{}", logs::all());
}

#[tokio::test]
async fn webhooks_of_a_source_without_fetch_wait_with_one_alert_until_it_is_mended() {
    let platform = Platform::start(|_| Reply::json(reservation())).await;
    let scene = scene().await;
    let file = source(&platform, BEARER);
    let (without, _) = file.split_once("[fetch]").unwrap();
    scene.hears_of("BK-1", without).await;

    scene.asks(2).await;
    assert_eq!(scene.fetches().await, 1);
    let alerts = logs::alerts("fetch_without_file");
    assert_eq!(alerts.len(), 1, "{}", logs::all());
    assert_eq!(alerts[0]["file"], "sources/apaleo.toml");

    scene.write_source("apaleo", &file);
    scene.asks(1).await;
    assert_eq!(scene.fetches().await, 0);
    assert_eq!(scene.depths().await.events, 1);
}

// shows: G37
#[tokio::test]
async fn a_processor_that_dies_between_the_call_and_its_record_publishes_the_same_event_again() {
    let platform = Platform::start(|_| Reply::json(reservation())).await;
    let mut scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;
    // The trigger is the death: the row stays.
    scene
        .sql(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TRIGGER keep BEFORE DELETE ON fetches FOR EACH ROW EXECUTE FUNCTION keep()",
        )
        .await;
    scene.asks(1).await;
    assert_eq!((scene.fetches().await, scene.depths().await.events), (1, 1));
    scene.sql("DROP TRIGGER keep ON fetches").await;

    scene.asks(1).await;
    assert_eq!((scene.fetches().await, scene.depths().await.events), (0, 2));
    scene
        .consume_until("both are applied", async |scene| {
            scene.depths().await.events == 0 && scene.find("BK-1").await.is_some()
        })
        .await;

    let metrics = scene.steps.metrics();
    for outcome in ["applied", "duplicate"] {
        let line = format!("bellhop_events_total{{outcome=\"{outcome}\",type=\"reservation_confirmed\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test]
async fn a_webhook_that_is_redelivered_is_asked_for_once() {
    let scene = scene().await;
    let webhook = envelope(&scene.ring, "apaleo", "BK-1", webhook("BK-1"));

    scene.steps.apply(&[webhook.clone(), webhook.clone()]).await;
    scene.steps.apply(&[webhook]).await;

    assert_eq!(scene.fetches().await, 1);
    let metrics = scene.steps.metrics();
    for (outcome, count) in [("applied", 1), ("duplicate", 2)] {
        let line = format!("bellhop_events_total{{outcome=\"{outcome}\",type=\"fetch\"}} {count}");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

// shows: G40
#[tokio::test]
async fn a_guest_who_was_erased_is_not_asked_for() {
    let platform = Platform::start(|_| Reply::json(reservation())).await;
    let scene = scene().await;
    scene.hears_of("BK-1", &source(&platform, BEARER)).await;
    let late = envelope(&scene.ring, "apaleo", "BK-1", webhook("BK-1"));
    let subject = store::guest_data::DataSubject::Booking(crate::scene::key("BK-1"));
    scene
        .run(move |connection, planner| store::guest_data::erase(connection, planner, &subject, None))
        .await;

    scene.asks(1).await;
    scene.steps.apply(&[late]).await;

    assert_eq!(platform.lines(), Vec::<String>::new());
    assert_eq!((scene.fetches().await, scene.depths().await.dead_events), (0, 0));
    assert_eq!(
        scene
            .count("events WHERE sealed_body IS NOT NULL AND event_type = 'fetch'")
            .await,
        0
    );
}
