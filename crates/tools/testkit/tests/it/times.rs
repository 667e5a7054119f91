//! Quiet hours and messages that are too late to be of use.

use chrono::{DurationRound, TimeDelta, Utc};
use domain::message::{MessageState, Reason};
use domain::plan::Status;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION, REMINDER_1};

// shows: B62
#[tokio::test(flavor = "multi_thread")]
async fn in_quiet_hours_reminders_wait_for_their_end_and_confirmations_go() {
    let (from, to) = (Utc::now() - TimeDelta::hours(1), Utc::now() + TimeDelta::hours(2));
    let resort = ResortFile {
        time_zone: "UTC".to_owned(),
        sections: format!(
            "[quiet_hours]\nfrom = \"{}\"\nto = \"{}\"\n",
            from.format("%H:%M"),
            to.format("%H:%M")
        ),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;

    world.post(&Event::abandoned("BK-1", ADA)).await;
    world.post(&Event::confirmed("BK-2", BOB)).await;

    let booking = world.until_status("BK-1", Status::Abandoned).await;
    assert_eq!(booking.wake_at, to.duration_trunc(TimeDelta::minutes(1)).ok());
    assert!(world.message("BK-1", REMINDER_1).await.is_none());
    world.until_received(BOB, 1).await;
    assert!(world.received_by(ADA).await.is_empty());
}

// shows: B63
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_too_late_to_be_of_use_expires() {
    let resort = ResortFile {
        sections: "[expires_after]\nreminder_1 = \"1h\"\n".to_owned(),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;

    world
        .post(&Event::abandoned("BK-1", ADA).ago(TimeDelta::hours(2)))
        .await;
    world
        .post(&Event::confirmed("BK-2", BOB).ago(TimeDelta::days(3)))
        .await;

    for (booking, kind) in [("BK-1", REMINDER_1), ("BK-2", CONFIRMATION)] {
        let message = world.until_state(booking, kind, MessageState::Expired).await;
        assert_eq!(message.existing.reason, Some(Reason::Expired), "{booking}");
        assert_eq!(message.existing.attempts, 0, "{booking}");
    }
}
