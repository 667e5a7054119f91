//! WhatsApp speaks of a message that was given up: its letter is settled, whenever it is found.

use chrono::Utc;
use domain::dead_letter::{DeadLetterReason, LetterState, Settlement};
use domain::event::EventType::BookingStarted;
use domain::ids::WhatsAppMessageId;
use domain::message::MessageKind::Reminder1;
use domain::message::{CallbackData, DeliveryStatus, MessageState};
use domain::message_record::Report;
use store::letters::{self, Letter};
use store::results;
use tokio::sync::oneshot;

use super::message_letter;
use crate::scene::{Scene, accepted, judging};

/// What WhatsApp reports of the first reminder's first call.
async fn report(scene: &Scene, status: DeliveryStatus) -> Report {
    let message = scene.message("BK-1", Reminder1).await.existing.id;
    Report {
        callback: Some(CallbackData {
            message,
            attempt: domain::message::Attempt(1),
        }),
        whatsapp_id: WhatsAppMessageId::parse("wamid.1").unwrap(),
        status,
        at: Utc::now(),
        failure: None,
        pricing: None,
        names: Vec::new(),
    }
}

async fn reported(scene: &Scene, status: DeliveryStatus) {
    let report = report(scene, status).await;
    scene
        .run(move |c, planner| results::record_reports(c, planner, &judging(), &[report]))
        .await;
}

/// A call that nobody spoke of for so long that a person is asked.
async fn unknown(scene: &Scene) {
    scene.happens(BookingStarted, "BK-1", 40).await;
    scene.dies_of("BK-1", DeadLetterReason::OutcomeUnknown).await;
}

#[track_caller]
fn check(letter: &Letter, settled_as: Settlement) {
    let ending = letter.ending.as_ref().unwrap();
    assert_eq!(
        (ending.state, ending.settled_as, ending.by.as_str()),
        (LetterState::Settled, Some(settled_as), "whatsapp")
    );
}

// shows: B93
#[tokio::test]
async fn a_late_report_settles_the_letter_that_the_desk_has() {
    let scene = Scene::new().await;
    unknown(&scene).await;
    scene.drained().await;

    reported(&scene, DeliveryStatus::Delivered).await;

    check(&scene.letters_of("BK-1").await[0], Settlement::Delivered);
}

#[tokio::test]
async fn a_late_answer_settles_it_too() {
    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 40).await;
    let call = scene.claimed("BK-1").await;
    let silence = domain::after_call::NextStep::GiveUp(DeadLetterReason::OutcomeUnknown);
    scene.answered(call, silence).await;
    scene.drained().await;

    scene.answered(call, accepted()).await;

    check(&scene.letters_of("BK-1").await[0], Settlement::Sent);
}

// shows: B93
#[tokio::test]
async fn a_letter_that_is_found_after_the_report_is_settled_from_birth() {
    let scene = Scene::new().await;
    unknown(&scene).await;
    let due = scene.run(|c, _| store::relay::list_letters(c, 10)).await;
    reported(&scene, DeliveryStatus::Read).await;

    scene.found(due.iter().map(message_letter).collect()).await;

    check(&scene.letters_of("BK-1").await[0], Settlement::Read);
}

#[tokio::test]
async fn a_late_failure_settles_the_letter_and_makes_one_of_its_own() {
    let scene = Scene::new().await;
    unknown(&scene).await;
    scene.drained().await;

    reported(&scene, DeliveryStatus::Failed).await;
    scene.drained().await;

    let letters = scene.letters_of("BK-1").await;
    check(&letters[0], Settlement::Failed);
    assert_eq!(
        (letters[1].reason.as_str(), letters[1].state()),
        ("delivery_failed", LetterState::Open)
    );
}

#[tokio::test]
async fn an_answer_that_comes_after_the_failure_leaves_the_letter_open() {
    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 40).await;
    let call = scene.claimed("BK-1").await;
    reported(&scene, DeliveryStatus::Failed).await;
    let due = scene.run(|c, _| store::relay::list_letters(c, 10)).await;
    let found: Vec<_> = due.iter().map(message_letter).collect();
    scene.answered(call, accepted()).await;

    // The letter was on its way when the answer was recorded; a copy of it may follow.
    scene.found(found).await;
    scene.drained().await;
    scene.answered(call, accepted()).await;

    let letters = scene.letters_of("BK-1").await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].state(), LetterState::Open);
    let dead = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!(dead.state, MessageState::Dead);
}

#[tokio::test]
async fn a_report_that_comes_while_a_desk_takes_the_letter_in_waits_and_settles_it() {
    let scene = Scene::new().await;
    unknown(&scene).await;
    let due = scene.run(|c, _| store::relay::list_letters(c, 10)).await;
    let found: Vec<_> = due.iter().map(message_letter).collect();
    let (taken, wait_until_taken) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();
    let taking_in = scene.run(move |c, _| {
        letters::insert(c, &found)?;
        taken.send(()).unwrap();
        wait_to_go_on.blocking_recv().unwrap();
        Ok(())
    });
    let reporting = async {
        wait_until_taken.await.unwrap();
        tokio::join!(reported(&scene, DeliveryStatus::Delivered), async {
            scene.until_someone_waits().await;
            go_on.send(()).unwrap();
        });
    };

    tokio::join!(taking_in, reporting);

    check(&scene.letters_of("BK-1").await[0], Settlement::Delivered);
}

#[tokio::test]
async fn what_was_said_of_a_call_says_nothing_against_the_one_that_a_person_asked_for() {
    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 40).await;
    let call = scene.claimed("BK-1").await;
    scene.answered(call, accepted()).await;
    reported(&scene, DeliveryStatus::Failed).await;
    scene.drained().await;
    let letter = scene.letters_of("BK-1").await.remove(0);
    scene
        .run(move |c, planner| letters::retry(c, planner, letter.id, &crate::scene::anna()))
        .await
        .unwrap();

    for late in [DeliveryStatus::Sent, DeliveryStatus::Failed] {
        reported(&scene, late).await;
        let waiting = scene.message("BK-1", Reminder1).await.existing;
        assert_eq!(waiting.state, MessageState::Queued, "after {late}");
    }
    let second = scene.claimed("BK-1").await;
    scene.answered(second, accepted()).await;

    let sent = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!((sent.state, sent.attempts), (MessageState::Sent, 2));
    reported(&scene, DeliveryStatus::Delivered).await;
    let delivered = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!(delivered.state, MessageState::Delivered);
}
