//! What people decide of dead messages, and when they may not.

use chrono::TimeDelta;
use domain::consent::ConsentChange;
use domain::country::Country;
use domain::dead_letter::{DeadLetterReason, DecisionRefused, LetterState, Settlement};
use domain::event::EventType::{BookingStarted, ReservationCancelled, ReservationConfirmed};
use domain::ids::{LetterId, StaffName};
use domain::message::MessageKind::{Reminder1, ReservationConfirmation};
use domain::message::{MessageState, Reason};
use domain::plan::Existing;
use domain::staff::Access;
use store::audit::Actor;
use store::guests::{self, GuestKey};
use store::letters::{self, Corrected, Decided, Declined, Word};
use store::planning::Planned;
use store::relay;

use super::event_letter;
use crate::scene::{Scene, accepted, anna, key, minutes_ago};

async fn retry(scene: &Scene, id: LetterId) -> Decided<Planned> {
    scene
        .run(move |c, planner| letters::retry(c, planner, id, &anna()))
        .await
}

async fn settle(scene: &Scene, id: LetterId, word: Word) -> Decided<Planned> {
    scene
        .run(move |c, planner| letters::settle(c, planner, id, &anna(), word))
        .await
}

async fn correct(scene: &Scene, id: LetterId, phone: &'static str) -> Decided<Corrected> {
    scene
        .run(move |c, planner| letters::correct_phone(c, planner, id, &anna(), phone))
        .await
}

async fn reminder(scene: &Scene) -> Existing {
    scene.message("BK-1", Reminder1).await.existing
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(decided: Decided<T>, refusal: DecisionRefused) {
    assert_eq!(decided.map(drop), Err(Declined::Refused(refusal)));
}

#[tokio::test]
async fn a_retried_message_is_queued_at_once_with_all_its_retries_and_its_attempts_go_on() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    scene
        .sql("UPDATE messages SET retries = 3, turn = 'fallback'")
        .await;

    retry(&scene, letter.id).await.unwrap();

    let waiting = reminder(&scene).await;
    assert_eq!((waiting.state, waiting.attempts), (MessageState::Queued, 1));
    assert_eq!(scene.run(|c, _| relay::take_due(c, 10)).await, [waiting.id]);
    let ending = scene.letter(letter.id).await.ending.unwrap();
    assert_eq!((ending.state, ending.by.as_str()), (LetterState::Retried, "anna"));
    let drafts = scene
        .run(move |c, planner| store::claims::read_drafts(c, &planner.ring, &[waiting.id]))
        .await;
    let draft = &drafts.readable[0];
    assert_eq!((draft.retries, draft.content_choice.as_str()), (0, "template"));
}

// shows: B109
#[tokio::test]
async fn a_retried_message_that_dies_again_gets_a_new_letter() {
    let scene = Scene::new().await;
    let first = scene.letter_of("BK-1").await;
    retry(&scene, first.id).await.unwrap();

    scene.dies_of("BK-1", DeadLetterReason::RetriesExhausted).await;
    scene.drained().await;

    let letters = scene.letters_of("BK-1").await;
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0].state(), LetterState::Retried);
    assert_eq!((letters[1].state(), letters[1].attempts), (LetterState::Open, 2));
}

#[tokio::test]
async fn a_copy_of_a_letter_that_comes_after_the_retry_changes_nothing() {
    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 40).await;
    scene.dies_of("BK-1", DeadLetterReason::Refused).await;
    let found = scene.drained().await;
    let letter = scene.letters_of("BK-1").await.remove(0);
    retry(&scene, letter.id).await.unwrap();

    assert_eq!(scene.found(found).await, 0);

    assert_eq!(scene.letters_of("BK-1").await.len(), 1);
}

// shows: B107
#[tokio::test]
async fn a_reminder_is_not_retried_once_the_guest_has_booked_or_come_back() {
    for (event_type, minutes, reason) in [
        (ReservationConfirmed, 1, Reason::Confirmed),
        (ReservationCancelled, 1, Reason::Cancelled),
        (BookingStarted, 5, Reason::ActiveAgain),
    ] {
        let scene = Scene::new().await;
        let letter = scene.letter_of("BK-1").await;
        scene.happens(event_type, "BK-1", minutes).await;

        let judged = scene
            .run(move |c, planner| letters::judge(c, planner, letter.id))
            .await;
        check_refused(judged, DecisionRefused::NotWanted(reason));
        check_refused(retry(&scene, letter.id).await, DecisionRefused::NotWanted(reason));

        assert_eq!(reminder(&scene).await.state, MessageState::Dead, "{event_type}");
        assert_eq!(
            scene.letter(letter.id).await.state(),
            LetterState::Open,
            "{event_type}"
        );
    }
}

// shows: B107
#[tokio::test]
async fn a_message_is_not_retried_against_the_guests_will_or_too_late() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    scene
        .run(|c, planner| {
            let facts = store::bookings::find(c, &planner.ring, &key("BK-1"))?
                .unwrap()
                .facts;
            let guest: GuestKey = planner.guest_of(&key("BK-1"), &facts).unwrap();
            guests::record_consent(c, &guest, ConsentChange::Stop, minutes_ago(1))
        })
        .await;
    check_refused(
        retry(&scene, letter.id).await,
        DecisionRefused::NotWanted(Reason::OptedOut),
    );

    let scene = Scene::new().await;
    scene.happens(BookingStarted, "BK-1", 13 * 60).await;
    scene
        .sql("UPDATE messages SET state = 'dead', reason = 'refused', attempts = 1, letter_due = true, died_at = now(), publish_at = NULL")
        .await;
    scene.drained().await;
    let letter = scene.letters_of("BK-1").await.remove(0);
    check_refused(
        retry(&scene, letter.id).await,
        DecisionRefused::NotWanted(Reason::Expired),
    );
}

#[tokio::test]
async fn a_withdrawal_that_has_passed_does_not_stop_a_retry() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    scene
        .sql("UPDATE messages SET withdrawn_reason = 'opted_out'")
        .await;

    retry(&scene, letter.id).await.unwrap();

    let call = scene.claimed("BK-1").await;
    scene.answered(call, accepted()).await;
    assert_eq!(reminder(&scene).await.state, MessageState::Sent);
}

#[tokio::test]
async fn a_message_that_a_person_calls_sent_is_sent_when_it_was_called_for_and_the_rest_follows() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    assert_eq!(scene.booking("BK-1").await.wake_at, None);

    settle(&scene, letter.id, Word::Sent).await.unwrap();

    let sent = reminder(&scene).await;
    let sent_at = sent.sent_at.unwrap();
    assert!(sent.state == MessageState::Sent && sent_at < letter.died_at);
    assert_eq!(
        scene.booking("BK-1").await.wake_at,
        Some(sent_at + TimeDelta::hours(24))
    );
    let ending = scene.letter(letter.id).await.ending.unwrap();
    assert_eq!(
        (ending.state, ending.settled_as),
        (LetterState::Settled, Some(Settlement::Sent))
    );
}

#[tokio::test]
async fn a_message_that_a_person_calls_not_sent_stays_dead_and_nothing_follows() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;

    settle(&scene, letter.id, Word::NotSent).await.unwrap();

    assert_eq!(reminder(&scene).await.state, MessageState::Dead);
    assert_eq!(scene.booking("BK-1").await.wake_at, None);
    let ending = scene.letter(letter.id).await.ending.unwrap();
    assert_eq!(ending.settled_as, Some(Settlement::NotSent));
    check_too_late(retry(&scene, letter.id).await, LetterState::Settled);
}

#[track_caller]
fn check_too_late<T: std::fmt::Debug>(decided: Decided<T>, state: LetterState) {
    match decided.map(drop) {
        Err(Declined::TooLate(ending)) => {
            assert_eq!((ending.state, ending.by.as_str()), (state, "anna"));
        }
        other => panic!("{other:?}"),
    }
}

// shows: B113
#[tokio::test]
async fn the_second_of_two_people_is_told_who_was_first() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    let ben = Actor {
        name: StaffName::parse("ben").unwrap(),
        access: Access::ADMIN,
        reason: None,
    };

    let close = async |by: Actor| scene.run(move |c, _| letters::close(c, letter.id, &by)).await;
    assert_eq!(close(anna()).await, Ok(()));

    check_too_late(close(ben).await, LetterState::Closed);
    check_too_late(retry(&scene, letter.id).await, LetterState::Closed);
    check_too_late(settle(&scene, letter.id, Word::Sent).await, LetterState::Closed);
    check_too_late(
        correct(&scene, letter.id, "+306912345670").await,
        LetterState::Closed,
    );
}

#[tokio::test]
async fn of_two_retries_at_once_one_is_carried_out() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;

    let (one, other) = tokio::join!(retry(&scene, letter.id), retry(&scene, letter.id));

    let (done, late) = if one.is_ok() { (one, other) } else { (other, one) };
    assert!(done.is_ok());
    check_too_late(late, LetterState::Retried);
}

#[tokio::test]
async fn a_letter_that_nobody_has_seen_is_not_found() {
    let scene = Scene::new().await;

    let decided = retry(&scene, LetterId(7)).await;

    assert_eq!(decided.map(drop), Err(Declined::NotFound));
}

#[tokio::test]
async fn a_corrected_number_is_a_fact_of_the_booking_and_lets_the_message_go() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;

    let corrected = correct(&scene, letter.id, "691 234 5670").await.unwrap();

    assert_eq!(corrected.number.reveal(), "+306912345670");
    let greece = Country::parse("GR").ok();
    let number = scene.booking("BK-1").await.facts.phone_number(greece);
    assert_eq!(number, Some(Ok(corrected.number.clone())));
    assert_eq!(scene.letter(letter.id).await.state(), LetterState::Open);
    // The platform goes on to say the wrong one.
    scene.happens(BookingStarted, "BK-1", 35).await;
    let number = scene.booking("BK-1").await.facts.phone_number(greece);
    assert_eq!(number, Some(Ok(corrected.number)));
    retry(&scene, letter.id).await.unwrap();
    let call = scene.claimed("BK-1").await;
    scene.answered(call, accepted()).await;
}

#[tokio::test]
async fn a_number_that_is_none_is_refused_and_changes_nothing() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    let before = scene.booking("BK-1").await;

    let decided = correct(&scene, letter.id, "12").await;

    check_refused(decided, DecisionRefused::NotWanted(Reason::InvalidPhone));
    let after = scene.booking("BK-1").await;
    assert_eq!((after.version, after.facts), (before.version, before.facts));
}

#[tokio::test]
async fn a_reservation_that_gets_its_right_number_withdraws_that_guests_carts() {
    let scene = Scene::new().await;
    let other = "+306912345670";
    scene.due_reminder_of("CART-1", other).await;
    scene.happens(ReservationConfirmed, "BK-1", 1).await;
    scene
        .sql("UPDATE messages SET state = 'dead', reason = 'refused', attempts = 1, letter_due = true, died_at = now(), publish_at = NULL WHERE kind = 'reservation_confirmation'")
        .await;
    scene.drained().await;
    let letter = scene.letters_of("BK-1").await.remove(0);

    correct(&scene, letter.id, other).await.unwrap();

    let cart = scene.message("CART-1", Reminder1).await.existing;
    assert_eq!(
        (cart.state, cart.reason),
        (MessageState::Withdrawn, Some(Reason::BookedElsewhere))
    );
    let confirmation = scene.message("BK-1", ReservationConfirmation).await.existing;
    assert_eq!(confirmation.state, MessageState::Dead);
}

#[tokio::test]
async fn a_letter_of_an_event_has_no_message_to_decide_about() {
    let scene = Scene::new().await;
    scene.found(vec![event_letter("direct/evt_1", None)]).await;
    let id = scene.letters(letters::Filter::default()).await[0].id;

    check_refused(retry(&scene, id).await, DecisionRefused::NotAMessage);
    check_refused(settle(&scene, id, Word::Sent).await, DecisionRefused::NotAMessage);
    check_refused(
        correct(&scene, id, "+306912345670").await,
        DecisionRefused::NotAMessage,
    );
}

#[tokio::test]
async fn a_message_whose_booking_is_damaged_or_without_a_resort_is_not_retried() {
    let scene = Scene::new().await;
    let letter = scene.letter_of("BK-1").await;
    let retried = scene
        .run(move |c, planner| {
            let nowhere = store::planning::Planner {
                due: store::planning::DueIds::Relay,
                resorts: std::sync::Arc::default(),
                ..planner.clone()
            };
            letters::retry(c, &nowhere, letter.id, &anna())
        })
        .await;
    check_refused(retried, DecisionRefused::WithoutResort);

    scene
        .sql("UPDATE bookings SET sealed_facts = sealed_facts || '\\x00'")
        .await;
    check_refused(retry(&scene, letter.id).await, DecisionRefused::Damaged);
}

// shows: B193
#[tokio::test]
async fn letters_that_are_judged_together_are_judged_as_each_alone() {
    let scene = Scene::new().await;
    for booking in ["BK-1", "BK-2", "BK-3", "BK-4"] {
        scene.letter_of(booking).await;
    }
    scene.happens(BookingStarted, "BK-2", 1).await;
    scene
        .sql("UPDATE messages SET state = 'delivered' WHERE booking_key = 'azure-bay/BK-3'")
        .await;
    scene
        .sql("UPDATE bookings SET sealed_facts = 'damaged' WHERE id = 'BK-4'")
        .await;
    scene.found(vec![event_letter("direct/evt_1", None)]).await;
    let all = scene.letters(letters::Filter::default()).await;

    let asked = all.clone();
    let mut together = scene
        .run(move |c, planner| letters::judge_all(c, planner, &asked))
        .await;

    let mut told = Vec::new();
    for letter in all {
        let alone = scene
            .run(move |c, planner| letters::judge(c, planner, letter.id))
            .await;
        // A damaged booking is left to the single judgement.
        assert_eq!(
            together.remove(&letter.id).unwrap_or_else(|| alone.clone()),
            alone,
            "{letter:?}"
        );
        told.push(alone.is_ok());
    }
    assert_eq!(told, [true, false, false, false, false]);
}
