//! What WhatsApp reports of messages.

use domain::message::MessageState;
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION};

// shows: B74
#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_reports_is_recorded_and_only_climbs() {
    let world = World::start(&ResortFile::patient()).await;
    let rules = json!([
        { "when": { "to": ADA }, "notify": { "statuses": ["sent", "delivered"] } },
        { "when": { "to": BOB }, "notify": { "statuses": ["read", "delivered", "sent"] } },
    ]);
    world.tell_sandbox("failures", &rules).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.post(&Event::confirmed("BK-2", BOB)).await;

    world
        .until_state("BK-1", CONFIRMATION, MessageState::Delivered)
        .await;
    world.until_state("BK-2", CONFIRMATION, MessageState::Read).await;
    world.until_reports(5).await;
    for (booking, state) in [("BK-1", MessageState::Delivered), ("BK-2", MessageState::Read)] {
        let message = world.message(booking, CONFIRMATION).await.unwrap();
        assert_eq!(message.existing.state, state, "{booking}");
    }
}

// shows: B74
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_comes_before_the_answer_counts() {
    let world = World::start(&ResortFile::patient()).await;
    let rule = json!({ "notify": { "statuses": ["delivered"], "before_answer": true }, "answer": { "after_ms": 300 } });
    world.tell_sandbox("failures", &rule).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;

    let message = world
        .until_state("BK-1", CONFIRMATION, MessageState::Delivered)
        .await;
    assert_eq!(message.existing.attempts, 1);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}
