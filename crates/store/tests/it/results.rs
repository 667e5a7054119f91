//! Answers and reports find their message, in whatever order they come.

use std::time::Duration;

use chrono::Utc;
use domain::after_call::NextStep;
use domain::dead_letter::DeadLetterReason;
use domain::event::EventType::ReservationConfirmed;
use domain::ids::{MessageId, WhatsAppMessageId};
use domain::message::MessageKind::Reminder1;
use domain::message::{Attempt, CallbackData, DeliveryStatus, MessageState};
use domain::message_record::Report;
use store::results::{self, Outcome};

use crate::scene::{Scene, accepted, judging};

fn report(callback: Option<(MessageId, Attempt)>, status: DeliveryStatus) -> Report {
    Report {
        callback: callback.map(|(message, attempt)| CallbackData { message, attempt }),
        whatsapp_id: WhatsAppMessageId::parse("wamid.1").unwrap(),
        status,
        at: Utc::now(),
        failure: None,
        pricing: None,
        names: Vec::new(),
    }
}

async fn reported(scene: &Scene, reports: Vec<Report>) -> Outcome {
    scene
        .run(move |c, planner| results::record_reports(c, planner, &judging(), &reports))
        .await
}

async fn state(scene: &Scene) -> MessageState {
    scene.message("BK-1", Reminder1).await.existing.state
}

async fn call(scene: &Scene) -> (MessageId, Attempt) {
    scene.due_reminder("BK-1").await;
    scene.claimed("BK-1").await
}

// shows: G25
#[tokio::test]
async fn a_refused_message_waits_for_its_next_try_and_the_old_attempts_late_answer_changes_nothing() {
    let scene = Scene::new().await;
    let first = call(&scene).await;
    let again = NextStep::RetryAfter(Duration::ZERO);
    scene.answered(first, again).await;
    let second = scene.claimed("BK-1").await;
    assert_eq!(second.1, Attempt(2));

    let late = scene
        .answered(first, NextStep::GiveUp(DeadLetterReason::Refused))
        .await;
    assert!(late.recorded.is_empty());
    assert_eq!(state(&scene).await, MessageState::Sending);

    let accepted_late = scene.answered(first, accepted()).await;
    assert_eq!(accepted_late.recorded.len(), 1);
    assert_eq!(state(&scene).await, MessageState::Sent);
}

// shows: G26
#[tokio::test]
async fn a_refused_message_that_was_withdrawn_meanwhile_is_not_queued_again() {
    let scene = Scene::new().await;
    let call = call(&scene).await;
    scene.happens(ReservationConfirmed, "BK-1", 1).await;

    scene.answered(call, NextStep::RetryAfter(Duration::ZERO)).await;

    assert_eq!(state(&scene).await, MessageState::Withdrawn);
}

#[tokio::test]
async fn reports_are_matched_by_our_callback_or_by_the_hash_of_whatsapps_id() {
    let scene = Scene::new().await;
    let call = call(&scene).await;
    assert_eq!(
        reported(&scene, vec![report(None, DeliveryStatus::Sent)])
            .await
            .unmatched,
        1
    );

    reported(&scene, vec![report(Some(call), DeliveryStatus::Sent)]).await;
    assert_eq!(state(&scene).await, MessageState::Sent);

    let outcome = reported(&scene, vec![report(None, DeliveryStatus::Delivered)]).await;
    assert_eq!(
        (outcome.unmatched, state(&scene).await),
        (0, MessageState::Delivered)
    );
}

#[tokio::test]
async fn a_report_of_a_message_that_is_not_ours_is_counted_and_harms_nothing() {
    let scene = Scene::new().await;
    let call = call(&scene).await;
    let strange = (MessageId(uuid::Uuid::now_v7()), Attempt(1));

    let reports = vec![
        report(Some(strange), DeliveryStatus::Sent),
        report(Some(call), DeliveryStatus::Sent),
    ];
    let outcome = reported(&scene, reports).await;

    assert_eq!((outcome.unmatched, outcome.recorded.len()), (1, 1));
}

// shows: G25
#[tokio::test]
async fn several_reports_of_one_message_in_one_batch_climb_to_the_highest() {
    use DeliveryStatus::{Delivered, Failed, Read, Sent};
    let scene = Scene::new().await;
    let call = call(&scene).await;
    let reports = |statuses: &[DeliveryStatus]| statuses.iter().map(|s| report(Some(call), *s)).collect();

    reported(&scene, reports(&[Delivered, Sent, Sent, Failed])).await;
    assert_eq!(state(&scene).await, MessageState::Delivered);

    let outcome = reported(&scene, reports(&[Read, Delivered, Read])).await;
    assert_eq!(
        (outcome.recorded.len(), state(&scene).await),
        (1, MessageState::Read)
    );
    scene.answered(call, accepted()).await;
    assert_eq!(state(&scene).await, MessageState::Read);
}

#[tokio::test]
async fn a_failure_after_sending_makes_a_letter_which_a_delivery_takes_back() {
    let scene = Scene::new().await;
    let call = call(&scene).await;
    scene.answered(call, accepted()).await;
    let letters = || scene.run(|c, _| store::relay::list_letters(c, 10));

    reported(&scene, vec![report(None, DeliveryStatus::Failed)]).await;
    assert_eq!(state(&scene).await, MessageState::Dead);
    assert_eq!(letters().await.len(), 1);

    reported(&scene, vec![report(None, DeliveryStatus::Delivered)]).await;
    assert_eq!(state(&scene).await, MessageState::Delivered);
    assert!(letters().await.is_empty());
}
