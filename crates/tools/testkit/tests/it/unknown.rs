//! Senders that are killed in the middle of a call. `crates/sender/tests` shows how unresolved calls are settled.

use domain::message::MessageState::Read;
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, CONFIRMATION};

/// Silence counts after 8 s; neighbours are the calls of these 8 s; no dead letter within the test.
const SOON: &[(&str, &str)] = &[("SENDER_UNKNOWN_AFTER", "2s"), ("SENDER_SILENCE_AFTER", "8s")];

async fn world() -> World {
    World::start_with(&ResortFile::patient(), SOON).await
}

/// Five other guests get theirs, and WhatsApp reports on all of them.
async fn neighbours_are_reported(world: &World) {
    for number in 2..7 {
        let event = Event::confirmed(&format!("BK-{number}"), &format!("+3069123457{number:02}"));
        world.post(&event).await;
    }
    for number in 2..7 {
        world
            .until_state(&format!("BK-{number}"), CONFIRMATION, Read)
            .await;
    }
}

// shows: B99
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_is_killed_in_the_middle_of_its_call_goes_once_more_by_evidence() {
    let mut world = world().await;
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
    neighbours_are_reported(&world).await;

    let sent = world.until_state("BK-1", CONFIRMATION, Read).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B99
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_is_killed_and_that_whatsapp_took_is_settled_by_the_report() {
    let mut world = world().await;
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
