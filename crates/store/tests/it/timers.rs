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
    let due = move |c: &mut store::Connection, planner: &store::planning::Planner| {
        let found = bookings::lock_due(c, &planner.ring, soon, 10)?;
        Ok(found.into_iter().map(|booking| booking.key).collect::<Vec<_>>())
    };
    assert_eq!(scene.run(due).await, [key("BK-2"), key("BK-1")]);

    let (held, wait_until_held) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();
    let holder = scene.run(move |c, planner| {
        bookings::lock(c, &planner.ring, &[key("BK-2")].into())?;
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

// shows: B15
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

// shows: G11
#[tokio::test]
async fn a_booking_that_cannot_be_planned_is_put_off_unless_it_has_another_time_meanwhile() {
    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 5).await;
    let put_off = async || {
        scene
            .run(|c, _| bookings::put_off(c, &key("BK-1").to_string(), TimeDelta::minutes(1)))
            .await;
        scene.booking("BK-1").await.wake_at.unwrap()
    };
    let planned = scene.booking("BK-1").await.wake_at.unwrap();

    assert_eq!(put_off().await, planned);

    scene.sql("UPDATE bookings SET wake_at = now()").await;
    assert!(put_off().await > Utc::now() + TimeDelta::seconds(50));
}

#[tokio::test]
async fn bookings_without_a_resort_are_counted_and_woken_once_its_file_can_be_read() {
    let mut scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 40).await;
    let count = async |scene: &Scene| scene.run(|c, _| bookings::count_without_resort(c)).await;
    let wake = async |scene: &Scene, resorts: &'static [&str]| {
        scene
            .run(move |c, _| bookings::wake_of_resorts(c, resorts, 10))
            .await
    };
    assert_eq!(count(&scene).await, 0);

    scene.lose_resort_file();
    scene.happens(BookingStarted, "BK-2", 40).await;
    scene.happens(BookingStarted, "BK-3", 40).await;
    assert_eq!(count(&scene).await, 2);
    assert_eq!(wake(&scene, &["white-cliff"]).await, 0);

    assert_eq!(wake(&scene, &["azure-bay"]).await, 2);
    assert_eq!(wake(&scene, &["azure-bay"]).await, 0, "they are due");
    assert!(scene.booking("BK-2").await.wake_at.unwrap() <= Utc::now());
    scene.find_resort_file();
    scene.happens(BookingStarted, "BK-2", 39).await;
    assert_eq!(count(&scene).await, 1);
}
