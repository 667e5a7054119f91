//! Calls that nobody spoke of again: what is gathered around them, and what becomes of them.

use std::time::Duration;

use chrono::TimeDelta;
use domain::after_call::NextStep;
use domain::event::EventType::ReservationConfirmed;
use domain::ids::{MessageId, WhatsAppMessageId};
use domain::message::MessageKind::{Reminder1, Reminder2};
use domain::message::MessageState::{self, Dead, Delivered, Queued, Sending, Unknown, Withdrawn};
use domain::message::{Attempt, CallbackData, DeliveryStatus};
use domain::message_record::Report;
use domain::silence_policy::{SilencePolicy, SilenceVerdict};
use store::results::{self, Outcome, UnresolvedCall};

use crate::scene::{Scene, accepted, anna, judging};

type Call = (MessageId, Attempt);

fn report(call: Call, status: DeliveryStatus) -> Report {
    Report {
        callback: Some(CallbackData {
            message: call.0,
            attempt: call.1,
        }),
        whatsapp_id: WhatsAppMessageId::parse(&format!("wamid.{}", call.0)).unwrap(),
        status,
        at: chrono::Utc::now(),
        failure: None,
        pricing: None,
        names: Vec::new(),
    }
}

async fn reported(scene: &Scene, call: Call, status: DeliveryStatus) -> Outcome {
    scene
        .run(move |c, planner| results::record_reports(c, planner, &judging(), &[report(call, status)]))
        .await
}

async fn state(scene: &Scene) -> MessageState {
    scene.message("BK-1", Reminder1).await.existing.state
}

/// A first reminder whose call ended without an answer.
async fn silent_call(scene: &Scene) -> Call {
    scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;
    scene.answered(call, NextStep::AwaitEvidence).await;
    call
}

/// Another reminder that WhatsApp accepted, claimed now.
async fn neighbour(scene: &Scene, booking: &str) -> Call {
    scene.due_reminder(booking).await;
    let call = scene.claimed(booking).await;
    scene.answered(call, accepted_as(booking)).await;
    call
}

fn accepted_as(booking: &str) -> NextStep {
    NextStep::Finish(WhatsAppMessageId::parse(&format!("wamid.{booking}")).unwrap())
}

/// Five neighbours, all of them reported.
async fn five_witnesses(scene: &Scene) {
    for number in 2..7 {
        let call = neighbour(scene, &format!("BK-{number}")).await;
        reported(scene, call, DeliveryStatus::Sent).await;
    }
}

async fn minutes_pass(scene: &Scene, minutes: i64) {
    scene
        .sql(&format!(
            "UPDATE messages SET claimed_at = claimed_at - interval '{minutes} minutes'"
        ))
        .await;
}

async fn gathered(scene: &Scene, events_empty: bool) -> Vec<UnresolvedCall> {
    scene
        .run(move |c, _| results::gather(c, &SilencePolicy::default(), events_empty, None, 10))
        .await
}

/// The only silent call, judged.
async fn judged(scene: &Scene) -> (UnresolvedCall, SilenceVerdict) {
    let silent = gathered(scene, true).await;
    let [one] = silent.as_slice() else {
        panic!("{silent:?}");
    };
    (one.clone(), SilencePolicy::default().judge(&one.evidence))
}

async fn settled(scene: &Scene, silent: UnresolvedCall, verdict: SilenceVerdict) -> Outcome {
    scene
        .run(move |c, planner| results::settle_silence(c, planner, &silent, verdict))
        .await
}

async fn doubted(scene: &Scene) -> usize {
    scene
        .run(|c, _| results::doubt_lost_calls(c, TimeDelta::seconds(60)))
        .await
}

#[tokio::test]
async fn a_call_whose_process_died_becomes_unknown_then_a_letter_and_a_report_settles_it_still() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;
    assert_eq!(doubted(&scene).await, 0);

    minutes_pass(&scene, 2).await;
    assert_eq!(doubted(&scene).await, 1);
    let (silent, verdict) = judged(&scene).await;
    assert_eq!(verdict, SilenceVerdict::Wait);
    settled(&scene, silent, verdict).await;
    assert_eq!(state(&scene).await, Unknown);

    minutes_pass(&scene, 28).await;
    let (silent, verdict) = judged(&scene).await;
    assert_eq!(verdict, SilenceVerdict::GiveUp);
    settled(&scene, silent, verdict).await;
    let reminder = scene.message("BK-1", Reminder1).await;
    assert_eq!(
        (reminder.existing.state, reminder.reason.as_deref()),
        (Dead, Some("outcome_unknown"))
    );
    assert_eq!(scene.run(|c, _| store::relay::list_letters(c, 10)).await.len(), 1);

    reported(&scene, call, DeliveryStatus::Delivered).await;
    assert_eq!(state(&scene).await, Delivered);
}

#[tokio::test]
async fn a_silent_call_whose_neighbours_were_all_reported_is_queued_again_once() {
    let scene = Scene::new().await;
    silent_call(&scene).await;
    five_witnesses(&scene).await;
    assert!(
        gathered(&scene, true).await.is_empty(),
        "it has been silent for a moment only"
    );
    minutes_pass(&scene, 2).await;

    let (silent, verdict) = judged(&scene).await;
    assert_eq!((silent.evidence.answered, silent.evidence.reported), (5, 5));
    assert_eq!(verdict, SilenceVerdict::QueueAgain);
    settled(&scene, silent, verdict).await;
    assert_eq!(state(&scene).await, Queued);

    let second = scene.claimed("BK-1").await;
    assert_eq!(second.1, Attempt(2));
    scene.answered(second, NextStep::AwaitEvidence).await;
    minutes_pass(&scene, 2).await;
    let (silent, verdict) = judged(&scene).await;
    assert_eq!(
        (silent.evidence.queued_before, verdict),
        (true, SilenceVerdict::Wait)
    );
}

#[tokio::test]
async fn a_neighbour_without_a_report_and_one_of_another_time_or_number_do_not_speak() {
    let scene = Scene::new().await;
    neighbour(&scene, "BK-0").await;
    silent_call(&scene).await;
    neighbour(&scene, "BK-2").await;
    neighbour(&scene, "BK-3").await;
    neighbour(&scene, "BK-4").await;
    let refused = scene.due_reminder("BK-5").await;
    let refused = (refused, scene.claimed("BK-5").await.1);
    scene
        .answered(refused, NextStep::RetryAfter(Duration::ZERO))
        .await;
    scene
        .sql(
            "UPDATE messages SET called_from = 'another' WHERE booking_key LIKE '%/BK-3'; \
             UPDATE messages SET claimed_at = claimed_at + interval '61 seconds' WHERE booking_key LIKE '%/BK-4'",
        )
        .await;
    minutes_pass(&scene, 3).await;

    let (silent, _) = judged(&scene).await;

    assert_eq!((silent.evidence.answered, silent.evidence.reported), (1, 0));
}

#[tokio::test]
async fn a_template_that_whatsapp_holds_back_makes_silence_say_nothing() {
    let scene = Scene::new().await;
    silent_call(&scene).await;
    five_witnesses(&scene).await;
    minutes_pass(&scene, 2).await;
    assert_eq!(judged(&scene).await.1, SilenceVerdict::QueueAgain);

    scene
        .sql("UPDATE messages SET paced = true WHERE booking_key LIKE '%/BK-2'")
        .await;
    assert_eq!(judged(&scene).await.1, SilenceVerdict::Wait);
    scene
        .sql("UPDATE messages SET template = 'another' WHERE booking_key LIKE '%/BK-2'")
        .await;
    assert_eq!(judged(&scene).await.1, SilenceVerdict::QueueAgain);
}

#[tokio::test]
async fn an_accepted_message_that_whatsapp_holds_back_is_remembered_until_its_next_call() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;
    scene.answered_paced(call, accepted()).await;
    silent_call_of(&scene, "BK-2").await;
    minutes_pass(&scene, 2).await;

    assert!(judged(&scene).await.0.evidence.template_paced);
}

async fn silent_call_of(scene: &Scene, booking: &str) {
    scene.due_reminder(booking).await;
    let call = scene.claimed(booking).await;
    scene.answered(call, NextStep::AwaitEvidence).await;
}

#[tokio::test]
async fn while_events_may_wait_silence_says_nothing_unless_younger_ones_were_applied() {
    let scene = Scene::new().await;
    silent_call(&scene).await;
    five_witnesses(&scene).await;
    minutes_pass(&scene, 2).await;
    let judged = async || {
        let silent = gathered(&scene, false).await;
        SilencePolicy::default().judge(&silent[0].evidence)
    };
    assert_eq!(judged().await, SilenceVerdict::Wait);

    scene
        .sql(
            "INSERT INTO events (key, source, event_type, received_at, request_id, outcome, sealed_body) \
             VALUES ('whatsapp/1', 'whatsapp', 'whatsapp_status', clock_timestamp(), 'r', 'applied', '')",
        )
        .await;
    assert_eq!(judged().await, SilenceVerdict::QueueAgain);
}

// shows: B100
#[tokio::test]
async fn a_report_that_comes_before_the_second_call_closes_the_matter() {
    let scene = Scene::new().await;
    let first = silent_call(&scene).await;
    five_witnesses(&scene).await;
    minutes_pass(&scene, 2).await;
    let (silent, verdict) = judged(&scene).await;
    settled(&scene, silent.clone(), verdict).await;

    reported(&scene, first, DeliveryStatus::Delivered).await;

    assert_eq!(state(&scene).await, Delivered);
    assert!(scene.run(|c, _| store::relay::take_due(c, 10)).await.is_empty());
    let wanted = scene.wanted("BK-1", Reminder1).await;
    assert!(scene.claim(vec![wanted]).await.is_empty());
    let late = settled(&scene, silent, SilenceVerdict::QueueAgain).await;
    assert!(late.recorded.is_empty(), "somebody spoke: {late:?}");
}

// shows: B100
#[tokio::test]
async fn a_failure_that_is_reported_of_the_first_call_makes_a_letter_and_no_second_call() {
    let scene = Scene::new().await;
    let first = silent_call(&scene).await;
    five_witnesses(&scene).await;
    minutes_pass(&scene, 2).await;
    let (silent, verdict) = judged(&scene).await;
    settled(&scene, silent, verdict).await;

    reported(&scene, first, DeliveryStatus::Failed).await;

    assert_eq!(state(&scene).await, Dead);
}

#[tokio::test]
async fn a_report_of_the_first_call_settles_a_message_whose_second_is_under_way() {
    let scene = Scene::new().await;
    let first = silent_call(&scene).await;
    five_witnesses(&scene).await;
    minutes_pass(&scene, 2).await;
    let (silent, verdict) = judged(&scene).await;
    settled(&scene, silent, verdict).await;
    let second = scene.claimed("BK-1").await;
    assert_eq!(state(&scene).await, Sending);

    reported(&scene, first, DeliveryStatus::Delivered).await;
    scene.answered(second, NextStep::RetryAfter(Duration::ZERO)).await;

    assert_eq!(state(&scene).await, Delivered);
}

#[tokio::test]
async fn a_silent_message_that_was_withdrawn_is_not_queued_again() {
    let scene = Scene::new().await;
    silent_call(&scene).await;
    five_witnesses(&scene).await;
    minutes_pass(&scene, 2).await;
    scene.happens(ReservationConfirmed, "BK-1", 1).await;

    let (silent, verdict) = judged(&scene).await;
    settled(&scene, silent, verdict).await;

    assert_eq!(state(&scene).await, Withdrawn);
}

#[tokio::test]
async fn of_two_senders_that_settle_the_same_silence_one_does() {
    let scene = Scene::new().await;
    silent_call(&scene).await;
    five_witnesses(&scene).await;
    minutes_pass(&scene, 2).await;
    let (silent, verdict) = judged(&scene).await;

    let (one, other) = tokio::join!(
        settled(&scene, silent.clone(), verdict),
        settled(&scene, silent.clone(), verdict)
    );

    assert_eq!(one.recorded.len() + other.recorded.len(), 1);
}

// shows: G30
#[tokio::test]
async fn what_a_sender_gathered_before_another_call_settles_nothing_of_that_call() {
    let scene = Scene::new().await;
    silent_call(&scene).await;
    five_witnesses(&scene).await;
    minutes_pass(&scene, 2).await;
    let (silent, verdict) = judged(&scene).await;
    settled(&scene, silent.clone(), verdict).await;
    let second = scene.claimed("BK-1").await;
    scene.answered(second, NextStep::AwaitEvidence).await;

    for verdict in [SilenceVerdict::QueueAgain, SilenceVerdict::GiveUp] {
        let late = settled(&scene, silent.clone(), verdict).await;
        assert!(late.recorded.is_empty(), "{verdict:?}: {late:?}");
    }

    assert_eq!(state(&scene).await, Unknown);
}

#[tokio::test]
async fn giving_up_on_the_first_reminder_plans_its_booking_again() {
    let scene = Scene::new().await;
    let first = silent_call(&scene).await;
    minutes_pass(&scene, 31).await;
    scene
        .sql("UPDATE bookings SET wake_at = now() + interval '9 days'")
        .await;

    let (silent, verdict) = judged(&scene).await;
    assert_eq!(verdict, SilenceVerdict::GiveUp);
    settled(&scene, silent, verdict).await;
    assert_eq!(
        scene.booking("BK-1").await.wake_at,
        None,
        "no second without the first"
    );

    reported(&scene, first, DeliveryStatus::Delivered).await;
    assert!(scene.booking("BK-1").await.wake_at.is_some());
    assert!(
        scene
            .messages("BK-1")
            .await
            .iter()
            .all(|message| message.existing.kind != Reminder2)
    );
}

#[tokio::test]
async fn more_silence_than_one_round_takes_is_gathered_round_by_round() {
    let scene = Scene::new().await;
    for booking in ["BK-1", "BK-2", "BK-3"] {
        silent_call_of(&scene, booking).await;
    }
    minutes_pass(&scene, 2).await;
    let round = async |after: Option<UnresolvedCall>| {
        scene
            .run(move |c, _| results::gather(c, &SilencePolicy::default(), true, after.as_ref(), 2))
            .await
    };

    let first = round(None).await;
    let second = round(first.last().cloned()).await;

    assert_eq!((first.len(), second.len()), (2, 1));
    assert!(!first.contains(&second[0]));
}

/// Else a round takes longer, the more messages there are, until Postgres ends it; then no unresolved call is ever settled.
#[tokio::test]
async fn the_evidence_is_read_from_indexes_and_not_from_all_messages() {
    let scene = Scene::new().await;
    silent_call(&scene).await;
    minutes_pass(&scene, 3).await;
    assert_eq!(gathered(&scene, true).await.len(), 1);

    let plans = testkit::plans::of_prepared_statements(&scene.store).await;

    let evidence = plans
        .iter()
        .find(|(statement, _)| statement.contains("template_paced"));
    let (_, plan) = evidence.unwrap();
    assert!(!plan.contains("Seq Scan"), "{plan}");
    for index in ["messages_in_doubt", "messages_by_call", "messages_paced"] {
        assert!(plan.contains(index), "{index}: {plan}");
    }
}

/// The database was restored to before the call of a first reminder, which is queued here.
async fn restored_to_before_a_call(scene: &Scene) -> Call {
    let id = scene.due_reminder("BK-1").await;
    (id, Attempt(1))
}

async fn doubted_as_of_now(scene: &Scene) -> usize {
    scene
        .run(|c, _| results::doubt_due(c, chrono::Utc::now(), &anna()))
        .await
}

// shows: B250
#[tokio::test]
async fn after_a_restore_a_message_that_may_have_gone_is_not_sent_and_a_report_settles_it() {
    let scene = Scene::new().await;
    let call = restored_to_before_a_call(&scene).await;

    assert_eq!(doubted_as_of_now(&scene).await, 1);

    assert_eq!(state(&scene).await, Unknown);
    let wanted = scene.wanted("BK-1", Reminder1).await;
    assert_eq!(scene.claim(vec![wanted]).await, []);
    assert_eq!(doubted_as_of_now(&scene).await, 0, "it is doubted already");
    reported(&scene, call, DeliveryStatus::Delivered).await;
    assert_eq!(state(&scene).await, Delivered);
}

// shows: B250
#[tokio::test]
async fn after_a_restore_no_evidence_sends_a_message_again_and_a_person_is_asked() {
    let scene = Scene::new().await;
    restored_to_before_a_call(&scene).await;
    doubted_as_of_now(&scene).await;
    five_witnesses(&scene).await;

    minutes_pass(&scene, 2).await;
    let (_, early) = judged(&scene).await;
    minutes_pass(&scene, 28).await;
    let (silent, late) = judged(&scene).await;
    settled(&scene, silent, late).await;

    assert_eq!((early, late), (SilenceVerdict::Wait, SilenceVerdict::GiveUp));
    let reminder = scene.message("BK-1", Reminder1).await;
    assert_eq!(
        (reminder.existing.state, reminder.reason.as_deref()),
        (Dead, Some("outcome_unknown"))
    );
}

// shows: B251
#[tokio::test]
async fn after_a_restore_what_was_not_due_yet_is_sent_in_its_time() {
    let scene = Scene::new().await;
    restored_to_before_a_call(&scene).await;
    let before = chrono::Utc::now() - TimeDelta::days(1);

    let doubted = scene
        .run(move |c, _| results::doubt_due(c, before, &anna()))
        .await;

    assert_eq!(doubted, 0);
    assert_eq!(state(&scene).await, Queued);
    scene.claimed("BK-1").await;
}
