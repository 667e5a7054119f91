//! Letters are kept once each and found again.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::dead_letter::{DeadLetterReason, LetterKind, LetterState};
use domain::ids::{LetterId, ResortId};
use store::audit::Actor;
use store::letters::{self, AtResort, Filter, NewLetter, Standing};
use store::notes::{self, Note};

use super::event_letter;
use crate::scene::{Scene, anna, key, minutes_ago};

fn noon() -> Option<DateTime<Utc>> {
    Some("2026-11-24T12:00:00.123456Z".parse().unwrap())
}

// shows: B103, G16
#[tokio::test]
async fn a_letter_that_was_kept_but_not_acknowledged_is_known_when_it_comes_again() {
    let scene = Scene::new().await;
    let found = vec![
        event_letter("direct/evt_1", noon()),
        event_letter("direct/evt_2", None),
    ];

    assert_eq!(scene.found(found.clone()).await, 2);
    assert_eq!(scene.found(found.clone()).await, 0);
    assert_eq!(scene.found([found.clone(), found].concat()).await, 0);

    assert_eq!(scene.letters(Filter::default()).await.len(), 2);
}

#[tokio::test]
async fn a_message_that_fails_again_gets_another_dead_letter() {
    let scene = Scene::new().await;
    let dated = event_letter("direct/evt_1", noon());
    let undated = event_letter("direct/evt_2", None);
    scene.found(vec![dated.clone(), undated.clone()]).await;
    for letter in scene.letters(Filter::default()).await {
        let marked = scene
            .run(move |c, _| letters::mark_event_retried(c, letter.id, &anna()))
            .await;
        assert_eq!(marked, Ok(()));
    }

    let later = NewLetter {
        died_at: Some(minutes_ago(0)),
        ..dated
    };
    assert_eq!(scene.found(vec![later, undated]).await, 2);
}

#[tokio::test]
async fn an_event_that_was_given_up_again_while_its_letter_is_open_has_one_letter() {
    let scene = Scene::new().await;
    let first = event_letter("direct/evt_1", noon());
    let again = NewLetter {
        died_at: Some(minutes_ago(0)),
        ..first.clone()
    };
    let other = NewLetter {
        body: b"another body under the same id".to_vec(),
        ..first.clone()
    };

    assert_eq!(scene.found(vec![first.clone(), again.clone()]).await, 1);
    assert_eq!(scene.found(vec![again, other]).await, 1);
}

#[tokio::test]
async fn desks_that_find_the_same_letters_at_once_keep_each_once() {
    let scene = Scene::new().await;
    let found: Vec<NewLetter> = (0..200)
        .map(|number| event_letter(&format!("direct/evt_{number}"), noon()))
        .collect();
    let backwards: Vec<NewLetter> = found.iter().rev().cloned().collect();

    let (one, other) = tokio::join!(scene.found(found), scene.found(backwards));

    assert_eq!(one + other, 200);
    let kept = scene
        .run(|c, _| letters::list(c, &Filter::default(), LetterId(0), 1_000))
        .await;
    let ids: BTreeSet<String> = kept.iter().map(|letter| letter.amqp_id.clone()).collect();
    assert_eq!((kept.len(), ids.len()), (200, 200));
}

#[tokio::test]
async fn a_letter_that_cannot_be_read_is_kept_with_its_bytes_and_can_be_closed() {
    let scene = Scene::new().await;
    let broken = NewLetter {
        reason: DeadLetterReason::Undecodable,
        error: "it holds a zero: \0".to_owned(),
        resort: None,
        booking: None,
        body: vec![0, 159, 146, 150],
        ..event_letter("\0", None)
    };

    scene.found(vec![broken.clone()]).await;

    let letter = scene.letters(Filter::default()).await.remove(0);
    assert_eq!((letter.resort.clone(), letter.dated), (None, false));
    let body = scene.run(move |c, _| letters::find_body(c, letter.id)).await;
    assert_eq!(body, Some(broken.body));
    let because = Actor {
        reason: Some(Note::seal("a test of the platform's", &scene.planner.ring)),
        ..anna()
    };
    let closed = scene
        .run(move |c, _| letters::close(c, letter.id, &because))
        .await;
    assert_eq!(closed, Ok(()));
    let ending = scene.letter(letter.id).await.ending.unwrap();
    assert_eq!((ending.state, ending.by.as_str()), (LetterState::Closed, "anna"));
    let note = scene
        .run(move |c, planner| notes::read(c, &planner.ring, &ending.note))
        .await;
    let words = Ok("a test of the platform's".to_owned());
    assert_eq!(note.into_values().collect::<Vec<_>>(), [words]);
}

/// Three letters of events, one of them of nobody knows which booking, and one of a message, which is closed.
async fn four_letters() -> (Scene, String) {
    let scene = Scene::new().await;
    let message = scene.letter_of("BK-1").await;
    let strange = NewLetter {
        resort: None,
        booking: None,
        reason: DeadLetterReason::Undecodable,
        ..event_letter("direct/evt_3", None)
    };
    let known = [("direct/evt_1", noon()), ("direct/evt_2", None)];
    let mut found: Vec<NewLetter> = known.map(|(id, died_at)| event_letter(id, died_at)).into();
    found.push(strange);
    scene.found(found).await;
    scene
        .run(move |c, _| letters::close(c, message.id, &anna()))
        .await
        .unwrap();
    (scene, message.amqp_id)
}

// shows: B209
#[tokio::test]
async fn letters_are_found_by_what_they_are() {
    let (scene, message) = four_letters().await;
    let events = ["direct/evt_1", "direct/evt_2", "direct/evt_3"];
    let by = |change: fn(&mut Filter)| {
        let mut filter = Filter::default();
        change(&mut filter);
        filter
    };

    for (filter, expected) in [
        (by(|f| f.standing = Some(Standing::Open)), &events[..]),
        (by(|f| f.standing = Some(Standing::Ended)), &[message.as_str()]),
        (by(|f| f.kind = Some(LetterKind::Events)), &events),
        (by(|f| f.kind = Some(LetterKind::Messages)), &[message.as_str()]),
        (
            by(|f| f.reason = Some(DeadLetterReason::Undecodable)),
            &events[2..],
        ),
        (
            by(|f| f.resort = ResortId::parse("blue-cove").ok().map(AtResort::One)),
            &[],
        ),
        (by(|f| f.resort = Some(AtResort::None)), &events[2..]),
        (
            by(|f| {
                f.resort = ResortId::parse("azure-bay").ok().map(AtResort::One);
                f.kind = Some(LetterKind::Events);
            }),
            &events[..2],
        ),
    ] {
        let told = format!("{filter:?}");
        let found = scene.letters(filter).await;
        let ids: Vec<&str> = found.iter().map(|letter| letter.amqp_id.as_str()).collect();
        assert_eq!(ids, expected, "{told}");
    }
}

#[tokio::test]
async fn letters_are_counted_by_reason_with_the_oldest_of_each() {
    let (scene, _) = four_letters().await;
    let open = Filter {
        standing: Some(Standing::Open),
        ..Filter::default()
    };

    let counts = scene.run(move |c, _| letters::count_by_reason(c, &open)).await;

    let told: Vec<_> = counts
        .iter()
        .map(|one| (one.reason.as_str(), one.count))
        .collect();
    assert_eq!(told, [("cannot_be_applied", 2), ("undecodable", 1)]);
    assert_eq!(Some(counts[0].oldest_died_at), noon());
}

#[tokio::test]
async fn a_messages_letter_knows_its_booking_from_the_row() {
    let scene = Scene::new().await;

    let letter = scene.letter_of("BK-1").await;

    assert_eq!(letter.booking_key(), Some(key("BK-1")));
    assert_eq!(
        (letter.subject.as_str(), letter.reason.as_str(), letter.attempts),
        ("reminder_1", "refused", 1)
    );
    assert_eq!(letter.state(), LetterState::Open);
}
