//! How many reminders one guest gets in a day.

use domain::message::MessageState::{Sent, Skipped};
use domain::message::Reason;
use testkit::world::ResortFile;

use crate::scene::{ADA, BOB, CONFIRMATION, REMINDER_1, Scene, abandoned, confirmed};

/// A resort with the default limits.
async fn limited() -> Scene {
    let file = ResortFile {
        limits: String::new(),
        ..ResortFile::patient()
    };
    Scene::of(&file).await
}

// shows: B150
#[tokio::test(flavor = "multi_thread")]
async fn two_senders_with_two_carts_of_one_guest_call_once() {
    let scene = limited().await;
    let other = scene.another_sender();
    scene.apply(abandoned("BK-1", ADA)).await;
    scene.apply(abandoned("BK-2", ADA)).await;
    let due = scene.due().await;
    let [first, second] = due.as_slice() else {
        panic!("{due:?}");
    };

    let (one, two) = tokio::join!(
        scene.sender.send_once(vec![*first]),
        other.send_once(vec![*second])
    );

    one.unwrap();
    two.unwrap();
    assert_eq!(scene.received_by(ADA).await.len(), 1);
    assert_eq!(scene.calls().await.len(), 1);
    assert_eq!((scene.count(Sent).await, scene.count(Skipped).await), (1, 1));
}

// shows: B150
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_gets_as_many_reminders_a_day_as_the_file_says_and_the_rest_are_counted() {
    let scene = limited().await;
    for booking in ["BK-1", "BK-2"] {
        scene.apply_and_send(abandoned(booking, ADA)).await;
    }
    scene.apply_and_send(abandoned("BK-3", BOB)).await;

    let skipped = scene.check("BK-2", REMINDER_1, Skipped).await;
    assert_eq!(skipped.existing.reason, Some(Reason::Capped));
    assert_eq!(scene.received_by(ADA).await.len(), 1);
    assert_eq!(scene.received_by(BOB).await.len(), 1);
    let capped = "bellhop_messages_total{kind=\"reminder_1\",outcome=\"capped\"}";
    assert_eq!(scene.metric(capped), 1.0);

    let two_a_day = ResortFile {
        limits: "[limits]\nreminders_per_day = 2\n".to_owned(),
        ..ResortFile::patient()
    };
    scene.change_file(Some(&two_a_day));
    for booking in ["BK-4", "BK-5"] {
        scene.apply_and_send(abandoned(booking, ADA)).await;
    }
    assert_eq!(scene.received_by(ADA).await.len(), 2);
}

// shows: B152
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_has_just_confirmed_is_not_reminded_of_other_days() {
    let scene = limited().await;
    let mut reservation = confirmed("BK-1", ADA);
    reservation.details.check_in = Some("2099-06-01".parse().unwrap());
    reservation.details.check_out = Some("2099-06-05".parse().unwrap());
    let mut cart = abandoned("BK-2", ADA);
    cart.details.check_in = Some("2099-01-01".parse().unwrap());
    cart.details.check_out = Some("2099-01-05".parse().unwrap());

    scene.apply_and_send(reservation).await;
    scene.apply_and_send(cart).await;

    scene.check("BK-1", CONFIRMATION, Sent).await;
    let skipped = scene.check("BK-2", REMINDER_1, Skipped).await;
    assert_eq!(skipped.existing.reason, Some(Reason::Capped));
}
