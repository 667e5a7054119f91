//! Guests who get no message, or only some kinds.

use domain::consent::ConsentChange;
use domain::event::EventType;
use domain::hold::Coverage;
use domain::message::MessageState::{Held, Queued, Sent, Skipped, Withdrawn};
use domain::message::Reason;
use domain::plan::Status;
use serde_json::json;
use testkit::world::ResortFile;

use crate::holds::{pause, resume};
use crate::scene::{
    ADA, BOB, CONFIRMATION, EVE, REMINDER_1, REVIEW_REQUEST, STOP_CONFIRMATION, Scene, abandoned, confirmed,
    event,
};

// shows: B40
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_says_notify_false_is_applied_and_sends_nothing() {
    let scene = Scene::new().await;
    let quiet = |mut event: domain::event::Event| {
        event.notify = false;
        event
    };

    scene.apply_and_send(quiet(confirmed("BK-1", ADA))).await;
    scene.apply_and_send(quiet(abandoned("BK-2", BOB))).await;

    for (booking, status) in [("BK-1", Status::Confirmed), ("BK-2", Status::Abandoned)] {
        assert_eq!(scene.booking(booking).await.status, status);
        assert!(scene.messages(booking).await.is_empty(), "{booking}");
    }
    assert!(scene.calls().await.is_empty());
}

// shows: B41
#[tokio::test(flavor = "multi_thread")]
async fn without_consent_only_the_confirmation_is_sent() {
    let scene = Scene::of(&ResortFile {
        review_after: Some("1ms".to_owned()),
        ..ResortFile::default()
    })
    .await;
    let without_consent = |mut event: domain::event::Event| {
        event.guest.consent = Some(false);
        event
    };

    scene
        .apply_and_send(without_consent(abandoned("BK-1", ADA)))
        .await;
    scene
        .apply_and_send(without_consent(confirmed("BK-2", BOB)))
        .await;
    scene.apply(event(EventType::GuestCheckedOut, "BK-2", BOB)).await;
    scene.plan("BK-2").await;
    scene.send().await;

    for (booking, kind) in [("BK-1", REMINDER_1), ("BK-2", REVIEW_REQUEST)] {
        let skipped = scene.check(booking, kind, Skipped).await;
        assert_eq!(skipped.existing.reason, Some(Reason::NoConsent), "{booking}");
    }
    scene.check("BK-2", CONFIRMATION, Sent).await;
    assert!(scene.received_by(ADA).await.is_empty());
    assert_eq!(scene.names_received_by(BOB).await, ["confirmed"]);
}

// shows: B42
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_opted_out_gets_confirmations_only_until_they_opt_in_again() {
    let scene = Scene::new().await;
    scene.says(ADA, ConsentChange::Stop).await;

    scene.apply_and_send(abandoned("CART-9", ADA)).await;
    scene.apply_and_send(confirmed("BK-9", ADA)).await;
    let reminder = scene.check("CART-9", REMINDER_1, Skipped).await;
    scene
        .apply(event(EventType::ReservationCancelled, "BK-9", ADA))
        .await;
    scene.says(ADA, ConsentChange::Start).await;
    scene.apply_and_send(abandoned("CART-10", ADA)).await;

    assert_eq!(reminder.existing.reason, Some(Reason::OptedOut));
    scene.check("BK-9", CONFIRMATION, Sent).await;
    assert_eq!(scene.booking("BK-9").await.status, Status::Cancelled);
    scene.check("CART-10", REMINDER_1, Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_stops_after_a_reminder_was_prepared_does_not_get_it() {
    let scene = Scene::new().await;
    scene.apply(abandoned("CART-1", ADA)).await;
    let due = scene.due().await;

    scene.says(ADA, ConsentChange::Stop).await;
    scene.sender.send_once(due).await.unwrap();

    let ended = scene.message("CART-1", REMINDER_1).await;
    assert_eq!(ended.existing.reason, Some(Reason::OptedOut));
    assert!(scene.calls().await.is_empty());
}

// shows: B42
#[tokio::test(flavor = "multi_thread")]
async fn opting_out_withdraws_a_reminder_that_waits_for_its_next_try() {
    let scene = Scene::new().await;
    let refuse = json!({ "when": { "to": ADA }, "times": 1, "answer": { "error": 131_016 } });
    scene.tell_sandbox("failures", refuse).await;
    scene.apply_and_send(abandoned("CART-0", ADA)).await;
    scene.check("CART-0", REMINDER_1, Queued).await;

    scene.says(ADA, ConsentChange::Stop).await;
    scene.next_try_is_due().await;
    scene.send().await;

    let reminder = scene.check("CART-0", REMINDER_1, Withdrawn).await;
    assert_eq!(reminder.existing.reason, Some(Reason::OptedOut));
    assert!(scene.received_by(ADA).await.is_empty());
}

// shows: B55
#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_or_missing_number_skips_the_messages_and_counts_for_the_booking() {
    let scene = Scene::new().await;
    let mut without_number = confirmed("BK-2", ADA);
    without_number.guest.phone = None;

    scene.apply_and_send(confirmed("BK-1", "12345")).await;
    scene.apply_and_send(without_number).await;

    for (booking, reason) in [("BK-1", Reason::InvalidPhone), ("BK-2", Reason::NoPhone)] {
        assert_eq!(scene.booking(booking).await.status, Status::Confirmed);
        let message = scene.check(booking, CONFIRMATION, Skipped).await;
        assert_eq!(message.existing.reason, Some(reason), "{booking}");
        assert_eq!(message.existing.attempts, 0, "{booking}");
    }
}

// shows: B58
#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_a_country_code_is_read_as_one_of_the_resorts_country() {
    let scene = Scene::new().await;

    scene.apply_and_send(confirmed("BK-1", "691 234 5678")).await;

    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B61
#[tokio::test(flavor = "multi_thread")]
async fn in_test_mode_only_the_test_numbers_are_written_to() {
    let scene = Scene::of(&ResortFile {
        top: format!("mode = \"test\"\ntest_numbers = [\"{EVE}\"]"),
        ..ResortFile::patient()
    })
    .await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.apply_and_send(confirmed("BK-2", EVE)).await;

    let skipped = scene.check("BK-1", CONFIRMATION, Skipped).await;
    assert_eq!(skipped.existing.reason, Some(Reason::TestMode));
    assert_eq!(scene.names_received_by(EVE).await, ["confirmed"]);
    assert!(scene.received_by(ADA).await.is_empty());
}

// shows: B53
#[tokio::test(flavor = "multi_thread")]
async fn the_confirmation_of_a_stop_obeys_test_mode_pauses_and_the_end_of_the_window() {
    let scene = Scene::of(&ResortFile {
        top: format!("mode = \"test\"\ntest_numbers = [\"{BOB}\"]"),
        ..ResortFile::patient()
    })
    .await;
    for (cart, phone) in [("CART-1", ADA), ("CART-2", BOB)] {
        scene.apply_and_send(abandoned(cart, phone)).await;
        scene.open_window(phone).await;
    }
    let confirmations = Coverage {
        kind: Some(STOP_CONFIRMATION),
        ..Coverage::default()
    };
    pause(&scene, confirmations.clone()).await;

    for (cart, phone) in [("CART-1", ADA), ("CART-2", BOB)] {
        scene.stops(cart, phone).await;
    }
    scene.send().await;

    let skipped = scene.check("CART-1", STOP_CONFIRMATION, Skipped).await;
    assert_eq!(skipped.existing.reason, Some(Reason::TestMode));
    scene.check("CART-2", STOP_CONFIRMATION, Held).await;
    let over = "UPDATE conversations SET open_until = clock_timestamp()";
    scene.database.execute(over).await;
    resume(&scene, confirmations).await;
    scene.maintain_and_send().await;
    let late = scene.check("CART-2", STOP_CONFIRMATION, Skipped).await;
    assert_eq!(late.existing.reason, Some(Reason::WindowClosed));
    assert_eq!(scene.names_received_by(BOB).await, ["reminder_1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_the_united_states_gets_confirmations_and_no_marketing() {
    const IN_THE_US: &str = "+12025550143";
    let scene = Scene::new().await;

    scene.apply_and_send(abandoned("CART-1", IN_THE_US)).await;
    scene.apply_and_send(confirmed("BK-1", IN_THE_US)).await;

    let skipped = scene.message("CART-1", REMINDER_1).await;
    assert_eq!(skipped.existing.reason, Some(Reason::UsMarketing));
    assert_eq!(scene.names_received_by(IN_THE_US).await, ["confirmed"]);
}
