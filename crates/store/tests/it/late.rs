//! Calls that WhatsApp accepted and reports as failed: what they hold, and what ends such a hold.

use chrono::Utc;
use domain::after_call::{Advice, Refusal, Scope};
use domain::event::EventType::{ReservationCancelled, ReservationConfirmed};
use domain::ids::{MessageId, WhatsAppMessageId};
use domain::message::MessageKind::{Reminder1, Reminder2, ReservationConfirmation};
use domain::message::{Attempt, CallbackData, DeliveryStatus, MessageState};
use domain::message_record::Report;
use store::claims::Claim;
use store::holds::{self, Laid, Released};
use store::known_templates::KnownTemplates;
use store::results::{self, Outcome};

use crate::scene::{Scene, accepted, judging, route};

const ACCOUNT: &str = "account number=106540352242922";

type Call = (MessageId, Attempt);

async fn reported(
    scene: &Scene,
    (message, attempt): Call,
    status: DeliveryStatus,
    failure: Option<(Scope, Advice)>,
) -> Outcome {
    let report = Report {
        callback: Some(CallbackData { message, attempt }),
        whatsapp_id: WhatsAppMessageId::parse("wamid.1").unwrap(),
        status,
        at: Utc::now(),
        failure: failure.map(|(scope, advice)| Refusal {
            code: 131_042,
            scope,
            advice,
            retry_after: None,
            unsure: false,
        }),
        pricing: None,
        names: Vec::new(),
    };
    scene
        .run(move |c, planner| results::record_reports(c, planner, &judging(), &[report]))
        .await
}

async fn failed(scene: &Scene, call: Call, scope: Scope, advice: Advice) -> Outcome {
    reported(scene, call, DeliveryStatus::Failed, Some((scope, advice))).await
}

async fn refused_by_status(scene: &Scene, call: Call) -> Outcome {
    failed(scene, call, Scope::Account, Advice::Hold).await
}

async fn went(scene: &Scene, call: Call) -> Outcome {
    reported(scene, call, DeliveryStatus::Sent, None).await
}

/// A first reminder that WhatsApp has accepted.
async fn sent(scene: &Scene, booking: &str) -> Call {
    scene.due_reminder(booking).await;
    let call = scene.claimed(booking).await;
    scene.answered(call, accepted()).await;
    call
}

async fn state(scene: &Scene, booking: &str) -> MessageState {
    scene.message(booking, Reminder1).await.existing.state
}

async fn claim(scene: &Scene, booking: &str) -> Vec<Claim> {
    let wanted = scene.wanted(booking, Reminder1).await;
    scene.claim(vec![wanted]).await
}

async fn release(scene: &Scene) -> Released {
    scene.run(|c, _| holds::release(c, 100)).await
}

async fn held(scene: &Scene) -> Vec<String> {
    let listed = scene.run(|c, _| holds::list(c)).await;
    listed.into_iter().map(|(hold, _)| hold.key).collect()
}

/// The pause of every hold is over, and so is that between probes.
async fn pauses_end(scene: &Scene) {
    scene
        .sql(
            "UPDATE holds SET until = clock_timestamp() - interval '1 second', \
             probed_at = probed_at - interval '11 seconds'",
        )
        .await;
}

/// A hold that a status laid, whose pause is over and whose probe, of this booking, is accepted.
async fn probe_accepted(scene: &Scene, booking: &str) -> Call {
    let call = sent(scene, booking).await;
    refused_by_status(scene, call).await;
    pauses_end(scene).await;
    assert_eq!(release(scene).await.probes, 1);
    let probe = scene.claimed(booking).await;
    let outcome = scene.answered(probe, accepted()).await;
    assert!(
        outcome.lifted.is_empty(),
        "an acceptance says nothing: {outcome:?}"
    );
    probe
}

#[tokio::test]
async fn a_late_refusal_of_a_scope_holds_its_message_and_every_claim_with_one_alert_and_no_letter() {
    let scene = Scene::new().await;
    let first = sent(&scene, "BK-1").await;
    let second = sent(&scene, "BK-2").await;
    scene.due_reminder("BK-3").await;

    let laid = refused_by_status(&scene, first).await.laid[0].1;
    let again = refused_by_status(&scene, second).await.laid[0].1;
    let claimed = claim(&scene, "BK-3").await;

    assert_eq!((laid, again), (Laid::New, Laid::Known));
    assert!(matches!(&claimed[..], [Claim::Held(_, scope)] if scope == "account"));
    for booking in ["BK-1", "BK-2", "BK-3"] {
        let message = scene.message(booking, Reminder1).await;
        assert_eq!(message.existing.state, MessageState::Held, "{booking}");
        assert_eq!(message.reason.as_deref(), Some("account"), "{booking}");
    }
    let letters = scene.run(|c, _| store::relay::list_letters(c, 10)).await;
    assert_eq!(letters.len(), 0);
}

#[tokio::test]
async fn while_a_probe_is_judged_no_other_message_goes_not_even_a_new_one() {
    let scene = Scene::new().await;
    let call = sent(&scene, "BK-1").await;
    refused_by_status(&scene, call).await;
    pauses_end(&scene).await;
    scene.due_reminder("BK-2").await;

    assert!(
        matches!(claim(&scene, "BK-2").await[..], [Claim::Held(..)]),
        "not its probe"
    );
    assert_eq!(release(&scene).await.probes, 1);
    let probe = match state(&scene, "BK-1").await {
        MessageState::Queued => "BK-1",
        _ => "BK-2",
    };
    let claimed = scene.claimed(probe).await;
    scene.answered(claimed, accepted()).await;
    pauses_end(&scene).await;
    scene.due_reminder("BK-3").await;

    assert!(matches!(claim(&scene, "BK-3").await[..], [Claim::Held(..)]));
    assert_eq!(release(&scene).await.probes, 0, "one is judged already");
    assert_eq!(held(&scene).await, [ACCOUNT]);
}

#[tokio::test]
async fn a_probe_that_is_reported_as_sent_ends_the_hold_and_frees_the_others() {
    let scene = Scene::new().await;
    let probe = probe_accepted(&scene, "BK-1").await;
    scene.due_reminder("BK-2").await;
    claim(&scene, "BK-2").await;

    let outcome = went(&scene, probe).await;

    assert_eq!(outcome.lifted, [ACCOUNT]);
    assert_eq!(release(&scene).await.freed, 1);
    assert!(matches!(claim(&scene, "BK-2").await[..], [Claim::Granted(..)]));
}

#[tokio::test]
async fn a_probe_that_fails_again_makes_the_hold_last_twice_as_long_without_news() {
    let scene = Scene::new().await;
    let probe = probe_accepted(&scene, "BK-1").await;

    let outcome = refused_by_status(&scene, probe).await;

    assert_eq!(outcome.laid[0].1, Laid::Again);
    let [(hold, 1)] = &scene.run(|c, _| holds::list(c)).await[..] else {
        panic!("not one hold with one message")
    };
    let left = hold.until.unwrap() - Utc::now();
    assert!((110..=120).contains(&left.num_seconds()), "{left}");
    assert!(hold.by_status && hold.probe_taken_at.is_none());
}

// shows: B85
#[tokio::test]
async fn a_probe_that_is_not_reported_as_failed_for_a_minute_ends_the_hold() {
    let scene = Scene::new().await;
    probe_accepted(&scene, "BK-1").await;
    assert_eq!(release(&scene).await.lifted, Vec::<String>::new());

    scene
        .sql("UPDATE holds SET probe_taken_at = probe_taken_at - interval '60 seconds'")
        .await;

    assert_eq!(release(&scene).await.lifted, [ACCOUNT]);
    assert_eq!(held(&scene).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_probe_that_fails_for_a_reason_of_its_own_makes_room_for_another_at_once() {
    let scene = Scene::new().await;
    let other = sent(&scene, "BK-2").await;
    let probe = probe_accepted(&scene, "BK-1").await;
    refused_by_status(&scene, other).await;

    failed(&scene, probe, Scope::Recipient, Advice::GiveUp).await;

    assert_eq!(state(&scene, "BK-1").await, MessageState::Dead);
    assert_eq!(held(&scene).await, [ACCOUNT]);
    assert_eq!(release(&scene).await.probes, 1);
    assert_eq!(state(&scene, "BK-2").await, MessageState::Queued);
}

#[tokio::test]
async fn what_was_called_before_the_hold_says_nothing_new_of_it() {
    let scene = Scene::new().await;
    let late = sent(&scene, "BK-2").await;
    let probe = probe_accepted(&scene, "BK-1").await;

    let outcome = refused_by_status(&scene, late).await;

    assert_eq!(outcome.laid[0].1, Laid::Known);
    assert_eq!(state(&scene, "BK-2").await, MessageState::Held);
    assert_eq!(went(&scene, probe).await.lifted, [ACCOUNT]);
}

#[tokio::test]
async fn a_late_word_on_the_call_that_laid_a_hold_does_not_pass_for_its_probes() {
    let scene = Scene::new().await;
    let call = sent(&scene, "BK-1").await;
    refused_by_status(&scene, call).await;
    pauses_end(&scene).await;
    release(&scene).await;

    let outcome = went(&scene, call).await;

    assert!(outcome.lifted.is_empty(), "reports overtake each other");
    assert_eq!(held(&scene).await, [ACCOUNT]);
}

#[tokio::test]
async fn a_hold_that_answers_laid_and_a_status_confirms_is_judged_like_one_that_a_status_laid() {
    let scene = Scene::new().await;
    let accepted_before = sent(&scene, "BK-1").await;
    let laid = refused_by_status(&scene, accepted_before).await;
    scene.sql("UPDATE holds SET by_status = false").await;
    let second = sent_while_held(&scene, "BK-2").await;

    refused_by_status(&scene, second).await;

    assert_eq!(laid.laid[0].1, Laid::New);
    let listed = scene.run(|c, _| holds::list(c)).await;
    assert!(listed[0].0.by_status);
}

/// A call that was under way when the hold was laid.
async fn sent_while_held(scene: &Scene, booking: &str) -> Call {
    let until = "UPDATE holds SET until = until + interval '1 hour' * ";
    scene.sql(&format!("{until} -1")).await;
    let call = sent_under_a_half_open_hold(scene, booking).await;
    scene.sql(&format!("{until} 1")).await;
    call
}

async fn sent_under_a_half_open_hold(scene: &Scene, booking: &str) -> Call {
    scene.due_reminder(booking).await;
    scene.claimed(booking).await
}

#[tokio::test]
async fn a_template_that_a_status_refused_is_held_until_a_message_with_it_is_known_to_have_gone() {
    let scene = Scene::new().await;
    let call = sent(&scene, "BK-1").await;
    failed(&scene, call, Scope::Template, Advice::Fallback).await;
    let held_templates = async || {
        let templates = scene.run(|c, _| KnownTemplates::read(c)).await;
        templates.held_for(&route(Reminder1).number, Reminder1).len()
    };
    assert_eq!(
        (state(&scene, "BK-1").await, held_templates().await),
        (MessageState::Queued, 1)
    );
    pauses_end(&scene).await;
    assert_eq!(held_templates().await, 0, "any message may try");

    let tries = sent(&scene, "BK-2").await;
    assert_eq!(held_templates().await, 1, "and is judged");
    scene.due_reminder("BK-3").await;
    assert!(matches!(claim(&scene, "BK-3").await[..], [Claim::Outdated(_)]));
    went(&scene, tries).await;

    assert_eq!(held_templates().await, 0);
    assert!(matches!(claim(&scene, "BK-3").await[..], [Claim::Granted(..)]));
}

#[tokio::test]
async fn the_second_reminder_is_taken_back_with_the_first_and_comes_again_when_that_really_goes() {
    let scene = Scene::new().await;
    let call = sent(&scene, "BK-1").await;
    scene
        .sql("UPDATE messages SET sent_at = sent_at - interval '25 hours'")
        .await;
    scene
        .happens(domain::event::EventType::BookingStarted, "BK-1", 40)
        .await;
    let second = async || scene.message("BK-1", Reminder2).await;
    assert_eq!(second().await.existing.state, MessageState::Queued);

    refused_by_status(&scene, call).await;

    let taken_back = second().await;
    assert_eq!(
        (taken_back.existing.state, taken_back.reason.as_deref()),
        (MessageState::Withdrawn, Some("first_reminder_never_went"))
    );
}

#[tokio::test]
async fn a_message_that_comes_back_after_its_booking_was_cancelled_does_not_go_again() {
    let scene = Scene::new().await;
    scene.happens(ReservationConfirmed, "BK-1", 5).await;
    let wanted = scene.wanted("BK-1", ReservationConfirmation).await;
    let call = match scene.claim(vec![wanted]).await[..] {
        [Claim::Granted(id, attempt)] => (id, attempt),
        ref other => panic!("{other:?}"),
    };
    scene.answered(call, accepted()).await;
    scene.happens(ReservationCancelled, "BK-1", 1).await;

    failed(&scene, call, Scope::Platform, Advice::Retry).await;

    let message = scene.message("BK-1", ReservationConfirmation).await.existing;
    assert_eq!(message.state, MessageState::Withdrawn);
}

#[tokio::test]
async fn a_call_of_an_older_program_is_repeated_and_its_next_failure_holds_the_country() {
    let scene = Scene::new().await;
    let call = sent(&scene, "BK-1").await;
    scene
        .sql("UPDATE messages SET called_country = NULL, called_template = NULL")
        .await;

    let outcome = failed(&scene, call, Scope::Country, Advice::Hold).await;
    assert!(outcome.laid.is_empty());
    assert_eq!(state(&scene, "BK-1").await, MessageState::Queued);
    scene.sql("UPDATE messages SET due_at = now()").await;
    let again = scene.claimed("BK-1").await;
    scene.answered(again, accepted()).await;
    failed(&scene, again, Scope::Country, Advice::Hold).await;

    assert_eq!(held(&scene).await, ["country number=106540352242922 country=+30"]);
}
