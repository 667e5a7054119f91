//! What is accepted lies in RabbitMQ, sealed; what is refused does not.

use broker::envelope::Envelope;
use crypto::key_ring::KeyRing;
use domain::event::{Event, EventType};
use serde_json::json;

use crate::http::exchange;
use crate::vhost::VHost;
use crate::world::{KEYS, World, bytes, event, signed};

async fn world(vhost: &VHost) -> World {
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;
    world
}

fn open(envelope: &Envelope) -> Vec<u8> {
    let key_ring = KeyRing::parse(KEYS).unwrap();
    key_ring.open(&envelope.sealed, &envelope.identity()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_event_lies_sealed_in_the_queue() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;

    let answer = world.post_signed(&bytes(&event())).await;
    let envelopes = vhost.take_events().await;

    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({ "status": "accepted", "event_id": "evt_5f2c" })
    );
    let [envelope] = envelopes.as_slice() else {
        panic!("{} events", envelopes.len());
    };
    assert_eq!(envelope.request_id, answer.headers["x-request-id"]);
    assert_eq!(
        (envelope.source.as_str(), envelope.event_type.as_str()),
        ("direct", "booking_started")
    );
    assert_eq!(envelope.booking.as_ref().unwrap().as_str(), "BK-1001");
    let open: Event = serde_json::from_slice(&open(envelope)).unwrap();
    assert_eq!(open.event_type, EventType::BookingStarted);
    assert_eq!(open.guest.phone.unwrap().reveal(), "+306912345678");
    assert!(!String::from_utf8_lossy(&envelope.encode()).contains("6912345678"));
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_header_names_the_event_where_the_body_does_not() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let mut body = event();
    body.as_object_mut().unwrap().remove("id");

    let signed = world.post_signed(&bytes(&body)).await;
    let unsigned = world
        .post_bearer("lenient", &[("webhook-id", "msg_1")], &bytes(&body))
        .await;

    assert_eq!(signed.json()["event_id"], "msg_1");
    assert_eq!(
        unsigned.json()["errors"],
        json!([{ "field": "id", "problem": "missing" }])
    );
    assert_eq!(vhost.take_events().await[0].event_id.as_str(), "msg_1");
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_with_a_forged_signature_is_refused_and_not_published() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;
    let mut forged = signed("/webhooks/direct", &bytes(&event()), "application/json");
    let last = forged.len() - 2;
    forged[last] = b' ';

    let answer = exchange(world.address, &forged).await;

    assert_eq!((answer.status, answer.problem().as_str()), (401, "unauthorized"));
    assert!(vhost.take_events().await.is_empty());
    world.finish().await;
    vhost.drop_now().await;
}

// shows: G1
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_accepted_while_there_is_no_queue_and_all_is_well_once_there_is() {
    let vhost = VHost::create_empty().await;
    let world = World::start(&vhost.url, &[]).await;

    let without = world.post_signed(&bytes(&event())).await;
    let report = world.get("/readyz").await;
    vhost.declare().await;
    world.until_broker_ready().await;
    let with = world.post_signed(&bytes(&event())).await;

    assert_eq!(
        (without.status, without.problem().as_str()),
        (503, "broker-unavailable")
    );
    assert_eq!(report.status, 503);
    assert_eq!(with.status, 200);
    assert_eq!(vhost.take_events().await.len(), 1);
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_vanishes_is_noticed_and_its_events_are_not_accepted() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;

    vhost.delete_queue("events").await;
    let answer = world.post_signed(&bytes(&event())).await;

    assert_eq!(
        (answer.status, answer.problem().as_str()),
        (503, "broker-unavailable")
    );
    world
        .until(|report| report.to_string().contains("rabbitmq"))
        .await;
    vhost.drop_now().await;
    world.finish().await;
}

// shows: G1
#[tokio::test(flavor = "multi_thread")]
async fn every_event_that_was_accepted_under_load_is_there_once() {
    let vhost = VHost::create().await;
    let world = world(&vhost).await;

    let posts = (0..200).map(|number| {
        let mut body = event();
        body["id"] = json!(format!("evt_{number}"));
        let bytes = bytes(&body);
        let world = &world;
        async move { world.post_bearer("lenient", &[], &bytes).await.status }
    });
    let statuses = futures_util::future::join_all(posts).await;

    let accepted = statuses.iter().filter(|status| **status == 200).count();
    let mut ids: Vec<_> = vhost
        .take_events()
        .await
        .into_iter()
        .map(|envelope| envelope.event_id)
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!((accepted, ids.len()), (200, 200));
    world.finish().await;
    vhost.drop_now().await;
}
