//! What a reservation, a change and a cancellation do to what was still to come.

use std::time::Duration;

use chrono::TimeDelta;
use domain::after_call::NextStep;
use domain::event::EventType;
use domain::message::MessageState::{Queued, Skipped, Withdrawn};
use domain::plan::Status;
use testkit::world::ResortFile;

use crate::scene::{ADA, BOB, CONFIRMATION, EVE, REMINDER_1, REMINDER_2, REVIEW_REQUEST, Scene};
use crate::webhook::Webhook;

fn because(reason: &str) -> Option<String> {
    Some(reason.to_owned())
}

// shows: B19
#[tokio::test]
async fn a_confirmation_withdraws_the_reminder_of_its_own_booking() {
    let scene = Scene::new().await;
    scene
        .waiting_reminder(&Webhook::abandoned("BK-1", ADA), "BK-1")
        .await;

    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;

    let reminder = scene.state("BK-1", REMINDER_1).await;
    assert_eq!(reminder, (Withdrawn, because("confirmed")));
    assert_eq!(scene.state("BK-1", CONFIRMATION).await, (Queued, None));
    assert_eq!(scene.messages("BK-1").await.len(), 2);
}

// shows: B20
#[tokio::test]
async fn a_confirmation_withdraws_the_reminder_of_the_cart_that_it_names() {
    let scene = Scene::new().await;
    scene
        .waiting_reminder(&Webhook::abandoned("CART-1", ADA), "CART-1")
        .await;

    // Another number: only the cart's id tells that they belong together.
    let confirmed = Webhook::confirmed("BK-1", BOB).grown_from("CART-1");
    scene.happens(&confirmed).await;

    let reminder = scene.state("CART-1", REMINDER_1).await;
    assert_eq!(reminder, (Withdrawn, because("became_reservation")));
}

// shows: B21
#[tokio::test]
async fn a_confirmation_withdraws_the_reminders_of_the_guests_other_carts_for_the_same_days() {
    let scene = Scene::new().await;
    let overlapping = Webhook::abandoned("CART-1", ADA).staying("2090-06-05", "2090-06-12");
    scene.waiting_reminder(&overlapping, "CART-1").await;
    scene
        .waiting_reminder(&Webhook::abandoned("CART-2", ADA), "CART-2")
        .await;

    let confirmed = Webhook::confirmed("BK-1", ADA).staying("2090-06-01", "2090-06-08");
    scene.happens(&confirmed).await;

    for cart in ["CART-1", "CART-2"] {
        let reminder = scene.state(cart, REMINDER_1).await;
        assert_eq!(reminder, (Withdrawn, because("booked_elsewhere")), "{cart}");
    }
}

// shows: B23
#[tokio::test]
async fn a_confirmation_leaves_carts_for_other_days_and_of_other_guests_alone() {
    let scene = Scene::new().await;
    let later = Webhook::abandoned("CART-1", ADA).staying("2090-08-01", "2090-08-08");
    scene.happens(&later).await;
    scene.happens(&Webhook::abandoned("CART-2", EVE)).await;

    let confirmed = Webhook::confirmed("BK-1", ADA).staying("2090-06-01", "2090-06-08");
    scene.happens(&confirmed).await;

    assert_eq!(scene.booking("BK-1").await.status, Status::Confirmed);
    for cart in ["CART-1", "CART-2"] {
        assert_eq!(scene.state(cart, REMINDER_1).await, (Queued, None), "{cart}");
        scene.calls(cart, REMINDER_1).await;
    }
}

// shows: B19
#[tokio::test]
async fn a_confirmation_keeps_the_second_reminder_from_being_sent() {
    let scene = Scene::new().await;
    scene.reminded("BK-1", ADA).await;
    assert!(scene.booking("BK-1").await.wake_at.is_some());

    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    scene.a_day_goes_by().await;

    let booking = scene.booking("BK-1").await;
    assert_eq!((booking.status, booking.wake_at), (Status::Confirmed, None));
    assert!(scene.message("BK-1", REMINDER_2).await.is_none());
}

// shows: B24
#[tokio::test]
async fn after_a_confirmation_no_cart_event_sets_anything_whatever_the_clocks_say() {
    let scene = Scene::with_file(&ResortFile::default()).await;
    let confirmed = Webhook::confirmed("BK-1", ADA).ago(TimeDelta::minutes(10));
    scene.happens(&confirmed).await;
    scene.calls("BK-1", CONFIRMATION).await;

    scene.happens(&Webhook::started("BK-1", ADA)).await;
    scene.happens(&Webhook::abandoned("BK-1", ADA)).await;
    scene.timers_come().await;

    let booking = scene.booking("BK-1").await;
    assert_eq!((booking.status, booking.wake_at), (Status::Confirmed, None));
    assert!(scene.message("BK-1", REMINDER_1).await.is_none());
}

// shows: B26
#[tokio::test]
async fn a_change_moves_the_stay_and_its_timers_and_is_not_confirmed_again() {
    let scene = Scene::new().await;
    let confirmed = Webhook::confirmed("BK-1", ADA).staying("2090-06-01", "2090-06-08");
    scene.happens(&confirmed).await;
    scene.calls("BK-1", CONFIRMATION).await;
    let before = scene.booking("BK-1").await.wake_at.unwrap();

    let modified = Webhook::new(EventType::ReservationModified, "BK-1").staying("2090-06-03", "2090-06-10");
    scene.happens(&modified).await;

    let booking = scene.booking("BK-1").await;
    assert_eq!(booking.status, Status::Confirmed);
    assert_eq!(booking.wake_at.unwrap() - before, TimeDelta::days(2));
    assert_eq!(scene.messages("BK-1").await.len(), 1);
}

// shows: B28
#[tokio::test]
async fn a_cancellation_withdraws_what_is_to_come_and_a_later_confirmation_is_confirmed_again() {
    let scene = Scene::new().await;
    let confirmed = Webhook::confirmed("BK-1", ADA).staying("2090-06-01", "2090-06-08");
    scene.happens(&confirmed).await;
    scene.calls("BK-1", CONFIRMATION).await;

    scene
        .happens(&Webhook::new(EventType::ReservationCancelled, "BK-1"))
        .await;
    let cancelled = scene.booking("BK-1").await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    scene.calls("BK-1", CONFIRMATION).await;

    assert_eq!((cancelled.status, cancelled.wake_at), (Status::Cancelled, None));
    let booking = scene.booking("BK-1").await;
    assert_eq!(booking.status, Status::Confirmed);
    assert!(booking.wake_at.is_some());
    let confirmations = scene.messages("BK-1").await;
    let rounds: Vec<_> = confirmations
        .iter()
        .map(|message| message.existing.round)
        .collect();
    assert_eq!(rounds.len(), 2);
    assert_ne!(rounds[0], rounds[1]);
}

// shows: B27
#[tokio::test]
async fn a_cancellation_withdraws_a_confirmation_that_has_not_gone() {
    let scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    scene.claimed_and_to_be_tried_later("BK-1", CONFIRMATION).await;

    scene
        .happens(&Webhook::new(EventType::ReservationCancelled, "BK-1"))
        .await;

    let confirmation = scene.state("BK-1", CONFIRMATION).await;
    assert_eq!(confirmation, (Withdrawn, because("cancelled")));
}

#[tokio::test]
async fn a_cancellation_during_a_call_keeps_the_message_from_being_tried_again() {
    let scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    let claimed = scene.claim("BK-1", CONFIRMATION).await;

    scene
        .happens(&Webhook::new(EventType::ReservationCancelled, "BK-1"))
        .await;
    let later = NextStep::RetryAfter(Duration::from_secs(10));
    scene
        .answered(CONFIRMATION, claimed, later, (None, Vec::new()))
        .await;

    let confirmation = scene.state("BK-1", CONFIRMATION).await;
    assert_eq!(confirmation, (Withdrawn, because("cancelled")));
}

// shows: B29
#[tokio::test]
async fn a_reservation_without_a_phone_inherits_the_guest_of_its_cart() {
    let scene = Scene::new().await;
    let cart = Webhook::started("CART-1", ADA).named("Ada Lovelace");
    scene.happens(&cart).await;

    let confirmed = Webhook::new(EventType::ReservationConfirmed, "BK-1").grown_from("CART-1");
    scene.happens(&confirmed).await;

    assert_eq!(scene.state("BK-1", CONFIRMATION).await, (Queued, None));
    let (cart, reservation) = (scene.booking("CART-1").await, scene.booking("BK-1").await);
    let name = |facts: &domain::facts::Facts| facts.name.as_ref().map(|fact| fact.value.reveal().to_owned());
    assert_eq!(name(&reservation.facts), Some("Ada Lovelace".to_owned()));
    assert_eq!(reservation.phone_hash, cart.phone_hash);
}

// shows: B29
#[tokio::test]
async fn a_cart_whose_event_comes_only_after_its_reservation_still_gives_it_the_phone() {
    let scene = Scene::new().await;
    let confirmed = Webhook::new(EventType::ReservationConfirmed, "BK-1").grown_from("CART-1");
    scene.happens(&confirmed).await;
    assert_eq!(
        scene.state("BK-1", CONFIRMATION).await,
        (Skipped, because("no_phone"))
    );

    let cart = Webhook::started("CART-1", ADA).ago(TimeDelta::minutes(5));
    scene.happens(&cart).await;

    assert_eq!(scene.state("BK-1", CONFIRMATION).await, (Queued, None));
}

#[tokio::test]
async fn a_reservation_and_its_cart_in_one_batch_are_joined_whichever_comes_first() {
    let scene = Scene::new().await;
    for (order, phone) in [(0, ADA), (1, BOB)] {
        let (cart, booking) = (format!("CART-{order}"), format!("BK-{order}"));
        let mut both = vec![
            Webhook::abandoned(&cart, phone),
            Webhook::new(EventType::ReservationConfirmed, &booking).grown_from(&cart),
        ];
        if order == 1 {
            both.reverse();
        }

        assert_eq!(scene.arrive(&both).await, ["committed", "committed"]);

        assert_eq!(scene.state(&booking, CONFIRMATION).await, (Queued, None));
        let reminder = scene.message(&cart, REMINDER_1).await;
        assert!(reminder.is_none_or(|message| message.existing.state == Withdrawn));
    }
}

#[tokio::test]
async fn a_check_in_sets_the_review_timer_and_a_check_out_moves_it() {
    let scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    scene.calls("BK-1", CONFIRMATION).await;

    scene
        .happens(&Webhook::new(EventType::GuestCheckedIn, "BK-1"))
        .await;
    assert_eq!(scene.booking("BK-1").await.status, Status::CheckedIn);
    scene
        .happens(&Webhook::new(EventType::GuestCheckedOut, "BK-1"))
        .await;
    let out = scene.booking("BK-1").await;
    assert_eq!(out.status, Status::CheckedOut);
    assert!(out.wake_at.is_some());
    assert!(scene.message("BK-1", REVIEW_REQUEST).await.is_none());

    let long_ago = Webhook::new(EventType::GuestCheckedOut, "BK-1").ago(TimeDelta::hours(-1));
    scene.happens(&long_ago).await;
    scene.sql("UPDATE bookings SET wake_at = clock_timestamp()").await;
    scene.wake().await;

    // A day after the check-out, not at the timer that the test moved.
    assert!(scene.message("BK-1", REVIEW_REQUEST).await.is_none());
    assert!(scene.booking("BK-1").await.wake_at.is_some());
}

#[tokio::test]
async fn an_event_that_asks_for_no_messages_is_applied_and_sends_none() {
    let scene = Scene::new().await;

    scene
        .happens(&Webhook::confirmed("BK-1", ADA).without_messages())
        .await;

    assert_eq!(scene.booking("BK-1").await.status, Status::Confirmed);
    let messages = scene.messages("BK-1").await;
    assert!(messages.iter().all(|message| message.existing.state == Skipped));
}
