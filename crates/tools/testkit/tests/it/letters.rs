//! What the machines gave up, and what people make of it at the desk.

use std::collections::BTreeSet;

use domain::message::{MessageKind, MessageState};
use serde_json::{Value, json};
use testkit::world::{Event, ResortFile, World};

use crate::scene::{
    ADA, BOB, CONFIRMATION, EVE, REMINDER_1, REMINDER_2, dead_messages_at_once, each_guest_gets_one_message,
    ten_seconds_go_by,
};

const CAY: &str = "+306912345682";
const DEE: &str = "+306912345683";
const FAY: &str = "+306912345684";

/// Refused for good: the number is not on WhatsApp.
const UNDELIVERABLE: i64 = 131_026;
/// Refused for a passing reason.
const PASSING: i64 = 131_016;

async fn refuse(world: &World, times: usize, code: i64) {
    let rule = json!({ "times": times, "answer": { "error": code } });
    world.tell_sandbox("failures", &rule).await;
}

/// Waits until a message is dead, and returns its dead letter.
async fn letter_of(world: &World, booking: &str, kind: MessageKind) -> Value {
    world.until_state(booking, kind, MessageState::Dead).await;
    let what = format!("a letter of {booking}");
    world
        .until(&what, async || {
            let mut letters = world.letters("").await;
            letters.retain(|letter| letter["booking"] == booking);
            letters.pop()
        })
        .await
}

// shows: B75, B94, B107, B108, B111
#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_letter_says_why_and_its_retry_does_what_the_booking_calls_for() {
    let world = World::start(&ResortFile::patient()).await;

    a_message_to_a_wrong_number_goes_once_a_person_has_put_it_right(&world).await;
    a_reminder_is_not_retried_once_the_guest_has_booked(&world).await;
    an_event_that_cannot_be_applied_is_a_letter_and_is_applied_once_the_cause_is_gone(&world).await;
    a_message_that_was_called_for_four_times_is_a_letter(&world).await;
}

async fn a_message_that_was_called_for_four_times_is_a_letter(world: &World) {
    refuse(world, 4, PASSING).await;

    world.post(&Event::confirmed("BK-6", FAY)).await;

    world
        .until("the message is given up", async || {
            ten_seconds_go_by(world).await;
            let message = world.message("BK-6", CONFIRMATION).await?.existing;
            (message.state == MessageState::Dead).then_some(())
        })
        .await;
    let letter = letter_of(world, "BK-6", CONFIRMATION).await;
    assert_eq!(letter["reason"], "retries_exhausted");
    assert_eq!(
        (&letter["attempts"], &letter["error"]),
        (&json!(4), &json!("131016"))
    );
}

async fn a_message_to_a_wrong_number_goes_once_a_person_has_put_it_right(world: &World) {
    let not_there = json!({ "when": { "to": BOB }, "answer": { "error": UNDELIVERABLE } });
    world.tell_sandbox("failures", &not_there).await;
    world.post(&Event::confirmed("BK-1", BOB)).await;
    let letter = letter_of(world, "BK-1", CONFIRMATION).await;
    assert_eq!(letter["reason"], "refused");

    let id = &letter["id"];
    world
        .desk(&format!("letters edit {id} --phone {ADA}"))
        .await
        .check(0);
    // The platform does not know better.
    world
        .post(&Event::new("reservation_modified", "BK-1").of(BOB))
        .await;
    world.until_events("BK-1", 2).await;
    world.desk(&format!("letters retry {id}")).await.check(0);

    let sent = world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
    let letters = world.letters("--closed").await;
    assert_eq!(
        (&letters[0]["state"], &letters[0]["closed_by"]),
        (&json!("retried"), &json!("anna"))
    );
}

// shows: B110
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_letters_that_are_retried_at_once_are_sent_once_each() {
    const LETTERS: usize = 1_000;
    let world = dead_messages_at_once(LETTERS).await;

    let retried = world.desk("letters retry --all --kind messages").await;

    assert_eq!(retried.check(0).stdout, "1000 retried\n");
    assert!(retried.stderr.contains("950 of 1000"), "{retried:?}");
    each_guest_gets_one_message(&world, LETTERS).await;
    assert!(world.letters("").await.is_empty());
    assert_eq!(world.letters("--closed").await.len(), LETTERS);
}

async fn an_event_that_cannot_be_applied_is_a_letter_and_is_applied_once_the_cause_is_gone(world: &World) {
    let refuse = "ALTER TABLE bookings ADD CONSTRAINT refused CHECK (id <> 'BK-3')";
    world.database().execute(refuse).await;

    world.post(&Event::confirmed("BK-3", CAY)).await;
    world.post(&Event::confirmed("BK-4", DEE)).await;

    // The other one does not wait for it.
    world.until_state("BK-4", CONFIRMATION, MessageState::Read).await;
    world
        .until("the event is given up", async || {
            (world.depths().await.dead_events == 1).then_some(())
        })
        .await;
    let letter = world.letters("--kind events").await.remove(0);
    assert_eq!(
        (&letter["reason"], &letter["attempts"], &letter["booking"]),
        (&json!("cannot_be_applied"), &json!(4), &json!("BK-3"))
    );
    world
        .database()
        .execute("ALTER TABLE bookings DROP CONSTRAINT refused")
        .await;
    let id = &letter["id"];
    world.desk(&format!("letters retry {id}")).await.check(0);
    world.until_state("BK-3", CONFIRMATION, MessageState::Read).await;
    assert_eq!(world.names_received_by(CAY).await, ["confirmed"]);
}

async fn a_reminder_is_not_retried_once_the_guest_has_booked(world: &World) {
    refuse(world, 1, UNDELIVERABLE).await;
    world.post(&Event::abandoned("BK-2", EVE)).await;
    let letter = letter_of(world, "BK-2", REMINDER_1).await;
    world.post(&Event::confirmed("BK-2", EVE)).await;
    world.until_state("BK-2", CONFIRMATION, MessageState::Read).await;

    let ended = world.desk(&format!("letters retry {}", letter["id"])).await;

    assert!(ended.check(1).stderr.contains("refused: confirmed"), "{ended:?}");
    assert_eq!(world.letters("").await.len(), 1);
    assert_eq!(world.names_received_by(EVE).await, ["confirmed"]);
}

// shows: B112
#[tokio::test(flavor = "multi_thread")]
async fn the_second_reminder_follows_from_a_persons_word_that_the_first_one_went() {
    let world = World::start(&ResortFile {
        reminder_2: Some("300ms".to_owned()),
        ..ResortFile::patient()
    })
    .await;
    let lost = json!({ "times": 1, "answer": { "cut": true } });
    world.tell_sandbox("failures", &lost).await;
    world.post(&Event::abandoned("BK-1", ADA)).await;
    world.until_state("BK-1", REMINDER_1, MessageState::Unknown).await;
    // Half an hour goes by without a word of WhatsApp's.
    world
        .database()
        .execute("UPDATE messages SET claimed_at = claimed_at - interval '30 minutes'")
        .await;
    let letter = letter_of(&world, "BK-1", REMINDER_1).await;
    assert_eq!(letter["reason"], "outcome_unknown");

    world
        .desk(&format!("letters settle {} --sent", letter["id"]))
        .await
        .check(0);

    world.until_state("BK-1", REMINDER_2, MessageState::Read).await;
    assert_eq!(world.names_received_by(ADA).await, ["reminder_2"]);
}

// shows: B103
#[tokio::test(flavor = "multi_thread")]
async fn two_desks_that_empty_the_queues_at_once_lose_and_double_nothing() {
    const LETTERS: usize = 120;
    let world = dead_messages_at_once(LETTERS).await;

    let (one, other) = tokio::join!(world.letters(""), world.letters("--by reason"));

    assert!(one.len() <= LETTERS && other.len() <= 1);
    let letters = world.letters("").await;
    let bookings: BTreeSet<String> = letters
        .iter()
        .map(|letter| letter["booking"].to_string())
        .collect();
    assert_eq!((letters.len(), bookings.len()), (LETTERS, LETTERS));
    assert_eq!(world.depths().await.dead_messages, 0);
}
