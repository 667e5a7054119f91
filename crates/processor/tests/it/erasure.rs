//! Guests who are erased, and what arrives of them afterwards.

use chrono::TimeDelta;
use domain::after_call::NextStep;
use domain::event::EventType;
use domain::ids::{BookingKey, WhatsAppMessageId};
use domain::message::MessageState::{Read, Sent, Skipped, Withdrawn};
use domain::phone_number::PhoneNumber;
use serde_json::json;
use store::guest_data::{self, DataSubject};

use crate::notification::{status, text};
use crate::scene::{ADA, BOB, CONFIRMATION, Called, REMINDER_1, Scene, key};
use crate::webhook::Webhook;

const BODIES: &str = "events WHERE sealed_body IS NOT NULL";

async fn erase_booking(scene: &Scene, booking: BookingKey) {
    scene
        .run(move |connection, planner| {
            guest_data::erase(connection, planner, &DataSubject::Booking(booking), None).map(drop)
        })
        .await;
}

async fn erase_number(scene: &Scene, phone: &str) {
    let number = PhoneNumber::parse(phone, None).unwrap();
    let phone_hash = scene.ring.lookup(number.reveal());
    let whom = DataSubject::Number {
        phone_hash,
        spelling_hash: phone_hash,
        resort: None,
    };
    scene
        .run(move |connection, planner| guest_data::erase(connection, planner, &whom, None).map(drop))
        .await;
}

// shows: B128
#[tokio::test]
async fn what_was_accepted_before_an_erasure_and_arrives_after_it_is_stripped() {
    let scene = Scene::new().await;
    let (cart, reservation) = (
        Webhook::abandoned("BK-1", ADA).named("Ada Lovelace"),
        Webhook::confirmed("BK-2", BOB).named("Bob"),
    );
    let (envelopes, stop) = (
        [scene.envelope(&cart), scene.envelope(&reservation)],
        scene.updates(&text(ADA, "STOP")),
    );

    erase_number(&scene, ADA).await;
    erase_booking(&scene, key("BK-2")).await;
    assert_eq!(scene.steps.apply(&envelopes).await, ["committed", "committed"]);
    assert_eq!(scene.steps.apply(&stop).await, ["committed"]);

    for booking in ["BK-1", "BK-2"] {
        assert!(scene.booking(booking).await.facts.is_without_guest(), "{booking}");
        assert!(scene.messages(booking).await.is_empty(), "{booking}");
    }
    assert_eq!(scene.count(BODIES).await, 0);
    assert_eq!(scene.count("conversations").await, 0);
    scene
        .happens(&Webhook::new(EventType::GuestCheckedIn, "BK-2").of(BOB))
        .await;
    assert!(scene.booking("BK-2").await.facts.tells_of_guest());
    assert_eq!(scene.count(BODIES).await, 1);
}

// shows: B128
#[tokio::test]
async fn what_is_accepted_after_an_erasure_is_kept_and_the_stop_outlives_the_guest() {
    let scene = Scene::new().await;
    let stop = scene.updates(&text(ADA, "STOP"));
    erase_number(&scene, ADA).await;
    scene.steps.apply(&stop).await;

    scene.happens(&Webhook::abandoned("BK-3", ADA)).await;

    let reminder = scene.state("BK-3", REMINDER_1).await;
    assert_eq!(reminder, (Skipped, Some("opted_out".to_owned())));
    assert!(scene.booking("BK-3").await.facts.tells_of_guest());
    assert_eq!(scene.count(BODIES).await, 1);
}

#[tokio::test]
async fn a_cart_that_is_known_only_by_its_late_reservation_is_without_its_guest_too() {
    let scene = Scene::new().await;
    let late = scene.envelope(
        &Webhook::confirmed("BK-1", ADA)
            .named("Ada Lovelace")
            .grown_from("CART-1"),
    );
    erase_number(&scene, ADA).await;

    assert_eq!(scene.steps.apply(&[late]).await, ["committed"]);
    scene
        .happens(&Webhook::started("CART-1", ADA).ago(TimeDelta::minutes(5)))
        .await;

    assert!(scene.booking("BK-1").await.facts.is_without_guest());
}

// shows: B127
#[tokio::test]
async fn a_message_in_flight_finishes_and_its_report_does_not_bring_the_guest_back() {
    let scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    let (id, attempt) = scene.claim("BK-1", CONFIRMATION).await;

    erase_booking(&scene, key("BK-1")).await;
    let called = Called {
        id,
        attempt,
        wamid: "wamid.flying".to_owned(),
    };
    let accepted = NextStep::Finish(WhatsAppMessageId::parse(&called.wamid).unwrap());
    scene
        .answered(CONFIRMATION, (id, attempt), accepted, (None, Vec::new()))
        .await;
    assert_eq!(scene.state("BK-1", CONFIRMATION).await.0, Sent);
    scene.notified(&status(&called, "read", ADA)).await;

    assert_eq!(scene.state("BK-1", CONFIRMATION).await.0, Read);
    assert!(scene.booking("BK-1").await.facts.is_without_guest());
    assert_eq!(scene.count(BODIES).await, 0);
    assert_eq!(scene.count("guest_names").await, 0);
}

// shows: B127
#[tokio::test]
async fn a_reminder_that_waits_is_withdrawn_with_its_guest() {
    let scene = Scene::new().await;
    scene
        .waiting_reminder(&Webhook::abandoned("BK-1", ADA), "BK-1")
        .await;

    erase_number(&scene, ADA).await;

    let reminder = scene.state("BK-1", REMINDER_1).await;
    assert_eq!(reminder, (Withdrawn, Some("erased".to_owned())));
    scene.timers_come().await;
    assert_eq!(scene.count("messages WHERE state = 'queued'").await, 0);
}

#[tokio::test]
async fn an_event_waits_for_an_erasure_of_its_guest_that_is_under_way() {
    let scene = Scene::new().await;
    let late = scene.envelope(&Webhook::abandoned("BK-1", ADA).named("Ada Lovelace"));
    let lock = scene
        .database
        .hold("SELECT pg_advisory_xact_lock(hashtextextended('erasure at resort azure-bay', 0))")
        .await;

    let waiting = tokio::time::timeout(
        std::time::Duration::from_millis(150),
        scene.steps.apply(std::slice::from_ref(&late)),
    )
    .await;
    assert!(waiting.is_err(), "{waiting:?}");
    drop(lock);

    let outcome = scene.steps.apply(&[late]).await;
    assert_eq!(outcome, ["committed"]);
    assert_eq!(scene.events("BK-1").await, 1);
}

#[tokio::test]
async fn a_question_of_an_erased_guest_that_comes_late_stores_no_name_and_no_window() {
    let scene = Scene::new().await;
    let question = scene.updates(&text(ADA, "Is the pool heated?"));
    erase_number(&scene, ADA).await;

    scene.steps.apply(&question).await;

    let tables = json!(["guest_names", "conversations", "number_wishes"]);
    for table in tables.as_array().unwrap() {
        assert_eq!(scene.count(table.as_str().unwrap()).await, 0, "{table}");
    }
}
