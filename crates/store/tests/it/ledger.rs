//! The ledger: what hangs is found, by its kind, and what is on its way is not.

use chrono::TimeDelta;
use domain::after_call::NextStep;
use domain::dead_letter::DeadLetterReason;
use domain::ids::ResortId;
use domain::ledger::Trouble;
use domain::message::MessageKind::Reminder1;
use domain::silence_policy::SilencePolicy;
use store::ledger::{self, Expected, Ledger};

use crate::scene::{Scene, accepted};

pub(crate) fn expected() -> Expected {
    Expected {
        resorts: vec![ResortId::parse("azure-bay").unwrap()],
        margin: TimeDelta::minutes(5),
        silence_policy: SilencePolicy::default(),
        letters_are_here: true,
    }
}

async fn checked_with(scene: &Scene, expected: Expected) -> Ledger {
    scene.run(move |c, _| ledger::check(c, &expected, 100)).await
}

async fn checked(scene: &Scene) -> Ledger {
    checked_with(scene, expected()).await
}

async fn troubles(scene: &Scene) -> Vec<Trouble> {
    let found = checked(scene).await.findings;
    found.iter().map(|finding| finding.trouble).collect()
}

/// A due reminder, changed so, is found to be this trouble; changed so much less, it is none.
async fn check(too_much: &str, still_good: &str, trouble: Trouble) {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    assert!(
        troubles(&scene).await.is_empty(),
        "due ten minutes ago, but just born"
    );
    scene
        .sql(
            "UPDATE messages SET publish_at = now() + interval '1 minute', \
             created_at = created_at - interval '1 day', updated_at = updated_at - interval '1 day'",
        )
        .await;
    assert!(troubles(&scene).await.is_empty(), "handed out since it is due");

    scene.sql(&format!("UPDATE messages SET {still_good}")).await;
    assert_eq!(troubles(&scene).await, [], "{trouble}: {still_good}");

    scene.sql(&format!("UPDATE messages SET {too_much}")).await;
    let found = checked(&scene).await.findings;
    assert_eq!(troubles(&scene).await, [trouble], "{too_much}");
    assert_eq!(
        (found[0].subject.as_str(), found[0].booking.as_deref()),
        (id.to_string().as_str(), Some("azure-bay/BK-1"))
    );
}

#[tokio::test]
async fn a_message_that_nobody_hands_out_is_found() {
    let trouble = Trouble::QueuedTooLong;
    check(
        "publish_at = now() - interval '6 minutes'",
        "publish_at = now() - interval '4 minutes'",
        trouble,
    )
    .await;
    check(
        "publish_at = NULL",
        "publish_at = now() + interval '1 day'",
        trouble,
    )
    .await;
}

#[tokio::test]
async fn a_message_that_is_handed_out_and_that_nobody_takes_is_found() {
    check(
        "due_at = now() - interval '31 minutes', publish_at = now() + interval '8 minutes'",
        "due_at = now() - interval '29 minutes', publish_at = now() + interval '8 minutes'",
        Trouble::QueuedTooLong,
    )
    .await;
}

// shows: G17
#[tokio::test]
async fn a_call_without_an_outcome_is_found() {
    check(
        "state = 'sending', claimed_at = now() - interval '7 minutes'",
        "state = 'sending', claimed_at = now() - interval '5 minutes'",
        Trouble::SendingTooLong,
    )
    .await;
    check(
        "state = 'unknown', claimed_at = now() - interval '36 minutes'",
        "state = 'unknown', claimed_at = now() - interval '34 minutes'",
        Trouble::UnknownTooLong,
    )
    .await;
}

#[tokio::test]
async fn a_message_that_waits_for_a_hold_that_does_not_exist_is_found() {
    check(
        "state = 'held', reason = 'token', held_by = 'token resort=azure-bay', updated_at = now() - interval '6 minutes'",
        "state = 'held', reason = 'template_missing', held_by = NULL, updated_at = now() - interval '6 minutes'",
        Trouble::HeldByNothing,
    )
    .await;
}

#[tokio::test]
async fn a_message_that_is_held_although_its_time_is_over_is_found() {
    let held =
        "state = 'held', reason = 'template_missing', held_by = NULL, updated_at = now() - interval '1 day'";
    check(
        &format!("{held}, expires_at = now() - interval '6 minutes'"),
        &format!("{held}, expires_at = now() - interval '4 minutes'"),
        Trouble::HeldTooLong,
    )
    .await;
}

#[tokio::test]
async fn a_message_that_waits_for_a_hold_is_in_order() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene
        .sql(
            "INSERT INTO holds (key, scope, reason) VALUES ('paused everything', 'paused', ''); \
             UPDATE messages SET state = 'held', reason = 'paused', held_by = 'paused everything', \
             updated_at = now() - interval '6 days', expires_at = now() + interval '1 hour'",
        )
        .await;

    assert!(troubles(&scene).await.is_empty());
}

#[tokio::test]
async fn a_letter_that_is_not_published_or_is_missing_is_found() {
    let dead = "state = 'dead', reason = 'refused'";
    check(
        &format!("{dead}, letter_due = true, died_at = now(), updated_at = now() - interval '6 minutes'"),
        &format!("{dead}, letter_due = true, died_at = now(), updated_at = now() - interval '4 minutes'"),
        Trouble::LetterUnpublished,
    )
    .await;
    check(
        &format!("{dead}, letter_due = false, updated_at = now() - interval '6 minutes'"),
        &format!("{dead}, letter_due = false, updated_at = now() - interval '4 minutes'"),
        Trouble::LetterMissing,
    )
    .await;
}

#[tokio::test]
async fn no_letter_is_missing_while_some_may_lie_in_the_dead_queues() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene
        .sql("UPDATE messages SET state = 'dead', reason = 'refused', updated_at = now() - interval '1 day'")
        .await;
    let elsewhere = Expected {
        letters_are_here: false,
        ..expected()
    };

    assert!(checked_with(&scene, elsewhere).await.findings.is_empty());
    assert_eq!(troubles(&scene).await, [Trouble::LetterMissing]);
}

const LETTER: &str = "INSERT INTO letters (kind, amqp_id, reason, error, attempts, died_at, dated, subject, message_id, \
                      body, state, closed_at) ";

const LETTER_OF_DEATH: &str = "INSERT INTO letters (kind, amqp_id, reason, error, attempts, died_at, dated, subject, message_id, \
                               body, state, closed_at) \
                               SELECT 'messages', id::text, 'refused', '', 1, died_at, true, kind, id, '', 'open', NULL \
                               FROM messages";

#[tokio::test]
async fn the_letter_of_an_earlier_death_asks_nobody_about_the_last_one() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene
        .sql(&format!(
            "UPDATE messages SET state = 'dead', reason = 'refused', died_at = now() - interval '2 days', \
             updated_at = now() - interval '1 day'; {LETTER_OF_DEATH}; UPDATE letters SET state = 'retried'"
        ))
        .await;
    assert!(troubles(&scene).await.is_empty(), "one death, one letter");

    scene
        .sql("UPDATE messages SET died_at = now() - interval '1 day'")
        .await;

    assert_eq!(troubles(&scene).await, [Trouble::LetterMissing]);
}

#[tokio::test]
async fn a_call_in_doubt_has_as_long_as_the_senders_are_told() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene
        .sql("UPDATE messages SET state = 'unknown', claimed_at = now() - interval '1 hour'")
        .await;
    let patient = Expected {
        silence_policy: SilencePolicy {
            gives_up_after: TimeDelta::hours(2),
            ..SilencePolicy::default()
        },
        ..expected()
    };

    assert!(checked_with(&scene, patient).await.findings.is_empty());
    assert_eq!(troubles(&scene).await, [Trouble::UnknownTooLong]);
}

#[tokio::test]
async fn what_is_late_by_seconds_is_found_where_no_more_is_allowed() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene
        .sql("UPDATE bookings SET wake_at = now() - interval '11 seconds'")
        .await;
    let strict = Expected {
        margin: TimeDelta::seconds(10),
        ..expected()
    };

    let found = checked_with(&scene, strict).await.findings;

    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].trouble, Trouble::WakeUpOverdue);
    assert!(troubles(&scene).await.is_empty(), "five minutes are usual");
}

#[tokio::test]
async fn a_fetch_that_no_processor_carries_out_is_found() {
    let scene = Scene::new().await;
    scene
        .sql("INSERT INTO fetches (key, source, due_at) VALUES ('apaleo/a', 'apaleo', now() - interval '1 hour')")
        .await;

    let found = checked_with(&scene, expected()).await.findings;

    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].trouble, Trouble::FetchOverdue);
    assert_eq!(found[0].subject, "apaleo/a");
}

#[tokio::test]
async fn a_letter_that_is_open_although_its_message_lives_is_found() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene
        .sql(&format!(
            "UPDATE messages SET state = 'dead', reason = 'refused', died_at = now() - interval '6 minutes', \
             updated_at = now() - interval '6 minutes'; {LETTER_OF_DEATH}"
        ))
        .await;
    assert!(troubles(&scene).await.is_empty(), "dead, with its letter");

    scene
        .sql("UPDATE messages SET state = 'sent', reason = NULL")
        .await;

    assert_eq!(troubles(&scene).await, [Trouble::LetterOutlived]);
}

#[tokio::test]
async fn an_event_that_was_retried_and_never_heard_of_again_is_found() {
    let scene = Scene::new().await;
    let retried = format!(
        "{LETTER} VALUES ('events', 'direct/evt_1', 'crashed', '', 3, now(), true, 'booking_started', NULL, '', 'retried', \
         now() - interval '61 minutes')"
    );
    scene.sql(&retried).await;
    assert_eq!(troubles(&scene).await, [Trouble::RetriedEventMissing]);

    scene
        .sql(
            "INSERT INTO events (key, source, event_type, received_at, request_id, outcome) \
             VALUES ('direct/evt_1', 'direct', 'booking_started', now(), 'r', 'applied')",
        )
        .await;
    assert!(troubles(&scene).await.is_empty());
}

#[tokio::test]
async fn a_booking_that_nobody_wakes_is_found() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene
        .sql("UPDATE bookings SET wake_at = now() - interval '4 minutes'")
        .await;
    assert!(troubles(&scene).await.is_empty());

    scene
        .sql("UPDATE bookings SET wake_at = now() - interval '6 minutes'")
        .await;

    assert_eq!(troubles(&scene).await, [Trouble::WakeUpOverdue]);
}

#[tokio::test]
async fn bookings_of_a_resort_without_a_file_are_found_together() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene.due_reminder("BK-2").await;
    scene
        .sql("UPDATE bookings SET wake_at = now() + interval '1 minute'")
        .await;
    let without = Expected {
        resorts: Vec::new(),
        ..expected()
    };

    let found = checked_with(&scene, without).await.findings;

    let [one] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (one.trouble, one.subject.as_str(), one.detail.as_str()),
        (Trouble::ResortMissing, "azure-bay", "2 bookings")
    );
}

#[tokio::test]
async fn guests_whom_no_file_gives_a_term_are_found_until_they_are_gone() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene.sql("UPDATE bookings SET wake_at = NULL").await;
    let without = || Expected {
        resorts: Vec::new(),
        ..expected()
    };
    assert!(troubles(&scene).await.is_empty());

    let found = checked_with(&scene, without()).await.findings;
    scene.sql("UPDATE bookings SET tells_of_guest = false").await;

    let told: Vec<_> = found.iter().map(|one| (one.trouble, &*one.subject)).collect();
    assert_eq!(told, [(Trouble::GuestsWithoutTerm, "azure-bay")]);
    assert!(checked_with(&scene, without()).await.findings.is_empty());
}

// shows: G17
#[tokio::test]
async fn an_end_without_a_reason_and_a_strange_state_are_found() {
    let trouble = Trouble::EndUnexplained;
    check(
        "state = 'skipped', reason = NULL",
        "state = 'skipped', reason = 'no_phone'",
        trouble,
    )
    .await;
    check("state = 'gone'", "state = 'read'", trouble).await;
}

#[tokio::test]
async fn the_summary_counts_everything_by_its_end() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;
    scene.answered(call, accepted()).await;
    scene.due_reminder("BK-2").await;
    let call = scene.claimed("BK-2").await;
    scene
        .answered(call, NextStep::GiveUp(DeadLetterReason::Refused))
        .await;

    let found = checked(&scene).await;

    let counts: Vec<_> = found
        .counts
        .iter()
        .map(|count| (count.of.as_str(), count.state.as_str(), count.count))
        .collect();
    assert_eq!(
        counts,
        [
            ("bookings", "abandoned", 2),
            ("messages", "dead", 1),
            ("messages", "sent", 1)
        ]
    );
    assert!(found.findings.is_empty());
}

#[tokio::test]
async fn checking_waits_for_nobody_and_changes_nothing() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let before = scene.message("BK-1", Reminder1).await;

    let (held, done) = (
        tokio::sync::oneshot::channel::<()>(),
        tokio::sync::oneshot::channel::<()>(),
    );
    let holding = scene.run(move |c, _| {
        use diesel::connection::SimpleConnection;
        c.batch_execute("LOCK TABLE messages, bookings, events, letters, holds IN EXCLUSIVE MODE")
            .unwrap();
        held.0.send(()).unwrap();
        done.1.blocking_recv().unwrap();
        Ok(())
    });
    let checking = async {
        held.1.await.unwrap();
        let found = checked(&scene).await;
        done.0.send(()).unwrap();
        found
    };

    let ((), found) = tokio::join!(holding, checking);

    assert!(found.findings.is_empty());
    assert_eq!(
        scene.message("BK-1", Reminder1).await.updated_at,
        before.updated_at
    );
}
