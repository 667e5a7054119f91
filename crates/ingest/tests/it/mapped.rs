//! Platforms that send their own payloads: what is published of each, and what the platform is answered.

use std::time::{Duration, Instant};

use broker::envelope::Envelope;
use crypto::key_ring::KeyRing;
use serde_json::{Value, json};

use crate::http::{Answer, exchange, request};
use crate::vhost::VHost;
use crate::world::{KEYS, World, bytes};

const LODGIFY: &str = include_str!("../../../mapping/samples/lodgify/booking_new_status_booked.json");
const APALEO: &str = include_str!("../../../mapping/samples/apaleo/reservation_created.json");
const HEALTHCHECK: &str = include_str!("../../../mapping/samples/apaleo/healthcheck.json");

async fn world(vhost: &VHost) -> World {
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;
    world
}

fn changed(sample: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut body = serde_json::from_str(sample).unwrap();
    change(&mut body);
    bytes(&body)
}

/// A body as Lodgify signs it.
async fn lodgify(world: &World, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let signature = crypto::signature::sign_github("letmein", body);
    let mut all = vec![
        ("ms-signature", signature.as_str()),
        ("content-type", "application/json"),
    ];
    all.extend(headers);
    exchange(world.address, &request("POST", "/webhooks/lodgify", &all, body)).await
}

async fn apaleo(world: &World, method: &str, content_type: &str, body: &[u8]) -> Answer {
    let headers = [("content-type", content_type)];
    let request = request(
        method,
        "/webhooks/apaleo/t0ken?token=s3cret&hotel=7",
        &headers,
        body,
    );
    exchange(world.address, &request).await
}

fn opened(envelope: &Envelope) -> Value {
    let ring = KeyRing::parse(KEYS).unwrap();
    serde_json::from_slice(&ring.open(&envelope.sealed, &envelope.identity()).unwrap()).unwrap()
}

async fn metric(world: &World, series: &str) -> f64 {
    let text = String::from_utf8(world.get("/metrics").await.body).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_of_lodgifys_becomes_our_event_with_the_same_id_at_each_delivery() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;

    let answers = [
        lodgify(&world, &[], LODGIFY.as_bytes()).await,
        lodgify(&world, &[], LODGIFY.as_bytes()).await,
    ];

    let events = vhost.take_events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].event_id, events[1].event_id);
    for answer in answers {
        let expected = json!({ "status": "accepted", "event_id": events[0].event_id.as_str() });
        assert_eq!((answer.status, answer.json()), (200, expected));
    }
    assert_eq!(
        (events[0].version, events[0].event_type.as_str()),
        (1, "reservation_confirmed")
    );
    assert!(
        events[0].phone_hash.is_none(),
        "the sample's number is none in Greece"
    );
    let event = opened(&events[0]);
    assert_eq!(event["resort"], "azure-bay");
    assert_eq!(event["booking"], "123456");
    assert_eq!(event["details"]["check_in"], "2022-05-21");
    assert_eq!(
        event["details"]["total"],
        json!({ "amount": "1113", "currency": "USD" })
    );
    assert_eq!(event["guest"]["name"], "John Doe");
    assert_eq!(event["guest"]["consent"], false);
    let missing = r#"bellhop_map_field_missing_total{field="guest.country",source="lodgify"}"#;
    assert_eq!(metric(&world, missing).await, 2.0);
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_mapped_is_accepted_for_a_person_with_everything_that_a_mended_mapping_needs() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let body = changed(LODGIFY, |body| {
        body["booking"]["id"] = json!({ "no": "id" });
        body["guest"]["phone_number"] = json!("+306912345678");
    });

    let answer = lodgify(&world, &[("x-hotel", "7"), ("x-auth-token", "s3cret")], &body).await;

    let expected = json!({ "status": "accepted", "reason": "unmappable" });
    assert_eq!((answer.status, answer.json()), (200, expected));
    let events = vhost.take_events().await;
    let [envelope] = events.as_slice() else {
        panic!("{}", events.len());
    };
    assert_eq!(
        (envelope.version, envelope.event_type.as_str()),
        (2, "unmappable")
    );
    assert_eq!(envelope.faults, ["booking.id: wrong type"]);
    let ring = KeyRing::parse(KEYS).unwrap();
    assert_eq!(
        envelope.phone_hash.as_deref(),
        Some(&ring.lookup("+306912345678")[..])
    );
    let kept = opened(envelope);
    assert_eq!(kept["body"], serde_json::from_slice::<Value>(&body).unwrap());
    assert_eq!(kept["headers"]["x-hotel"], "7");
    for secret in ["ms-signature", "x-auth-token"] {
        assert_eq!(kept["headers"][secret], Value::Null, "{secret}");
    }
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_names_only_a_booking_is_kept_to_be_fetched_each_time_that_it_comes() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;

    for _ in 0..2 {
        let answer = apaleo(&world, "POST", "application/json", APALEO.as_bytes()).await;
        assert_eq!(
            (answer.status, answer.json()["status"].as_str()),
            (200, Some("accepted"))
        );
    }

    let events = vhost.take_events().await;
    assert_eq!(events.len(), 2);
    assert_ne!(events[0].event_id, events[1].event_id);
    assert_eq!((events[0].version, events[0].event_type.as_str()), (2, "fetch"));
    assert_eq!(
        events[0].booking.as_ref().map(|id| id.as_str()),
        Some("XPGMSXGF-1")
    );
    assert_eq!(events[0].resort.as_ref().map(|id| id.as_str()), Some("azure-bay"));
    let kept = opened(&events[0]);
    assert_eq!(
        (&kept["element"], &kept["query"]),
        (&json!(0), &json!({ "hotel": "7" }))
    );
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nothing_to_act_on_is_ignored_with_its_reason_and_publishes_nothing() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let ignored = |reason: &str| json!({ "status": "ignored", "reason": reason });
    let form = "application/x-www-form-urlencoded";

    for (answer, reason) in [
        (apaleo(&world, "GET", "text/plain", b"").await, "ping"),
        (
            apaleo(&world, "POST", "application/json", HEALTHCHECK.as_bytes()).await,
            "ping",
        ),
        (apaleo(&world, "POST", form, b"webhook_id=17").await, "ping"),
        (apaleo(&world, "POST", "application/json", b" ").await, "ping"),
        (
            apaleo(&world, "POST", form, b"topic=Reservation&type=new-thing").await,
            "unmapped_type",
        ),
        (
            lodgify(&world, &[], br#"{"action":"quote_made"}"#).await,
            "unmapped_type",
        ),
        (
            lodgify(
                &world,
                &[],
                &changed(LODGIFY, |body| body["booking"]["property_id"] = json!(10_001)),
            )
            .await,
            "unknown_property",
        ),
        (
            world.post_bearer("many", &[], br#"{"list":[]}"#).await,
            "unmapped_type",
        ),
    ] {
        assert_eq!((answer.status, answer.json()), (200, ignored(reason)));
    }
    let slack = br#"{"type":"url_verification","challenge":"3eZbrw1aBm2rZgRNFdxV"}"#;
    let answer = apaleo(&world, "POST", "application/json", slack).await;
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"3eZbrw1aBm2rZgRNFdxV".as_slice())
    );

    assert_eq!(vhost.take_events().await.len(), 0);
    let unknown = r#"bellhop_ignored_events_total{reason="unknown_property",source="lodgify"}"#;
    assert_eq!(metric(&world, unknown).await, 1.0);
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_what_is_no_json_are_refused_as_everywhere() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let post = |path: &'static str, body: &'static [u8]| {
        let request = request("POST", path, &[("content-type", "application/json")], body);
        let address = world.address;
        async move { exchange(address, &request).await.problem() }
    };

    assert_eq!(post("/webhooks/apaleo/guess", b"{}").await, "unauthorized");
    assert_eq!(
        post("/webhooks/lodgify", LODGIFY.as_bytes()).await,
        "unauthorized"
    );
    assert_eq!(post("/webhooks/apaleo/t0ken", b"{").await, "invalid-json");
    let get = exchange(world.address, &request("GET", "/webhooks/apaleo/guess", &[], b"")).await;
    assert_eq!(get.problem(), "unauthorized");
    let broken = changed(LODGIFY, |body| body["booking"]["property_id"] = json!(10_002));
    assert_eq!(
        lodgify(&world, &[], &broken).await.problem(),
        "resort-unavailable"
    );
    assert_eq!(vhost.take_events().await.len(), 0);
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_events_in_one_body_a_bad_one_costs_no_other() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let body = json!({ "list": [
        { "kind": "new", "id": 1, "at": "2026-11-23T10:00:00Z" },
        { "kind": "cart", "id": 2, "name": "Ada" },
        { "kind": "old", "id": 3 },
        { "kind": "new", "id": 4, "room": true },
        { "kind": "new", "id": [] },
    ]});

    let answer = world.post_bearer("many", &[], &bytes(&body)).await;

    let events = vhost.take_events().await;
    let of_type =
        |name: &str| -> Vec<&Envelope> { events.iter().filter(|event| event.event_type == name).collect() };
    let confirmed = of_type("reservation_confirmed");
    let ids: Vec<_> = confirmed.iter().map(|event| event.event_id.as_str()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "status": "accepted", "event_ids": ids }))
    );
    let unmappable = of_type("unmappable");
    assert_eq!(unmappable.len(), 1);
    assert_eq!(
        unmappable[0].faults,
        [
            "element 1: guest.phone: missing",
            "element 4: booking.id: missing"
        ]
    );
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_in_one_body_are_taken_and_one_more_is_a_question_for_a_person() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let body = |count: u32| {
        let list: Vec<_> = (0..count).map(|id| json!({ "kind": "new", "id": id })).collect();
        bytes(&json!({ "list": list }))
    };

    let answer = world.post_bearer("many", &[], &body(1_000)).await;
    assert_eq!(answer.json()["event_ids"].as_array().map(Vec::len), Some(1_000));
    assert_eq!(vhost.take_events().await.len(), 1_000);
    let answer = world.post_bearer("many", &[], &body(1_001)).await;

    assert_eq!(answer.json()["reason"], "unmappable");
    let events = vhost.take_events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].faults, ["each: too many elements"]);
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_answers_what_a_request_would_be_and_publishes_nothing() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let dry_run = [("bellhop-dry-run", "1")];

    let answer = lodgify(&world, &dry_run, LODGIFY.as_bytes()).await.json();
    assert_eq!(answer["status"], "dry_run");
    assert_eq!(answer["events"][0]["event"]["booking"]["id"], "123456");
    let many = json!({ "list": [{ "kind": "cart", "id": 2 }, { "kind": "old" }] });
    let answer = world.post_bearer("many", &dry_run, &bytes(&many)).await.json();
    assert_eq!(
        answer["events"],
        json!([{ "unmappable": ["guest.phone: missing"] }, { "ignored": "unmapped_type" }])
    );
    let answer = world
        .post_bearer("lenient", &dry_run, &bytes(&crate::world::event()))
        .await
        .json();
    assert_eq!(answer["events"][0]["event"]["guest"]["phone"], "+306912345678");

    assert_eq!(vhost.take_events().await.len(), 0);
    world.finish().await;
    vhost.drop_now().await;
}

/// Each expression here would take seconds or gigabytes without its bounds.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_mappings_and_payloads_end_soon_and_hold_up_no_neighbour() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let list: Vec<_> = (0..60_000).map(|number| format!("{number:09}")).collect();
    let deep = format!("{}{}", "[".repeat(400_000), "]".repeat(400_000));
    let bodies = [
        bytes(
            &json!({ "kind": "new", "id": 1, "rooms": "x".repeat(100_000), "names": "y".repeat(100_000), "phones": list }),
        ),
        format!(r#"{{"kind":"new","id":2,"rooms":{deep}}}"#).into_bytes(),
        bytes(&json!({ "kind": "new", "id": "{{ range(1) }}", "names": "{{", "phones": [["a"], {"b": 1}] })),
    ];

    let began_at = Instant::now();
    let hostile = bodies.iter().map(|body| world.post_bearer("hostile", &[], body));
    let neighbour = async {
        let began_at = Instant::now();
        let answer = lodgify(&world, &[], LODGIFY.as_bytes()).await;
        (answer.status, began_at.elapsed())
    };
    let (answers, (status, took)) = tokio::join!(futures_util::future::join_all(hostile), neighbour);

    for answer in answers {
        assert!(matches!(answer.status, 200 | 400), "{}", answer.status);
    }
    assert_eq!(status, 200);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(
        began_at.elapsed() < Duration::from_secs(5),
        "{:?}",
        began_at.elapsed()
    );
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_was_answered_is_reported_with_reasons_and_without_values() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let body = changed(LODGIFY, |body| body["booking"]["id"] = json!({}));
    lodgify(&world, &[], &body).await;
    lodgify(&world, &[], LODGIFY.as_bytes()).await;
    let unsigned = request("POST", "/webhooks/lodgify", &[], b"{}");
    exchange(world.address, &unsigned).await;

    world.stop.reload();

    let report = vhost.take_report("lodgify").await;
    let report = opened(&report);
    let of = |list: &str, key: &str| -> Vec<Value> {
        report[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[key].clone())
            .collect()
    };
    assert_eq!(of("counts", "answer"), ["accepted", "unmappable", "unauthorized"]);
    assert_eq!(of("counts", "count"), [1, 1, 1]);
    assert_eq!(
        of("answers", "reason"),
        [json!("booking.id: missing"), Value::Null]
    );
    assert_eq!(
        of("answers", "event_type"),
        ["reservation_confirmed", "reservation_confirmed"]
    );
    assert!(!report.to_string().contains("John"), "{report}");
    world.finish().await;
    vhost.drop_now().await;
}
