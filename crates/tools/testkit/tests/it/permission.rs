//! Whom nobody may write to, and what for.

use domain::message::{MessageState, Reason};
use domain::plan::Status;
use serde_json::json;
use testkit::world::{Event, NUMBER, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION, EVE, REMINDER_1, REVIEW_REQUEST, waiting_reminder};

/// Leaves a cart behind and expects that its reminder is skipped, while a reservation's confirmation goes.
async fn gets_confirmations_only(world: &World, reason: Reason) {
    world.post(&Event::abandoned("CART-9", ADA)).await;
    let reminder = world
        .until_state("CART-9", REMINDER_1, MessageState::Skipped)
        .await;
    assert_eq!(reminder.existing.reason, Some(reason));

    world.post(&Event::confirmed("BK-9", ADA)).await;
    world.until_state("BK-9", CONFIRMATION, MessageState::Read).await;
}

// shows: B40
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_says_notify_false_is_applied_and_sends_nothing() {
    let world = World::start(&ResortFile::patient()).await;

    world
        .post(&Event::confirmed("BK-1", ADA).with("/notify", false))
        .await;
    world
        .post(&Event::abandoned("BK-2", BOB).with("/notify", false))
        .await;

    world.until_status("BK-1", Status::Confirmed).await;
    world.until_status("BK-2", Status::Abandoned).await;
    for booking in ["BK-1", "BK-2"] {
        assert!(world.messages(booking).await.is_empty(), "{booking}");
    }
}

// shows: B41
#[tokio::test(flavor = "multi_thread")]
async fn without_consent_only_the_confirmation_is_sent() {
    let world = World::start(&ResortFile::default()).await;

    world
        .post(&Event::abandoned("BK-1", ADA).with("/guest/consent", false))
        .await;
    let reminder = world.until_state("BK-1", REMINDER_1, MessageState::Skipped).await;
    world
        .post(&Event::confirmed("BK-2", BOB).with("/guest/consent", false))
        .await;
    world.until_state("BK-2", CONFIRMATION, MessageState::Read).await;
    world.post(&Event::new("guest_checked_out", "BK-2")).await;
    let review = world
        .until_state("BK-2", REVIEW_REQUEST, MessageState::Skipped)
        .await;

    assert_eq!(reminder.existing.reason, Some(Reason::NoConsent));
    assert_eq!(review.existing.reason, Some(Reason::NoConsent));
    assert!(world.received_by(ADA).await.is_empty());
    assert_eq!(world.names_received_by(BOB).await, ["confirmed"]);
}

// shows: B42
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_opted_out_gets_confirmations_only_until_they_opt_in_again() {
    let world = World::start(&ResortFile::patient()).await;

    world
        .post(&Event::new("guest_opted_out", "-").without_booking().of(ADA))
        .await;
    gets_confirmations_only(&world, Reason::OptedOut).await;
    world.post(&Event::new("reservation_cancelled", "BK-9")).await;
    world.until_status("BK-9", Status::Cancelled).await;
    world
        .post(&Event::new("guest_opted_in", "-").without_booking().of(ADA))
        .await;
    world.post(&Event::abandoned("CART-10", ADA)).await;

    world.until_state("CART-10", REMINDER_1, MessageState::Read).await;
}

// shows: B43
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_answers_stop_gets_no_reminders_any_more() {
    let world = World::start(&ResortFile::patient()).await;

    world
        .tell_sandbox(
            "inbound",
            &json!({ "from": ADA, "text": "Stop!", "phone_number_id": NUMBER }),
        )
        .await;
    world.until_guests_heard(1).await;

    gets_confirmations_only(&world, Reason::OptedOut).await;
}

// shows: B47
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_stops_marketing_in_whatsapp_gets_no_reminders_until_they_resume() {
    let world = World::start(&ResortFile::patient()).await;
    let preference = |wish: &str| json!({ "from": ADA, "marketing": wish, "phone_number_id": NUMBER });

    world.tell_sandbox("inbound", &preference("stop")).await;
    world.until_guests_heard(1).await;
    world.post(&Event::abandoned("CART-1", ADA)).await;
    let reminder = world
        .until_state("CART-1", REMINDER_1, MessageState::Skipped)
        .await;
    // WhatsApp's times are whole seconds, and of two words of one second stop wins.
    world.tell_sandbox("clock", &json!({ "advance": "2s" })).await;
    world.tell_sandbox("inbound", &preference("resume")).await;

    assert_eq!(reminder.existing.reason, Some(Reason::OptedOut));
    // Still of use: it was skipped, not sent, and its time is not over.
    world.until_state("CART-1", REMINDER_1, MessageState::Read).await;
}

// shows: B55
#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_or_missing_number_skips_the_messages_and_counts_for_the_booking() {
    let world = World::start(&ResortFile::patient()).await;

    world.post(&Event::confirmed("BK-1", "12345")).await;
    world.post(&Event::new("reservation_confirmed", "BK-2")).await;

    for (booking, reason) in [("BK-1", Reason::InvalidPhone), ("BK-2", Reason::NoPhone)] {
        world.until_status(booking, Status::Confirmed).await;
        let message = world
            .until_state(booking, CONFIRMATION, MessageState::Skipped)
            .await;
        assert_eq!(message.existing.reason, Some(reason), "{booking}");
        assert_eq!(message.existing.attempts, 0, "{booking}");
    }
}

// shows: B58
#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_a_country_code_is_read_as_one_of_the_resorts_country() {
    let world = World::start(&ResortFile::patient()).await;

    world.post(&Event::confirmed("BK-1", "691 234 5678")).await;

    let received = world.until_received(ADA, 1).await;
    assert_eq!(received[0].name(), "confirmed");
}

// shows: B61
#[tokio::test(flavor = "multi_thread")]
async fn in_test_mode_only_the_test_numbers_are_written_to() {
    let resort = ResortFile {
        top: format!("mode = \"test\"\ntest_numbers = [\"{EVE}\"]"),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.post(&Event::confirmed("BK-2", EVE)).await;

    let skipped = world
        .until_state("BK-1", CONFIRMATION, MessageState::Skipped)
        .await;
    assert_eq!(skipped.existing.reason, Some(Reason::TestMode));
    world.until_received(EVE, 1).await;
    assert!(world.received_by(ADA).await.is_empty());
}

// shows: B42
#[tokio::test(flavor = "multi_thread")]
async fn opting_out_withdraws_a_reminder_that_waits() {
    let world = World::start(&ResortFile::patient()).await;
    waiting_reminder(&world, &Event::abandoned("CART-0", ADA), "CART-0", ADA).await;

    world
        .post(&Event::new("guest_opted_out", "-").without_booking().of(ADA))
        .await;

    let reminder = world
        .until_state("CART-0", REMINDER_1, MessageState::Withdrawn)
        .await;
    assert_eq!(reminder.existing.reason, Some(Reason::OptedOut));
    assert!(world.received_by(ADA).await.is_empty());
}
