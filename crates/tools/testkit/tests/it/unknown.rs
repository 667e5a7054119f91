//! Calls whose outcome nobody knows: they go once more by evidence, else a person is asked, and a report settles them
//! whenever it comes.

use std::ops::Range;

use domain::message::MessageState::{Dead, Read, Unknown};
use serde_json::{Value, json};
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, CONFIRMATION};

/// Silence counts after 8 s; neighbours are the calls of these 8 s; no letter within the test.
const SOON: &[(&str, &str)] = &[
    ("SENDER_UNKNOWN_AFTER", "2s"),
    ("SENDER_SILENCE_AFTER", "8s"),
    ("SENDER_SILENCE_WITHIN", "8s"),
];

async fn world(more: &[(&str, &str)]) -> World {
    let variables: Vec<_> = SOON.iter().chain(more).copied().collect();
    World::start_with(&ResortFile::patient(), &variables).await
}

/// The call for Ada is cut off; `accepted` says whether WhatsApp took it, `notify` what it reports of it.
async fn call_is_cut(world: &World, accepted: bool, notify: Value) {
    let cut = json!({
        "when": { "to": ADA }, "times": 1, "answer": { "cut": true, "accepted": accepted }, "notify": notify,
    });
    world.tell_sandbox("failures", &cut).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, Unknown).await;
}

/// Five other guests get theirs, and WhatsApp reports on all of them.
async fn neighbours_speak(world: &World) {
    neighbours_are_written_to(world, 2..7).await;
    for number in 2..7 {
        world
            .until_state(&format!("BK-{number}"), CONFIRMATION, Read)
            .await;
    }
}

// shows: B97, G30
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_whatsapp_never_got_goes_once_more_by_the_evidence_of_its_neighbours() {
    let world = world(&[]).await;
    call_is_cut(&world, false, json!({})).await;

    neighbours_speak(&world).await;

    let sent = world.until_state("BK-1", CONFIRMATION, Read).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B97, G30
#[tokio::test(flavor = "multi_thread")]
async fn a_second_silence_is_no_evidence_any_more_and_makes_a_letter() {
    let world = world(&[("SENDER_SILENCE_LETTER", "12s")]).await;
    let twice = json!({ "when": { "to": ADA }, "times": 1, "answer": { "cut": true } });
    world.tell_sandbox("failures", &twice).await;
    call_is_cut(&world, false, json!({})).await;
    neighbours_speak(&world).await;
    world
        .until("the second call is silent too", async || {
            let found = world.message("BK-1", CONFIRMATION).await?.existing;
            (found.attempts == 2 && found.state == Unknown).then_some(())
        })
        .await;
    neighbours_are_written_to(&world, 10..15).await;

    let dead = world.until_state("BK-1", CONFIRMATION, Dead).await;

    assert_eq!(
        (dead.existing.attempts, dead.reason.as_deref()),
        (2, Some("outcome_unknown"))
    );
    assert!(world.received_by(ADA).await.is_empty());
}

async fn neighbours_are_written_to(world: &World, numbers: Range<u32>) {
    for number in numbers {
        let event = Event::confirmed(&format!("BK-{number}"), &phone(number));
        world.post(&event).await;
    }
}

fn phone(number: u32) -> String {
    format!("+3069123457{number:02}")
}

// shows: B98, G30
#[tokio::test(flavor = "multi_thread")]
async fn without_evidence_a_person_is_asked_and_a_late_report_closes_the_letter() {
    let world = world(&[("SENDER_SILENCE_LETTER", "4s")]).await;
    call_is_cut(&world, true, json!({ "after_ms": 9_000 })).await;

    let dead = world.until_state("BK-1", CONFIRMATION, Dead).await;
    assert_eq!(
        (dead.existing.attempts, dead.reason.as_deref()),
        (1, Some("outcome_unknown"))
    );
    let letters = world
        .until("the letter is on the desk", async || {
            let found = world.letters("--open").await;
            (!found.is_empty()).then_some(found)
        })
        .await;
    assert_eq!(letters.len(), 1);

    world.until_state("BK-1", CONFIRMATION, Read).await;
    assert!(world.letters("--open").await.is_empty());
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_before_silence_counts_is_the_answer() {
    let world = world(&[]).await;
    call_is_cut(&world, true, json!({ "after_ms": 1_500 })).await;

    neighbours_speak(&world).await;

    let settled = world.until_state("BK-1", CONFIRMATION, Read).await;
    assert_eq!(settled.existing.attempts, 1);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B97
#[tokio::test(flavor = "multi_thread")]
async fn while_a_neighbour_is_without_a_report_silence_says_nothing() {
    let world = world(&[("SENDER_SILENCE_LETTER", "10s")]).await;
    let unreported = json!({ "when": { "to": phone(6) }, "notify": { "statuses": [] } });
    world.tell_sandbox("failures", &unreported).await;
    call_is_cut(&world, false, json!({})).await;

    neighbours_are_written_to(&world, 2..9).await;

    let dead = world.until_state("BK-1", CONFIRMATION, Dead).await;
    assert_eq!(dead.existing.attempts, 1);
}

// shows: B99
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_is_killed_in_the_middle_of_its_call_goes_once_more_by_evidence() {
    let mut world = world(&[]).await;
    let slow = json!({ "when": { "to": ADA }, "times": 1, "answer": { "cut": true, "after_ms": 20_000 } });
    world.tell_sandbox("failures", &slow).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world
        .until("the call has begun", async || {
            (!world.calls().await.is_empty()).then_some(())
        })
        .await;

    world.kill_senders();
    world.start_sender().await;
    neighbours_speak(&world).await;

    let sent = world.until_state("BK-1", CONFIRMATION, Read).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B99
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_is_killed_and_that_whatsapp_took_is_settled_by_the_report() {
    let mut world = world(&[]).await;
    let slow = json!({
        "when": { "to": ADA }, "times": 1, "answer": { "cut": true, "accepted": true, "after_ms": 20_000 },
        "notify": { "after_ms": 2_500 },
    });
    world.tell_sandbox("failures", &slow).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world
        .until("the call has begun", async || {
            (!world.calls().await.is_empty()).then_some(())
        })
        .await;

    world.kill_senders();
    world.start_sender().await;

    let settled = world.until_state("BK-1", CONFIRMATION, Read).await;
    assert_eq!(settled.existing.attempts, 1);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}
