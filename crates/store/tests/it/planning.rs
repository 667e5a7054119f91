//! Facts become rows, and rows follow the facts.

use domain::event::EventType::{
    BookingAbandoned, BookingStarted, ReservationCancelled, ReservationConfirmed,
};
use domain::facts::Facts;
use domain::ids::{BookingKey, ResortId};
use domain::message::MessageKind::{Reminder1, ReservationConfirmation};
use domain::message::{MessageState, Reason};
use domain::plan::Status;
use store::{bookings, planning};
use tokio::sync::oneshot;

use crate::scene::{Scene, accepted, apply, event, key, minutes_ago};

#[tokio::test]
async fn a_started_booking_gets_its_reminder_when_its_time_has_come() {
    let scene = Scene::new().await;

    let planned = scene.happens(BookingStarted, "BK-1", 10).await;
    assert!(planned.moved.is_empty());
    assert!(scene.booking("BK-1").await.wake_at.is_some());

    let planned = scene.happens(BookingAbandoned, "BK-1", 5).await;
    let statuses = planned
        .statuses
        .iter()
        .map(|new| (new.booking.clone(), new.status));
    assert_eq!(statuses.collect::<Vec<_>>(), [(key("BK-1"), Status::Abandoned)]);
    let reminder = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!((reminder.state, reminder.round), (MessageState::Queued, 0));
    assert_eq!(planned.moved.first().map(|moved| moved.id), Some(reminder.id));
}

#[tokio::test]
async fn a_confirmation_withdraws_the_reminder_and_queues_its_own_message() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;

    scene.happens(ReservationConfirmed, "BK-1", 1).await;

    let reminder = scene.message("BK-1", Reminder1).await;
    assert_eq!(reminder.existing.state, MessageState::Withdrawn);
    assert_eq!(reminder.existing.reason, Some(Reason::Confirmed));
    let confirmation = scene.message("BK-1", ReservationConfirmation).await.existing;
    assert_eq!(confirmation.state, MessageState::Queued);
}

#[tokio::test]
async fn activity_moves_the_reminder_to_a_later_time() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;

    scene.happens(BookingStarted, "BK-1", 20).await;

    let reminder = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!((reminder.id, reminder.state), (id, MessageState::Queued));
    assert!(reminder.due_at > minutes_ago(0));
}

// shows: G15
#[tokio::test]
async fn what_a_transaction_makes_due_is_put_off_for_its_caller_to_publish() {
    let mut scene = Scene::new().await;
    scene.publish_due_ids();

    let due = scene.happens(BookingAbandoned, "BK-1", 5).await.due;

    let reminder = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!(due, [reminder.id]);
    let take = |c: &mut store::Connection, _: &planning::Planner| store::relay::take_due(c, 10);
    assert!(scene.run(take).await.is_empty(), "not before its time");
    scene
        .sql("UPDATE messages SET publish_at = publish_at - interval '31 seconds' WHERE publishes = 1")
        .await;
    assert_eq!(
        scene.run(take).await,
        [reminder.id],
        "should the caller have ended"
    );
    let later = scene.happens(BookingStarted, "BK-1", 20).await;
    assert!(later.due.is_empty(), "{later:?}");
}

// shows: B25
#[tokio::test]
async fn a_withdrawal_only_marks_a_message_whose_call_is_under_way() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;

    scene.happens(ReservationConfirmed, "BK-1", 1).await;
    let reminder = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!(
        (reminder.state, reminder.withdrawn),
        (MessageState::Sending, true)
    );

    scene.answered(call, accepted()).await;
    assert_eq!(
        scene.message("BK-1", Reminder1).await.existing.state,
        MessageState::Sent
    );
}

// shows: G5
#[tokio::test]
async fn what_a_newer_program_knows_of_a_booking_outlives_an_older_ones_changes() {
    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 10).await;
    let newer =
        r#"{"pets":{"stamp":{"at":"2026-11-23T10:00:00Z","rank":0,"event":"direct/1"},"value":["a cat"]}}"#;
    let newer: Facts = serde_json::from_str(newer).unwrap();
    let learnt = newer.clone();
    scene
        .run(move |connection, planner| {
            let mut locked = bookings::lock(connection, &planner.ring, &[key("BK-1")].into())?;
            for booking in &mut locked {
                booking.learn(|known| known.merge(learnt.clone()));
            }
            planning::replan(connection, planner, minutes_ago(0), &locked)
        })
        .await;

    scene.happens(ReservationConfirmed, "BK-1", 1).await;

    let booking = scene.booking("BK-1").await;
    assert_eq!(booking.facts.unknown, newer.unknown);
    assert!(booking.facts.unknown.contains_key("pets"));
    assert!(booking.facts.confirmed.is_some());
}

#[tokio::test]
async fn a_confirmation_after_a_cancellation_is_a_round_of_its_own() {
    let scene = Scene::new().await;
    for (event_type, minutes) in [
        (ReservationConfirmed, 9),
        (ReservationCancelled, 6),
        (ReservationConfirmed, 3),
    ] {
        scene.happens(event_type, "BK-1", minutes).await;
    }

    let messages = scene.messages("BK-1").await;

    let rounds: Vec<_> = messages
        .iter()
        .map(|m| (m.existing.round, m.existing.state))
        .collect();
    assert_eq!(rounds, [(0, MessageState::Withdrawn), (1, MessageState::Queued)]);
}

#[tokio::test]
async fn the_same_event_applied_again_changes_no_message() {
    let scene = Scene::new().await;
    let started = event(BookingStarted, &key("BK-1"), 40);
    let again = started.clone();
    scene.run(move |c, planner| apply(c, planner, &started)).await;

    let planned = scene.run(move |c, planner| apply(c, planner, &again)).await;

    assert!(planned.moved.is_empty() && planned.statuses.is_empty());
}

#[tokio::test]
async fn a_reservation_of_the_same_guest_withdraws_the_carts_that_are_planned_with_it() {
    let scene = Scene::new().await;
    scene.due_reminder("CART-1").await;
    let confirmed = event(ReservationConfirmed, &key("BK-1"), 1);
    scene.run(move |c, planner| apply(c, planner, &confirmed)).await;

    scene
        .run(|c, planner| {
            let guests = bookings::guests_of(c, &[key("BK-1")].into())?;
            let carts = bookings::carts_of_guests(c, &guests)?;
            assert_eq!(carts, [key("CART-1")].into());
            let locked = bookings::lock(c, &planner.ring, &carts)?;
            planning::replan(c, planner, minutes_ago(0), &locked)
        })
        .await;

    let reminder = scene.message("CART-1", Reminder1).await.existing;
    assert_eq!(reminder.state, MessageState::Withdrawn);
    assert_eq!(reminder.reason, Some(Reason::BookedElsewhere));
}

#[tokio::test]
async fn a_booking_of_a_resort_without_a_file_keeps_its_facts_and_waits_a_minute() {
    let scene = Scene::new().await;
    let unknown = BookingKey {
        resort: ResortId::parse("no-file").unwrap(),
        ..key("BK-1")
    };
    let started = event(BookingStarted, &unknown, 40);

    let planned = scene.run(move |c, planner| apply(c, planner, &started)).await;

    assert_eq!(planned.without_resort.first(), Some(&unknown));
    let booking = scene
        .run(move |c, planner| bookings::find(c, &planner.ring, &unknown))
        .await
        .unwrap();
    assert!(booking.facts.activity.is_some());
    assert!(booking.wake_at.is_some_and(|at| at > minutes_ago(0)));
}

#[tokio::test]
async fn an_explanation_is_the_plan_and_changes_nothing() {
    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 10).await;
    let booking = scene.booking("BK-1").await;

    let plan = scene
        .run(move |c, planner| planning::explain(c, planner, &booking, minutes_ago(-60)))
        .await
        .unwrap();

    assert_eq!(plan.status, Status::Abandoned);
    assert!(scene.messages("BK-1").await.is_empty());
}

// shows: G26
#[tokio::test]
async fn what_a_confirmation_brings_is_not_lost_when_an_answer_changes_the_booking_at_the_same_moment() {
    let scene = Scene::new().await;
    scene.happens(BookingAbandoned, "BK-1", 5).await;
    let call = scene.claimed("BK-1").await;
    let confirmed = event(ReservationConfirmed, &key("BK-1"), 2);
    let (written, wait_until_written) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();

    let confirming = scene.run(move |c, planner| {
        apply(c, planner, &confirmed)?;
        written.send(()).unwrap();
        wait_to_go_on.blocking_recv().unwrap();
        Ok(())
    });
    let answering = async {
        wait_until_written.await.unwrap();
        tokio::join!(scene.answered(call, accepted()), async {
            scene.until_someone_waits().await;
            go_on.send(()).unwrap();
        })
    };
    tokio::join!(confirming, answering);

    let booking = scene.booking("BK-1").await;
    assert!(booking.facts.confirmed.is_some());
    assert_eq!(booking.status, Status::Confirmed);
}
