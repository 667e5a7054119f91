//! What the tools are told, and what not.

use chrono::Utc;
use domain::after_call::NextStep;
use domain::dead_letter::{DeadLetterReason, LetterKind};
use domain::event::EventType;
use serde_json::{Value, json};
use store::guest_data::{self, DataSubject};
use store::letters::{self, NewLetter};

use super::{EVERYTHING, ids, receiver, scene, told};
use crate::notification::text;
use crate::scene::{ADA, BOB, CONFIRMATION, EVE, REMINDER_1, Scene, key};
use crate::webhook::Webhook;

fn letter(booking: &str, reason: DeadLetterReason) -> NewLetter {
    NewLetter {
        kind: LetterKind::Events,
        amqp_id: format!("direct/{booking}"),
        reason,
        error: "cannot save bookings".to_owned(),
        attempts: 4,
        died_at: Some(Utc::now()),
        subject: "booking_started".to_owned(),
        resort: Some(key(booking).resort),
        booking: Some(key(booking).booking),
        phone_hash: None,
        name_hashes: Vec::new(),
        received_at: None,
        message: None,
        body: b"envelope".to_vec(),
    }
}

async fn letter_is_opened(scene: &Scene, letter: NewLetter) {
    scene
        .run(move |connection, _| letters::insert(connection, &[letter]).map(drop))
        .await;
}

/// One after the other: a confirmation that is refused, a stop, a reply, a dead letter.
async fn everything_happens(scene: &Scene) {
    scene
        .happens(&Webhook::confirmed("BK-1", EVE).named("Eve Adams"))
        .await;
    let claimed = scene.claim("BK-1", CONFIRMATION).await;
    let refused = NextStep::GiveUp(DeadLetterReason::Refused);
    scene
        .answered(CONFIRMATION, claimed, refused, (None, Vec::new()))
        .await;
    scene.reminded("CART-1", ADA).await;
    scene.notified(&text(ADA, "STOP")).await;
    scene.reminded("CART-2", BOB).await;
    scene.notified(&text(BOB, "Is there a pool?")).await;
    letter_is_opened(scene, letter("BK-9", DeadLetterReason::CannotBeApplied)).await;
}

/// `data` of each webhook, without its time.
fn data(told: &[Value]) -> Vec<(&str, Value)> {
    told.iter()
        .map(|body| (body["type"].as_str().unwrap(), body["data"].clone()))
        .collect()
}

// shows: B220, B221, B224, T46, T47
#[tokio::test]
async fn each_event_is_told_once_signed_and_without_anything_personal() {
    let receiver = receiver().await;
    let scene = scene(&receiver, EVERYTHING, "").await;

    everything_happens(&scene).await;
    scene.sends(6).await;

    let told = told(&receiver);
    let message = scene.message("BK-1", CONFIRMATION).await.unwrap().existing.id;
    let letter = told.iter().find_map(|body| body["data"]["letter"].as_i64());
    let mut data = data(&told);
    data.sort_by_key(|(name, _)| *name);
    assert_eq!(
        data,
        [
            (
                "dead_letter.opened",
                json!({ "resort": "azure-bay", "booking": "BK-9", "letter": letter.unwrap(), "kind": "events",
                    "subject": "booking_started", "reason": "cannot_be_applied", "attempts": 4 })
            ),
            (
                "guest.answered",
                json!({ "resort": "azure-bay", "bookings": ["CART-2"] })
            ),
            (
                "guest.opted_out",
                json!({ "resort": "azure-bay", "bookings": ["CART-1"] })
            ),
            (
                "message.not_delivered",
                json!({ "resort": "azure-bay", "booking": "BK-1", "message": message.to_string(),
                    "kind": "reservation_confirmation", "state": "dead", "reason": "refused" })
            ),
        ]
    );
    assert_eq!(ids(&receiver).len(), 4);
    assert_eq!(scene.webhooks().await, 0);
    let everything = receiver.asked().iter().fold(String::new(), |all, one| {
        format!("{all}{}{:?}", one.body, one.headers)
    });
    for personal in ["Eve", "Adams", EVE, ADA, BOB, "pool"] {
        assert!(!everything.contains(personal), "{personal}");
    }
}

// shows: B224
#[tokio::test]
async fn a_file_that_asks_for_the_guest_gets_name_and_number_until_an_erasure() {
    let receiver = receiver().await;
    let scene = scene(&receiver, EVERYTHING, "include = [\"guest\"]").await;

    everything_happens(&scene).await;
    let erased = DataSubject::Booking(key("CART-2"));
    scene
        .run(move |connection, planner| guest_data::erase(connection, planner, &erased, None).map(drop))
        .await;
    scene.sends(6).await;

    let told = told(&receiver);
    let guest_of = |name: &str| {
        let found: Vec<_> = told.iter().filter(|body| body["type"] == name).collect();
        found
            .iter()
            .map(|body| body["data"]["guest"].clone())
            .collect::<Vec<_>>()
    };
    let eve = json!({ "name": "Eve Adams", "phone": EVE });
    assert_eq!(guest_of("message.not_delivered"), [eve]);
    assert_eq!(guest_of("guest.opted_out"), [json!({ "phone": ADA })]);
    assert!(guest_of("guest.answered").is_empty());
    assert_eq!(scene.webhooks().await, 0);
}

// shows: B222
#[tokio::test]
async fn what_does_not_reach_a_guest_is_told_with_its_reason_and_what_is_not_wanted_is_not() {
    let receiver = receiver().await;
    let scene = scene(&receiver, EVERYTHING, "").await;

    scene.happens(&Webhook::confirmed("BK-1", "no number")).await;
    scene.happens(&Webhook::abandoned("CART-1", "+12125550123")).await;
    scene.happens(&Webhook::abandoned("CART-2", ADA)).await;
    scene.happens(&Webhook::confirmed("CART-2", ADA)).await;
    scene
        .happens(&Webhook::confirmed("BK-3", "no number").without_messages())
        .await;
    scene.happens(&Webhook::abandoned("CART-4", BOB)).await;
    scene
        .sql("UPDATE messages SET state = 'expired', reason = 'expired', publish_at = NULL WHERE booking_key = 'azure-bay/CART-4'")
        .await;
    scene.sends(6).await;

    let told = told(&receiver);
    let of = |body: &Value| {
        let data = &body["data"];
        ["booking", "kind", "state", "reason"].map(|field| data[field].as_str().unwrap().to_owned())
    };
    let mut found: Vec<_> = told.iter().map(of).collect();
    found.sort();
    assert_eq!(
        found,
        [
            ["BK-1", "reservation_confirmation", "skipped", "invalid_phone"],
            ["CART-1", "reminder_1", "skipped", "us_marketing"],
            ["CART-4", "reminder_1", "expired", "expired"],
        ]
        .map(|row| row.map(str::to_owned))
    );
}

// shows: B223
#[tokio::test]
async fn a_guest_who_says_it_again_is_told_once_and_one_without_a_booking_not_at_all() {
    let receiver = receiver().await;
    let scene = scene(&receiver, EVERYTHING, "").await;
    scene.reminded("CART-1", ADA).await;
    scene.reminded("CART-2", BOB).await;

    for words in ["Is there a pool?", "Hello?"] {
        scene.notified(&text(BOB, words)).await;
    }
    for _ in 0..2 {
        scene.notified(&text(ADA, "STOP")).await;
        let stop = Webhook::opted(EventType::GuestOptedOut, ADA);
        scene.happens(&stop).await;
    }
    scene
        .happens(&Webhook::opted(EventType::GuestOptedOut, EVE))
        .await;
    scene.sends(6).await;

    let told = told(&receiver);
    let mut names: Vec<_> = data(&told).into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(names, ["guest.answered", "guest.opted_out"]);
    assert_eq!(scene.webhooks().await, 0);
    let nobody = "bellhop_webhooks_out_total{event=\"opted_out\",result=\"nobody\"} 1";
    assert!(
        scene.steps.metrics().contains(nobody),
        "{}",
        scene.steps.metrics()
    );
}

// shows: B231
#[tokio::test]
async fn only_what_the_file_names_is_told_and_a_file_that_asks_no_more_ends_what_waits() {
    let receiver = receiver().await;
    let scene = scene(&receiver, r#"["opted_out"]"#, "").await;
    scene.happens(&Webhook::confirmed("BK-1", "no number")).await;
    assert_eq!(scene.webhooks().await, 0);
    scene.reminded("CART-1", ADA).await;
    scene.notified(&text(ADA, "STOP")).await;
    assert_eq!(scene.webhooks().await, 1);

    scene.write_file(&testkit::world::ResortFile::patient().text());
    scene.sends(1).await;

    assert_eq!(receiver.asked().len(), 0);
    assert_eq!(scene.webhooks().await, 0);
    assert_eq!(scene.count("webhook_subscriptions").await, 0);
    assert_eq!(scene.state("CART-1", REMINDER_1).await.1, None);
}
