//! Meta's handshake and notifications.

use crypto::key_ring::KeyRing;
use serde_json::json;
use whatsapp::notification::Update;

use crate::http::{exchange, request};
use crate::vhost::VHost;
use crate::world::{KEYS, World};

const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";
const STATUS: &[u8] = include_bytes!("../../../whatsapp/tests/fixtures/webhooks/status_delivered.json");
const BATCH: &[u8] =
    include_bytes!("../../../whatsapp/tests/fixtures/webhooks/batch_mixed_out_of_order.json");

#[tokio::test(flavor = "multi_thread")]
async fn the_handshake_gives_the_challenge_back_to_who_knows_the_token() {
    let world = World::start(NO_BROKER, &[]).await;
    let path = |mode: &str, token: &str| {
        format!("/webhooks/whatsapp?hub.mode={mode}&hub.challenge=11584%2B01444&hub.verify_token={token}")
    };

    let known = world.get(&path("subscribe", "verify%20me")).await;

    assert_eq!(
        (known.status, known.body.as_slice()),
        (200, b"11584+01444".as_slice())
    );
    assert!(known.headers["content-type"].starts_with("text/plain"));
    for wrong in [
        path("subscribe", "wrong"),
        path("unsubscribe", "verify%20me"),
        path("subscribe", ""),
        "/webhooks/whatsapp".to_owned(),
    ] {
        let answer = world.get(&wrong).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (403, "handshake-refused"),
            "{wrong}"
        );
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_app_secret_there_is_nothing() {
    let world = World::start(NO_BROKER, &[("WHATSAPP_APP_SECRETS", "")]).await;

    assert_eq!(world.get("/webhooks/whatsapp").await.status, 404);
    assert_eq!(world.notify(STATUS).await.problem(), "unknown-source");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_with_a_forged_signature_is_refused() {
    let world = World::start(NO_BROKER, &[]).await;
    let forged = [("x-hub-signature-256", "sha256=00")];

    for headers in [&forged[..], &[]] {
        let answer = exchange(
            world.address,
            &request("POST", "/webhooks/whatsapp", headers, STATUS),
        )
        .await;
        assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"));
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_not_taken_while_the_broker_is_away() {
    let world = World::start(NO_BROKER, &[]).await;

    let answer = world.notify(STATUS).await;

    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (503, "broker-unavailable")
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_nothing_new_is_taken_all_the_same() {
    let world = World::start(NO_BROKER, &[]).await;

    for body in [&b""[..], b"{}", b"[]", b"not json", br#"{"entry":[]}"#] {
        assert_eq!(world.notify(body).await.status, 200, "{body:?}");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_between_1_and_4_mb_is_read() {
    let world = World::start(NO_BROKER, &[]).await;

    let large = world.notify(&vec![b' '; 4 << 20]).await;
    let larger = world.notify(&vec![b' '; (4 << 20) + 1]).await;

    assert_eq!((large.status, larger.status), (200, 413));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_update_becomes_an_event_of_its_own_and_the_same_one_again() {
    let vhost = VHost::create().await;
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;
    let expected = whatsapp::notification::parse(BATCH).unwrap();

    let answers = [world.notify(BATCH).await.status, world.notify(BATCH).await.status];

    assert_eq!(answers, [200, 200]);
    let key_ring = KeyRing::parse(KEYS).unwrap();
    let mut events = vhost.take_events().await;
    assert_eq!(events.len(), 2 * expected.len());
    events.sort_by_key(|envelope| envelope.event_id.clone());
    events.dedup_by_key(|envelope| envelope.event_id.clone());
    let mut ids: Vec<_> = expected.iter().map(Update::dedupe_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(events.len(), ids.len());
    for envelope in events {
        let opened = key_ring.open(&envelope.sealed, &envelope.identity()).unwrap();
        let update: Update = serde_json::from_slice(&opened).unwrap();
        assert!(expected.contains(&update));
        assert_eq!(envelope.source.as_str(), "whatsapp");
        assert_eq!(envelope.event_type, update.kind());
        assert_ne!(
            envelope.event_id.as_str(),
            update.dedupe_id(),
            "the id must be keyed"
        );
        assert_eq!((envelope.resort, envelope.booking), (None, None));
    }
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_updates_in_one_notification_are_published_together() {
    let vhost = VHost::create().await;
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;
    let statuses: Vec<_> = (0..1_000)
        .map(|number| {
            json!({ "id": format!("wamid.{number}"), "status": "sent", "timestamp": "1763892000",
                    "recipient_id": "306912345678" })
        })
        .collect();
    let value = json!({ "metadata": { "phone_number_id": "1" }, "statuses": statuses });
    let body = json!({ "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] });

    let answer = world.notify(&serde_json::to_vec(&body).unwrap()).await;

    assert_eq!(answer.status, 200);
    assert_eq!(vhost.take_events().await.len(), 1_000);
    world.finish().await;
    vhost.drop_now().await;
}

// shows: B10
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_counted_by_its_reason_and_costs_no_neighbour() {
    let vhost = VHost::create().await;
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;
    let entry = |statuses: &str| {
        format!(r#"{{"id":"1","changes":[{{"field":"messages","value":{{"statuses":{statuses}}}}}]}}"#)
    };
    let good = |id: &str| format!(r#"{{"id":"wamid.{id}","status":"sent","timestamp":"1763892000"}}"#);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let body = format!(
        r#"{{"entry":[7,{},{},{deep},{},{{"changes":[{{"field":"messages"}}]}}]}}"#,
        entry(&format!("[{},{deep},{}]", good("A"), good("B \\ud83d"))),
        entry("{}"),
        entry(&format!(r#"[{{"id":1e999}},{},null]"#, good("C"))),
    );

    let answer = world.notify(body.as_bytes()).await;
    for unreadable in [&b"not json"[..], br#"{"entry":7}"#] {
        assert_eq!(world.notify(unreadable).await.json()["status"], "ignored");
    }

    assert_eq!(
        (answer.status, answer.json()["status"].as_str()),
        (200, Some("accepted"))
    );
    let kinds: Vec<_> = vhost
        .take_events()
        .await
        .into_iter()
        .map(|event| event.event_type)
        .collect();
    let count = |kind: &str| kinds.iter().filter(|one| *one == kind).count();
    assert_eq!((count("whatsapp_status"), count("whatsapp_unreadable")), (3, 7));
    let metrics = String::from_utf8(world.get("/metrics").await.body).unwrap();
    for (reason, count) in [
        ("change", 1),
        ("entry", 2),
        ("incomplete", 3),
        ("list", 1),
        ("no_entries", 1),
        ("not_json", 1),
        ("too_long", 0),
        ("too_many", 0),
    ] {
        let line = format!("bellhop_unreadable_updates_total{{reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_that_cannot_be_unpacked_is_refused_so_that_it_comes_again() {
    let world = World::start(NO_BROKER, &[]).await;
    let check = async |encoding: &str, body: &[u8], expected: u16| {
        let answer = world
            .notify_at("/webhooks/whatsapp", body, &[("content-encoding", encoding)])
            .await;
        assert_eq!(answer.status, expected, "{encoding}");
    };

    check("gzip", &crate::habits::gzip(br#"{"entry":[]}"#), 200).await;
    check("gzip", &crate::habits::gzip(&vec![b' '; 4 << 20]), 200).await;
    check("gzip", &crate::habits::gzip(&vec![b' '; (4 << 20) + 1]), 413).await;
    check("gzip", br#"{"entry":[]}"#, 400).await;
    check("zstd", br#"{"entry":[]}"#, 415).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_was_mended_is_counted_for_its_source() {
    let world = World::start(NO_BROKER, &[("INGEST_CONFIRM_TIMEOUT", "50ms")]).await;

    world.post_signed(br#"{"x":"\ud83d"}"#).await;
    world.post_signed(br#"{"x":"\ud83d\ude00"}"#).await;
    let metrics = String::from_utf8(world.get("/metrics").await.body).unwrap();

    let line = "bellhop_mended_bodies_total{source=\"direct\"} 1\n";
    assert!(metrics.contains(line), "{metrics}");
    world.finish().await;
}
