//! Quiet hours, and messages that are too late to be of use.

use chrono::{DurationRound, TimeDelta, Utc};
use domain::message::MessageState::{Expired, Queued, Sent};
use domain::message::Reason;
use domain::plan::Status;
use testkit::world::ResortFile;

use crate::scene::{ADA, BOB, CONFIRMATION, REMINDER_1, Scene, abandoned, ago, confirmed};

/// Quiet hours that began an hour ago and last two more, and their end.
pub(crate) fn quiet_now() -> (ResortFile, chrono::DateTime<Utc>) {
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
    (resort, to.duration_trunc(TimeDelta::minutes(1)).unwrap())
}

// shows: B62
#[tokio::test(flavor = "multi_thread")]
async fn in_quiet_hours_reminders_wait_for_their_end_and_confirmations_go() {
    let (resort, end) = quiet_now();
    let scene = Scene::of(&resort).await;

    scene.apply_and_send(abandoned("BK-1", ADA)).await;
    scene.apply_and_send(confirmed("BK-2", BOB)).await;

    let booking = scene.booking("BK-1").await;
    assert_eq!(booking.status, Status::Abandoned);
    assert_eq!(booking.wake_at, Some(end));
    assert!(scene.messages("BK-1").await.is_empty());
    scene.check("BK-2", CONFIRMATION, Sent).await;
    assert!(scene.received_by(ADA).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_is_queued_when_quiet_hours_begin_is_put_off_to_their_end() {
    let scene = Scene::of(&ResortFile {
        time_zone: "UTC".to_owned(),
        ..ResortFile::patient()
    })
    .await;
    scene.apply(abandoned("BK-1", ADA)).await;
    let (resort, end) = quiet_now();
    scene.change_file(Some(&resort));

    scene.send().await;

    let waiting = scene.check("BK-1", REMINDER_1, Queued).await;
    assert_eq!((waiting.existing.due_at, waiting.existing.attempts), (end, 0));
    assert!(scene.calls().await.is_empty());
    let series = r#"bellhop_messages_total{kind="reminder_1",outcome="put_off"}"#;
    assert_eq!(scene.metric(series), 1.0);
}

// shows: B63
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_too_late_to_be_of_use_expires() {
    let scene = Scene::of(&ResortFile {
        sections: "[expires_after]\nreminder_1 = \"1h\"\n".to_owned(),
        ..ResortFile::patient()
    })
    .await;

    scene
        .apply_and_send(ago(abandoned("BK-1", ADA), TimeDelta::hours(2)))
        .await;
    scene
        .apply_and_send(ago(confirmed("BK-2", BOB), TimeDelta::days(3)))
        .await;

    for (booking, kind) in [("BK-1", REMINDER_1), ("BK-2", CONFIRMATION)] {
        let message = scene.check(booking, kind, Expired).await;
        assert_eq!(message.existing.reason, Some(Reason::Expired), "{booking}");
        assert_eq!(message.existing.attempts, 0, "{booking}");
    }
    assert!(scene.calls().await.is_empty());
}
