//! What WhatsApp reports of messages after their calls.

use std::time::Duration;

use domain::message::DeliveryStatus as Status;
use domain::message::MessageState::{Delivered, Read};
use serde_json::json;

use crate::scene::{ADA, BOB, CONFIRMATION, Scene, confirmed};

// shows: B74
#[tokio::test(flavor = "multi_thread")]
async fn statuses_are_recorded_and_only_climb() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", ADA)).await;
    scene.apply(confirmed("BK-2", BOB)).await;
    scene.send().await;

    for status in [Status::Sent, Status::Delivered] {
        scene.report("BK-1", CONFIRMATION, status).await;
    }
    for status in [Status::Read, Status::Delivered, Status::Sent] {
        scene.report("BK-2", CONFIRMATION, status).await;
    }

    scene.check("BK-1", CONFIRMATION, Delivered).await;
    scene.check("BK-2", CONFIRMATION, Read).await;
}

// shows: B74
#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_comes_before_the_answer_counts() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", ADA)).await;
    let slow = json!({ "answer": { "after_ms": 300 } });
    scene.tell_sandbox("failures", slow).await;
    let reporting = async {
        while scene.calls().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        scene.report("BK-1", CONFIRMATION, Status::Delivered).await;
        scene.message("BK-1", CONFIRMATION).await
    };

    let (reported, ()) = tokio::join!(reporting, scene.send());

    assert_eq!(reported.existing.state, Delivered, "before the answer");
    let message = scene.check("BK-1", CONFIRMATION, Delivered).await;
    assert_eq!(message.existing.attempts, 1);
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}
