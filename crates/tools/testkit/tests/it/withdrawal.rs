//! What a reservation, a change and a cancellation do to what was still to come.

use chrono::TimeDelta;
use domain::message::{MessageState, Reason};
use domain::plan::Status;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION, EVE, REMINDER_1, REMINDER_2, waiting_reminder};

// shows: B19
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_withdraws_the_reminder_of_its_own_booking() {
    let world = World::start(&ResortFile::patient()).await;
    waiting_reminder(&world, &Event::abandoned("BK-1", ADA), "BK-1", ADA).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;

    let reminder = world
        .until_state("BK-1", REMINDER_1, MessageState::Withdrawn)
        .await;
    assert_eq!(reminder.existing.reason, Some(Reason::Confirmed));
    world.until_received(ADA, 1).await;
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B20
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_withdraws_the_reminder_of_the_cart_that_it_names() {
    let world = World::start(&ResortFile::patient()).await;
    waiting_reminder(&world, &Event::abandoned("CART-1", ADA), "CART-1", ADA).await;

    // Another number: only the cart's id tells that they belong together.
    world
        .post(&Event::confirmed("BK-1", BOB).from_cart("CART-1"))
        .await;

    let reminder = world
        .until_state("CART-1", REMINDER_1, MessageState::Withdrawn)
        .await;
    assert_eq!(reminder.existing.reason, Some(Reason::BecameReservation));
}

// shows: B21
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_withdraws_the_reminders_of_the_guests_other_carts_for_the_same_days() {
    let world = World::start(&ResortFile::patient()).await;
    let overlapping = Event::abandoned("CART-1", ADA).staying("2090-06-05", "2090-06-12");
    waiting_reminder(&world, &overlapping, "CART-1", ADA).await;
    waiting_reminder(&world, &Event::abandoned("CART-2", ADA), "CART-2", ADA).await;

    world
        .post(&Event::confirmed("BK-1", ADA).staying("2090-06-01", "2090-06-08"))
        .await;

    for cart in ["CART-1", "CART-2"] {
        let reminder = world.until_state(cart, REMINDER_1, MessageState::Withdrawn).await;
        assert_eq!(reminder.existing.reason, Some(Reason::BookedElsewhere), "{cart}");
    }
}

// shows: B23
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_leaves_carts_for_other_days_and_of_other_guests_alone() {
    let world = World::start(&ResortFile::patient()).await;
    let later = Event::abandoned("CART-1", ADA).staying("2090-08-01", "2090-08-08");
    waiting_reminder(&world, &later, "CART-1", ADA).await;
    waiting_reminder(&world, &Event::abandoned("CART-2", EVE), "CART-2", EVE).await;

    world
        .post(&Event::confirmed("BK-1", ADA).staying("2090-06-01", "2090-06-08"))
        .await;
    world.until_status("BK-1", Status::Confirmed).await;

    for (cart, guest) in [("CART-1", ADA), ("CART-2", EVE)] {
        world.until_state(cart, REMINDER_1, MessageState::Read).await;
        assert!(
            world
                .names_received_by(guest)
                .await
                .contains(&"reminder_1".to_owned())
        );
    }
}

// shows: B19
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_keeps_the_second_reminder_from_being_sent() {
    let world = World::start(&ResortFile::patient()).await;
    world.post(&Event::abandoned("BK-1", ADA)).await;
    world.until_state("BK-1", REMINDER_1, MessageState::Read).await;
    assert!(world.booking("BK-1").await.unwrap().wake_at.is_some());

    world.post(&Event::confirmed("BK-1", ADA)).await;
    let booking = world.until_status("BK-1", Status::Confirmed).await;

    assert_eq!(booking.wake_at, None);
    assert!(world.message("BK-1", REMINDER_2).await.is_none());
}

// shows: B24
#[tokio::test(flavor = "multi_thread")]
async fn after_a_confirmation_no_cart_event_sets_anything_whatever_the_clocks_say() {
    let world = World::start(&ResortFile::default()).await;
    world
        .post(&Event::confirmed("BK-1", ADA).ago(TimeDelta::minutes(10)))
        .await;
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;

    world.post(&Event::started("BK-1", ADA)).await;
    world.post(&Event::abandoned("BK-1", ADA)).await;
    world.until_events("BK-1", 3).await;

    let booking = world.booking("BK-1").await.unwrap();
    assert_eq!((booking.status, booking.wake_at), (Status::Confirmed, None));
    assert!(world.message("BK-1", REMINDER_1).await.is_none());
}

// shows: B26
#[tokio::test(flavor = "multi_thread")]
async fn a_change_moves_the_stay_and_its_timers_and_confirms_nothing_anew() {
    let world = World::start(&ResortFile::patient()).await;
    world
        .post(&Event::confirmed("BK-1", ADA).staying("2090-06-01", "2090-06-08"))
        .await;
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    let before = world.booking("BK-1").await.unwrap().wake_at.unwrap();

    world
        .post(&Event::new("reservation_modified", "BK-1").staying("2090-06-03", "2090-06-10"))
        .await;
    world.until_events("BK-1", 2).await;

    let booking = world.booking("BK-1").await.unwrap();
    assert_eq!(booking.status, Status::Confirmed);
    assert_eq!(booking.wake_at.unwrap() - before, TimeDelta::days(2));
    assert_eq!(world.messages("BK-1").await.len(), 1);
}

// shows: B28
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_withdraws_what_is_to_come_and_a_later_confirmation_is_confirmed_anew() {
    let world = World::start(&ResortFile::patient()).await;
    world
        .post(&Event::confirmed("BK-1", ADA).staying("2090-06-01", "2090-06-08"))
        .await;
    world.until_received(ADA, 1).await;

    world.post(&Event::new("reservation_cancelled", "BK-1")).await;
    let cancelled = world.until_status("BK-1", Status::Cancelled).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_received(ADA, 2).await;

    assert_eq!(cancelled.wake_at, None);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed", "confirmed"]);
    let booking = world.until_status("BK-1", Status::Confirmed).await;
    assert!(booking.wake_at.is_some());
}

// shows: B27
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_withdraws_a_confirmation_that_has_not_gone() {
    let world = World::start(&ResortFile::patient()).await;
    let refuse = serde_json::json!({ "times": 1, "answer": { "error": 131_016 } });
    world.tell_sandbox("failures", &refuse).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world
        .until("the confirmation waits for its next try", async || {
            let found = world.message("BK-1", CONFIRMATION).await?.existing;
            (found.state == MessageState::Queued && found.attempts == 1).then_some(())
        })
        .await;

    world.post(&Event::new("reservation_cancelled", "BK-1")).await;

    let confirmation = world
        .until_state("BK-1", CONFIRMATION, MessageState::Withdrawn)
        .await;
    assert_eq!(confirmation.existing.reason, Some(Reason::Cancelled));
    assert!(world.received_by(ADA).await.is_empty());
}

// shows: B29
#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_without_a_phone_inherits_that_of_its_cart() {
    let world = World::start(&ResortFile::patient()).await;
    world.post(&Event::started("CART-1", ADA)).await;

    world
        .post(&Event::new("reservation_confirmed", "BK-1").from_cart("CART-1"))
        .await;

    let received = world.until_received(ADA, 1).await;
    assert_eq!(received[0].name(), "confirmed");
    assert!(received[0].body.as_ref().unwrap().starts_with("Thank you Ada"));
}

// shows: B29
#[tokio::test(flavor = "multi_thread")]
async fn a_cart_that_is_heard_of_only_after_its_reservation_still_gives_it_the_phone() {
    let world = World::start(&ResortFile::patient()).await;
    world
        .post(&Event::new("reservation_confirmed", "BK-1").from_cart("CART-1"))
        .await;
    let skipped = world
        .until_state("BK-1", CONFIRMATION, MessageState::Skipped)
        .await;
    assert_eq!(skipped.existing.reason, Some(Reason::NoPhone));

    world
        .post(&Event::started("CART-1", ADA).ago(TimeDelta::minutes(5)))
        .await;

    let received = world.until_received(ADA, 1).await;
    assert_eq!(received[0].name(), "confirmed");
}
