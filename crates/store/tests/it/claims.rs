//! Who may call WhatsApp, and for what.

use chrono::{TimeDelta, Utc};
use domain::consent::ConsentChange;
use domain::event::EventType::{BookingStarted, ReservationConfirmed};
use domain::ids::{MessageId, NumberId};
use domain::message::MessageKind::Reminder1;
use domain::message::{Attempt, MessageState, Reason};
use domain::plan::Decision;
use store::bookings;
use store::claims::{self, Claim, NotNow, Uncalled, Wanted};
use store::guests::{self, GuestKey};
use store::planning;
use store::{conversations, relay};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::scene::{Scene, apply, event, key};

async fn check(change: &str, expected: &[fn(Wanted) -> Claim], state: MessageState) {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let wanted = scene.wanted("BK-1", Reminder1).await;
    scene.sql(change).await;

    let claims = scene.claim(vec![wanted.clone()]).await;

    let expected: Vec<_> = expected.iter().map(|claim| claim(wanted.clone())).collect();
    assert_eq!(claims, expected, "after {change}");
    let reminder = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!(reminder.state, state, "after {change}");
}

#[tokio::test]
async fn what_is_wanted_and_due_is_granted_with_the_next_attempts_number() {
    check(
        "UPDATE messages SET attempts = 4",
        &[|w| Claim::Granted(w.id, Attempt(5))],
        MessageState::Sending,
    )
    .await;
}

#[tokio::test]
async fn what_is_no_longer_wanted_ends_with_its_reason() {
    let stands = "UPDATE bookings SET stands = true";
    check(
        stands,
        &[|w| Claim::Ended(w.id, Reason::Confirmed)],
        MessageState::Withdrawn,
    )
    .await;
    let withdrawn = "UPDATE messages SET withdrawn_reason = 'cancelled'";
    check(
        withdrawn,
        &[|w| Claim::Ended(w.id, Reason::Cancelled)],
        MessageState::Withdrawn,
    )
    .await;
    let too_late = "UPDATE messages SET expires_at = clock_timestamp()";
    check(
        too_late,
        &[|w| Claim::Ended(w.id, Reason::Expired)],
        MessageState::Expired,
    )
    .await;
}

#[tokio::test]
async fn what_was_written_from_older_facts_is_outdated_and_comes_again() {
    check(
        "UPDATE bookings SET version = 9",
        &[|w| Claim::Outdated(w.id)],
        MessageState::Queued,
    )
    .await;
}

#[tokio::test]
async fn what_is_not_due_or_already_taken_is_missing_from_the_answer() {
    let later = "UPDATE messages SET due_at = clock_timestamp() + interval '1 minute'";
    check(later, &[], MessageState::Queued).await;
    check(
        "UPDATE messages SET state = 'sending'",
        &[],
        MessageState::Sending,
    )
    .await;
    check("UPDATE messages SET state = 'held'", &[], MessageState::Held).await;
}

// shows: B62
#[tokio::test]
async fn nothing_is_granted_once_quiet_hours_have_begun() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let wanted = Wanted {
        not_after: Some(Utc::now() - TimeDelta::seconds(1)),
        ..scene.wanted("BK-1", Reminder1).await
    };

    assert!(scene.claim(vec![wanted]).await.is_empty());
}

#[tokio::test]
async fn a_guest_who_opted_out_gets_no_reminder_and_one_who_came_back_does() {
    for (wishes, granted) in [
        (vec![ConsentChange::Stop], false),
        (vec![ConsentChange::Stop, ConsentChange::Start], true),
    ] {
        let scene = Scene::new().await;
        scene.due_reminder("BK-1").await;
        scene
            .run(move |c, planner| {
                let facts = bookings::find(c, &planner.ring, &key("BK-1"))?.unwrap().facts;
                let guest: GuestKey = planner.guest_of(&key("BK-1"), &facts).unwrap();
                for (second, wish) in wishes.into_iter().enumerate() {
                    let at = Utc::now() + TimeDelta::seconds(i64::try_from(second).unwrap());
                    guests::record_consent(c, &guest, wish, at)?;
                }
                Ok(())
            })
            .await;
        let wanted = scene.wanted("BK-1", Reminder1).await;

        let claims = scene.claim(vec![wanted.clone()]).await;

        if granted {
            assert_eq!(claims, [Claim::Granted(wanted.id, Attempt(1))]);
        } else {
            assert_eq!(claims, [Claim::Ended(wanted.id, Reason::OptedOut)]);
        }
    }
}

// shows: B22
#[tokio::test]
async fn a_reservation_of_the_same_guest_elsewhere_ends_a_reminder_unless_the_dates_differ() {
    for (dates, ended) in [
        ("'2099-01-01', '2099-01-05'", true),
        ("NULL, NULL", true),
        ("'2099-02-01', '2099-02-05'", false),
        ("'2099-01-02', '2099-01-02'", true),
        ("'2099-01-03', '2099-01-03'", false),
        ("'2099-01-02', '2099-01-01'", true),
    ] {
        let scene = Scene::new().await;
        scene.due_reminder("CART-1").await;
        scene.happens(BookingStarted, "BK-1", 1).await;
        // Behind the plan's back: what an event in flight has committed, but not yet planned for the cart.
        scene
            .sql(&format!(
                "UPDATE bookings SET check_in = '2099-01-02', check_out = '2099-01-03' WHERE id = 'CART-1'; \
                 UPDATE bookings SET stands = true, (check_in, check_out) = ({dates}) WHERE id = 'BK-1'"
            ))
            .await;
        let wanted = scene.wanted("CART-1", Reminder1).await;

        let claims = scene.claim(vec![wanted.clone()]).await;

        if ended {
            assert_eq!(
                claims,
                [Claim::Ended(wanted.id, Reason::BookedElsewhere)],
                "{dates}"
            );
        } else {
            assert_eq!(claims, [Claim::Granted(wanted.id, Attempt(1))], "{dates}");
        }
    }
}

// shows: G26
#[tokio::test]
async fn plan_and_claim_agree_which_reservations_make_a_cart_superfluous_also_around_midnight() {
    // In Athens it is the next day already.
    let yesterday = (Utc::now() - TimeDelta::days(1)).date_naive();
    let seen_at = yesterday.and_hms_opt(22, 15, 0).unwrap().and_utc();
    for (days, superfluous) in [(-1, false), (0, false), (1, true), (2, true)] {
        let left_on = yesterday + TimeDelta::days(days);
        let scene = Scene::new().await;
        let mut started = event(BookingStarted, &key("CART-1"), 0);
        started.occurred_at = seen_at;
        scene.run(move |c, planner| apply(c, planner, &started)).await;
        scene.happens(BookingStarted, "BK-1", 1).await;
        scene
            .sql(&format!(
                "UPDATE bookings SET stands = true, check_out = '{left_on}' WHERE id = 'BK-1'; \
                 UPDATE messages SET state = 'queued', reason = NULL, publish_at = now(), \
                 expires_at = now() + interval '1 hour' WHERE booking_key LIKE '%/CART-1'"
            ))
            .await;

        let cart = scene.booking("CART-1").await;
        let plan = scene
            .run(move |c, planner| planning::explain(c, planner, &cart, Utc::now()))
            .await;
        let wanted = scene.wanted("CART-1", Reminder1).await;
        let claims = scene.claim(vec![wanted.clone()]).await;

        let planned = plan
            .unwrap()
            .messages
            .into_iter()
            .find(|one| one.kind == Reminder1);
        let unwanted = Decision::NotWanted(Reason::BookedElsewhere);
        assert_eq!(
            planned.unwrap().decision == unwanted,
            superfluous,
            "plan, {left_on}"
        );
        let ended = Claim::Ended(wanted.id, Reason::BookedElsewhere);
        assert_eq!(claims.contains(&ended), superfluous, "claim, {left_on}");
    }
}

// shows: G20
#[tokio::test]
async fn of_many_claims_at_once_one_is_granted() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    let wanted = scene.wanted("BK-1", Reminder1).await;

    let (a, b, c, d) = tokio::join!(
        scene.claim(vec![wanted.clone()]),
        scene.claim(vec![wanted.clone()]),
        scene.claim(vec![wanted.clone()]),
        scene.claim(vec![wanted.clone()]),
    );

    // One that finds the row locked does not wait for it.
    let is_judged = |claim: &Claim| *claim != Claim::Locked(id);
    let granted: Vec<_> = [a, b, c, d].into_iter().flatten().filter(is_judged).collect();
    assert_eq!(granted, [Claim::Granted(id, Attempt(1))]);
}

// shows: B25, G26
#[tokio::test]
async fn a_confirmation_that_commits_while_a_claim_waits_for_its_lock_wins() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    let wanted = scene.wanted("BK-1", Reminder1).await;
    let confirmed = event(ReservationConfirmed, &key("BK-1"), 1);
    let (applied, wait_until_applied) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();
    let confirmation = scene.run(move |c, planner| {
        apply(c, planner, &confirmed)?;
        applied.send(()).unwrap();
        wait_to_go_on.blocking_recv().unwrap();
        Ok(())
    });
    let claim = async {
        wait_until_applied.await.unwrap();
        let together = scene.claim(vec![wanted.clone()]).await;
        let alone = scene.run(move |c, _| claims::claim_waiting(c, Uuid::now_v7(), &wanted));
        let (alone, ()) = tokio::join!(alone, async {
            scene.until_someone_waits().await;
            go_on.send(()).unwrap();
        });
        (together, alone)
    };

    let ((), (together, alone)) = tokio::join!(confirmation, claim);

    assert_eq!((together, alone), (vec![Claim::Locked(id)], None));
    let reminder = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!((reminder.state, reminder.attempts), (MessageState::Withdrawn, 0));
}

#[tokio::test]
async fn a_claim_whose_commit_was_not_answered_is_read_back_by_its_token() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    let wanted = scene.wanted("BK-1", Reminder1).await;
    let token = Uuid::now_v7();
    scene.run(move |c, _| claims::claim(c, token, &[wanted])).await;

    let held = scene.run(move |c, _| claims::claimed_by(c, token)).await;
    assert_eq!(held, [(id, Attempt(1))]);

    let strange = scene.run(|c, _| claims::claimed_by(c, Uuid::now_v7())).await;
    assert!(strange.is_empty());
}

#[tokio::test]
async fn a_claim_without_a_call_goes_back_to_the_queue_and_keeps_its_number() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let (id, attempt) = scene.claimed("BK-1").await;

    scene
        .run(move |c, _| claims::release(c, &[(id, Attempt(7))]))
        .await;
    assert_eq!(
        scene.message("BK-1", Reminder1).await.existing.state,
        MessageState::Sending
    );
    scene.run(move |c, _| claims::release(c, &[(id, attempt)])).await;

    assert_eq!(scene.claimed("BK-1").await, (id, Attempt(2)));
}

#[tokio::test]
async fn a_released_claim_of_a_withdrawn_message_ends() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;
    scene.happens(ReservationConfirmed, "BK-1", 1).await;

    scene.run(move |c, _| claims::release(c, &[call])).await;

    let reminder = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!(
        (reminder.state, reminder.reason),
        (MessageState::Withdrawn, Some(Reason::Confirmed))
    );
}

#[tokio::test]
async fn a_draft_has_what_is_needed_to_write_a_message_that_is_due() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    scene.happens(BookingStarted, "BK-2", 5).await;

    let drafts = scene
        .run(move |c, planner| claims::read_drafts(c, &planner.ring, &[id]))
        .await;

    let [draft] = drafts.readable.as_slice() else {
        panic!("{drafts:?}");
    };
    assert_eq!(
        (draft.id, &draft.booking, draft.kind, draft.version),
        (id, &key("BK-1"), Reminder1, 1)
    );
    assert!(draft.facts.phone.is_some() && draft.phone_hash.is_some());
    assert!(draft.open_numbers.is_empty());

    scene.claimed("BK-1").await;
    let drafts = scene
        .run(move |c, planner| claims::read_drafts(c, &planner.ring, &[id]))
        .await;
    assert!(drafts.readable.is_empty());
}

/// By the facts of a booking of which one event is known.
fn judged(id: MessageId, verdict: NotNow) -> Uncalled {
    Uncalled {
        id,
        version: 1,
        closed_window: None,
        verdict,
    }
}

fn held(scope: &'static str) -> NotNow {
    NotNow::Hold { scope, hold: None }
}

#[tokio::test]
async fn messages_can_be_skipped_put_off_and_held_while_they_are_queued() {
    let scene = Scene::new().await;
    for booking in ["BK-1", "BK-2", "BK-3"] {
        scene.due_reminder(booking).await;
    }
    let later = Utc::now() + TimeDelta::hours(2);
    let mut ids = Vec::new();
    for booking in ["BK-1", "BK-2", "BK-3"] {
        ids.push(scene.message(booking, Reminder1).await.existing.id);
    }

    let uncalled = vec![
        judged(ids[2], held("token")),
        judged(ids[0], NotNow::Skip(Reason::MissingValue)),
        judged(ids[1], NotNow::PutOff(later)),
    ];
    let outdated = scene.run(move |c, _| claims::set_aside(c, &uncalled)).await;
    assert_eq!(outdated, []);
    let overruled = vec![
        judged(ids[0], NotNow::PutOff(later)),
        judged(ids[2], NotNow::Skip(Reason::MissingValue)),
    ];
    scene.run(move |c, _| claims::set_aside(c, &overruled)).await;

    let skipped = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!(
        (skipped.state, skipped.reason),
        (MessageState::Skipped, Some(Reason::MissingValue))
    );
    let put_off = scene.message("BK-2", Reminder1).await.existing;
    assert_eq!(put_off.state, MessageState::Queued);
    assert_eq!(put_off.due_at.timestamp_micros(), later.timestamp_micros());
    let held = scene.message("BK-3", Reminder1).await;
    assert_eq!(
        (held.existing.state, held.reason.as_deref()),
        (MessageState::Held, Some("token"))
    );
}

// shows: G27
#[tokio::test]
async fn a_fact_that_commits_between_the_reading_and_the_judgement_is_not_overruled() {
    for verdict in [
        NotNow::Skip(Reason::MissingValue),
        NotNow::PutOff(Utc::now() + TimeDelta::hours(2)),
        held("template_missing"),
    ] {
        let scene = Scene::new().await;
        let id = scene.due_reminder("BK-1").await;
        let drafts = scene
            .run(move |c, planner| claims::read_drafts(c, &planner.ring, &[id]))
            .await;
        let judged_by = Uncalled {
            version: drafts.readable[0].version,
            ..judged(id, verdict.clone())
        };
        let brings_the_value = event(BookingStarted, &key("BK-1"), 40);
        let (applied, wait_until_applied) = oneshot::channel();
        let (go_on, wait_to_go_on) = oneshot::channel::<()>();

        let fact = scene.run(move |c, planner| {
            apply(c, planner, &brings_the_value)?;
            applied.send(()).unwrap();
            wait_to_go_on.blocking_recv().unwrap();
            Ok(())
        });
        let judgement = async {
            wait_until_applied.await.unwrap();
            let setting_aside = scene.run(move |c, _| claims::set_aside(c, &[judged_by]));
            let (outdated, ()) = tokio::join!(setting_aside, async {
                scene.until_someone_waits().await;
                go_on.send(()).unwrap();
            });
            outdated
        };
        let ((), outdated) = tokio::join!(fact, judgement);

        assert_eq!(outdated, [id], "{verdict:?}");
        let reminder = scene.message("BK-1", Reminder1).await.existing;
        assert_eq!(reminder.state, MessageState::Queued, "{verdict:?}");
        assert!(reminder.due_at < Utc::now(), "{verdict:?}");
        let due = scene.run(|c, _| relay::take_due(c, 10)).await;
        assert_eq!(due, [id], "{verdict:?}: it is handed out at once");
    }
}

// shows: G27
#[tokio::test]
async fn a_message_that_was_held_since_its_guests_window_was_closed_is_judged_again_once_it_is_open() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    let number = NumberId::parse("106540352242922").unwrap();
    let by_closed_window = |number: &NumberId| Uncalled {
        closed_window: Some(number.clone()),
        ..judged(id, held("template_missing"))
    };
    let written_at = number.clone();
    scene
        .run(move |c, planner| {
            let facts = bookings::find(c, &planner.ring, &key("BK-1"))?.unwrap().facts;
            let guest = planner.guest_of(&key("BK-1"), &facts).unwrap();
            conversations::open(c, &written_at, &[guest.phone_hash].into(), Utc::now())
        })
        .await;

    let another = NumberId::parse("1").unwrap();
    for (number, overruled) in [(number, true), (another, false)] {
        let judged = by_closed_window(&number);
        let outdated = scene.run(move |c, _| claims::set_aside(c, &[judged])).await;
        assert_eq!(outdated.contains(&id), overruled, "{number:?}");
    }
}
