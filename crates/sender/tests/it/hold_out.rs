//! Guests who get no reminders, so that what these earn can be measured.

use domain::message::MessageState::{Sent, Skipped};
use domain::message::Reason;
use testkit::world::ResortFile;

use crate::scene::{ADA, CONFIRMATION, REMINDER_1, Scene, abandoned, confirmed};

// shows: B212
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_in_the_hold_out_gets_the_confirmation_and_no_reminder() {
    let file = ResortFile {
        sections: "[proof]\nhold_out = \"100%\"\n".to_owned(),
        ..ResortFile::patient()
    };
    let scene = Scene::of(&file).await;

    scene.apply_and_send(abandoned("BK-1", ADA)).await;
    scene.apply_and_send(confirmed("BK-2", ADA)).await;

    let skipped = scene.check("BK-1", REMINDER_1, Skipped).await;
    assert_eq!(skipped.existing.reason, Some(Reason::HeldOut));
    scene.check("BK-2", CONFIRMATION, Sent).await;
    assert_eq!(scene.received_by(ADA).await.len(), 1);
    let held_out = "bellhop_messages_total{kind=\"reminder_1\",outcome=\"held_out\"}";
    assert_eq!(scene.metric(held_out), 1.0);
}

// shows: B212
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_held_out_of_a_resort_whose_file_does_not_say_so() {
    let scene = Scene::of(&ResortFile::patient()).await;

    scene.apply_and_send(abandoned("BK-1", ADA)).await;

    scene.check("BK-1", REMINDER_1, Sent).await;
}
