//! Wake-ups: due bookings are taken by one at a time.

use chrono::{TimeDelta, Utc};
use domain::event::EventType::{BookingAbandoned, BookingStarted};
use domain::message::MessageKind::Reminder1;
use store::bookings;
use tokio::sync::oneshot;

use crate::scene::{Scene, accepted, key};

#[tokio::test]
async fn due_bookings_come_oldest_first_and_those_that_others_hold_are_left_out() {
    let scene = Scene::new().await;
    for (booking, minutes) in [("BK-1", 20), ("BK-2", 25), ("BK-3", 5)] {
        scene.happens(BookingStarted, booking, minutes).await;
    }
    let soon = Utc::now() + TimeDelta::minutes(15);
    let due = move |c: &mut store::Connection, policies: &store::planning::Policies<'_>| {
        let found = bookings::lock_due(c, policies.ring, soon, 10)?;
        Ok(found.into_iter().map(|booking| booking.key).collect::<Vec<_>>())
    };
    assert_eq!(scene.run(due).await, [key("BK-2"), key("BK-1")]);

    let (held, wait_until_held) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();
    let holder = scene.run(move |c, policies| {
        bookings::lock(c, policies.ring, &[key("BK-2")].into())?;
        held.send(()).unwrap();
        wait_to_go_on.blocking_recv().unwrap();
        Ok(())
    });
    let others = async {
        wait_until_held.await.unwrap();
        let found = scene.run(due).await;
        go_on.send(()).unwrap();
        found
    };
    let ((), others) = tokio::join!(holder, others);

    assert_eq!(others, [key("BK-1")]);
}

#[tokio::test]
async fn the_next_wake_up_is_the_earliest_of_all() {
    let scene = Scene::new().await;
    assert_eq!(scene.run(|c, _| bookings::next_wake_up(c)).await, None);
    for (booking, minutes) in [("BK-1", 5), ("BK-2", 25)] {
        scene.happens(BookingStarted, booking, minutes).await;
    }

    let next = scene.run(|c, _| bookings::next_wake_up(c)).await;

    assert_eq!(next, scene.booking("BK-2").await.wake_at);
}

#[tokio::test]
async fn the_first_reminders_sending_sets_the_second_ones_timer() {
    let scene = Scene::new().await;
    scene.happens(BookingAbandoned, "BK-1", 5).await;
    assert_eq!(scene.booking("BK-1").await.wake_at, None);
    let call = scene.claimed("BK-1").await;

    scene.answered(call, accepted()).await;

    let sent_at = scene.message("BK-1", Reminder1).await.existing.sent_at.unwrap();
    assert_eq!(
        scene.booking("BK-1").await.wake_at,
        Some(sent_at + TimeDelta::hours(24))
    );
}
