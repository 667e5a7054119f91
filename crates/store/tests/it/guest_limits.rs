//! How many reminders a guest gets in a day, and the rest after a confirmation.

use std::num::NonZeroU32;
use std::time::Duration;

use domain::event::EventType::{BookingStarted, ReservationConfirmed};
use domain::ids::{MessageId, NumberId};
use domain::message::MessageKind::{self, Reminder1, Reminder2};
use domain::message::{Attempt, MessageState, Reason};
use domain::resort::Limits;
use store::claims::{self, Claim, Wanted};
use store::guest_data::{DataSubject, erase};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::scene::{Scene, accepted, apply, event, key};

const ADA: &str = "+306912345678";
const BOB: &str = "+306912345679";

/// What a sender would ask for at a resort with the default limits, from what it can read now.
async fn limited(scene: &Scene, booking: &str, kind: MessageKind) -> Wanted {
    let (limits, wanted) = (Limits::default(), scene.wanted(booking, kind).await);
    Wanted {
        day_cap: wanted.day_cap.map(|_| limits.reminders_per_day),
        rest_after_confirmation: match wanted.is_reminder {
            true => limits.rest_after_confirmation,
            false => Duration::ZERO,
        },
        ..wanted
    }
}

/// Carts of one guest whose first reminders are due, and what a sender would ask for.
async fn carts<const N: usize>(scene: &Scene, phone: &str, names: [&str; N]) -> [Wanted; N] {
    let mut wanted = Vec::new();
    for name in names {
        scene.due_reminder_of(name, phone).await;
        wanted.push(limited(scene, name, Reminder1).await);
    }
    wanted.try_into().unwrap()
}

fn granted(id: MessageId) -> Claim {
    Claim::Granted(id, Attempt(1))
}

fn capped(id: MessageId) -> Claim {
    Claim::Ended(id, Reason::Capped)
}

fn with_cap(wanted: &Wanted, cap: u32) -> Wanted {
    Wanted {
        day_cap: NonZeroU32::new(cap),
        ..wanted.clone()
    }
}

/// How many rows tell of guests who were reminded.
async fn rows(scene: &Scene) -> usize {
    scene
        .run(|connection, _| {
            use diesel::RunQueryDsl;
            Ok(diesel::sql_query("SELECT FROM reminded")
                .execute(connection)
                .unwrap())
        })
        .await
}

/// Everything that happened so far lies a day back.
async fn a_day_goes_by(scene: &Scene) {
    scene
        .sql(
            "UPDATE messages SET claimed_at = claimed_at - interval '24 hours'; \
             UPDATE reminded SET reminded_at = reminded_at - interval '24 hours'; \
             UPDATE bookings SET confirmed_at = confirmed_at - interval '24 hours'",
        )
        .await;
}

// shows: B150
#[tokio::test]
async fn of_two_carts_of_one_guest_one_is_reminded_and_the_other_skipped_as_capped() {
    let scene = Scene::new().await;
    let [first, second] = carts(&scene, ADA, ["BK-1", "BK-2"]).await;

    assert_eq!(scene.claim(vec![first.clone()]).await, [granted(first.id)]);
    assert_eq!(scene.claim(vec![second.clone()]).await, [capped(second.id)]);

    let skipped = scene.message("BK-2", Reminder1).await;
    assert_eq!(skipped.existing.state, MessageState::Skipped);
    assert_eq!(skipped.existing.reason, Some(Reason::Capped));
    assert_eq!(skipped.existing.attempts, 0);
}

#[tokio::test]
async fn of_several_in_one_claim_as_many_are_granted_as_the_day_allows() {
    let scene = Scene::new().await;
    let ada = carts(&scene, ADA, ["BK-1", "BK-2", "BK-3"]).await;
    let [bob] = carts(&scene, BOB, ["BK-4"]).await;
    let wanted: Vec<Wanted> = ada.iter().map(|one| with_cap(one, 2)).chain([bob]).collect();

    let claims = scene.claim(wanted.clone()).await;

    let of = |index: usize| {
        claims
            .iter()
            .find(|claim| claim.id() == wanted[index].id)
            .unwrap()
    };
    assert_eq!(
        [of(0), of(1), of(2), of(3)],
        [
            &granted(wanted[0].id),
            &granted(wanted[1].id),
            &capped(wanted[2].id),
            &granted(wanted[3].id)
        ]
    );
}

// shows: B150
#[tokio::test]
async fn two_senders_at_the_same_instant_never_both_pass_and_never_block_each_other() {
    let scene = Scene::new().await;
    for round in 0..50 {
        let names = |guest: &str| [1, 2].map(|cart| format!("BK-{round}-{guest}-{cart}"));
        let (ada, bob) = (names("ada"), names("bob"));
        let phone = |guest: u8| format!("+30691{guest}0000{round:02}");
        let [a1, a2] = carts(&scene, &phone(1), [&ada[0], &ada[1]]).await;
        let [b1, b2] = carts(&scene, &phone(2), [&bob[0], &bob[1]]).await;

        // Each has both guests, the other way round. A deadlock would be an error.
        let (one, other) = tokio::join!(
            scene.claim(vec![a1.clone(), b1.clone()]),
            scene.claim(vec![b2.clone(), a2.clone()])
        );

        let claims = [one, other].concat();
        for [first, second] in [[a1.id, a2.id], [b1.id, b2.id]] {
            let of = |id| claims.iter().find(|claim| claim.id() == id).unwrap();
            let both = [of(first), of(second)];
            let one_passed = both == [&granted(first), &capped(second)];
            let other_passed = both == [&capped(first), &granted(second)];
            assert!(one_passed || other_passed, "{claims:?}");
        }
    }
}

#[tokio::test]
async fn a_claim_waits_for_another_of_the_same_guest_and_passes_where_that_is_undone() {
    for is_undone in [false, true] {
        let scene = Scene::new().await;
        let [first, second] = carts(&scene, ADA, ["BK-1", "BK-2"]).await;
        let ((is_claimed, claimed), (go_on, gone_on)) = (oneshot::channel(), oneshot::channel());
        let (store, one) = (scene.store.clone(), first.clone());
        let holding = tokio::spawn(async move {
            store
                .transaction(move |connection| {
                    claims::claim(connection, Uuid::now_v7(), &[one])?;
                    is_claimed.send(()).unwrap();
                    gone_on.blocking_recv().unwrap();
                    match is_undone {
                        true => Err(store::StoreError::Overtaken),
                        false => Ok(()),
                    }
                })
                .await
        });
        claimed.await.unwrap();

        let end = async {
            scene.until_someone_waits().await;
            go_on.send(()).unwrap();
        };
        let (claims, ()) = tokio::join!(scene.claim(vec![second.clone()]), end);

        assert_eq!(holding.await.unwrap().is_ok(), !is_undone);
        let expected = if is_undone {
            granted(second.id)
        } else {
            capped(second.id)
        };
        assert_eq!(claims, [expected]);
    }
}

// shows: B150
#[tokio::test]
async fn resorts_with_the_same_number_share_the_day_and_other_numbers_do_not() {
    for (same, expected) in [(true, capped as fn(MessageId) -> Claim), (false, granted)] {
        let scene = Scene::new().await;
        let [first, second] = carts(&scene, ADA, ["BK-1", "BK-2"]).await;
        let other = "UPDATE bookings SET resort = 'olive-hill' WHERE id = 'BK-2'";
        scene.sql(other).await;
        let mut second = second;
        if !same {
            second.route.number = NumberId::parse("106540352242923").unwrap();
        }

        scene.claim(vec![first]).await;

        assert_eq!(scene.claim(vec![second.clone()]).await, [expected(second.id)]);
    }
}

/// What became of the call for the first cart's reminder, and whether the second cart's passes then.
async fn check_after(becomes: &str, passes: bool) {
    let scene = Scene::new().await;
    let [first, second] = carts(&scene, ADA, ["BK-1", "BK-2"]).await;
    scene.claim(vec![first.clone()]).await;
    scene
        .sql(&format!(
            "UPDATE messages SET state = '{becomes}', claim_token = NULL WHERE id = '{}'",
            first.id
        ))
        .await;

    let claims = scene.claim(vec![second.clone()]).await;

    let expected = if passes { granted } else { capped };
    assert_eq!(claims, [expected(second.id)], "after {becomes}");
}

#[tokio::test]
async fn what_may_have_reached_the_guest_or_may_still_go_counts_and_what_ended_without_a_call_does_not() {
    for counts in ["sending", "unknown", "sent", "read", "dead", "queued", "held"] {
        check_after(counts, false).await;
    }
    for ended in ["withdrawn", "expired", "skipped"] {
        check_after(ended, true).await;
    }
}

// shows: B151
#[tokio::test]
async fn the_next_attempt_of_the_same_message_passes_whatever_came_of_the_first() {
    let scene = Scene::new().await;
    let [first, second] = carts(&scene, ADA, ["BK-1", "BK-2"]).await;
    let (id, attempt) = scene.claimed("BK-1").await;
    scene
        .run(move |connection, _| claims::release(connection, &[(id, attempt)]))
        .await;

    // Also beside another cart in one claim, which is due as long.
    let claims = scene.claim(vec![second.clone(), first.clone()]).await;

    let of = |id| claims.iter().find(|claim| claim.id() == id).unwrap();
    assert_eq!(of(first.id), &Claim::Granted(first.id, Attempt(2)));
    assert_eq!(of(second.id), &capped(second.id));
}

#[tokio::test]
async fn with_two_a_day_a_retry_takes_no_second_place() {
    let scene = Scene::new().await;
    let [first, second, third] = carts(&scene, ADA, ["BK-1", "BK-2", "BK-3"]).await;
    let (id, attempt) = scene.claimed("BK-1").await;
    scene
        .run(move |connection, _| claims::release(connection, &[(id, attempt)]))
        .await;

    let wanted: Vec<Wanted> = [&third, &second, &first].map(|one| with_cap(one, 2)).to_vec();
    let claims = scene.claim(wanted).await;

    let of = |id| claims.iter().find(|claim| claim.id() == id).unwrap();
    assert_eq!(of(first.id), &Claim::Granted(first.id, Attempt(2)));
    assert_eq!(of(second.id), &granted(second.id));
    assert_eq!(of(third.id), &capped(third.id));
}

// shows: B150
#[tokio::test]
async fn a_day_later_the_guest_may_be_reminded_again_and_the_row_is_forgotten() {
    let scene = Scene::new().await;
    let [first, second] = carts(&scene, ADA, ["BK-1", "BK-2"]).await;
    let [bob] = carts(&scene, BOB, ["BK-3"]).await;
    scene.claim(vec![first, bob]).await;
    let forget = async || scene.run(|c, _| claims::forget_reminded(c, 10)).await;
    assert_eq!(forget().await, 0);
    a_day_goes_by(&scene).await;

    assert_eq!(scene.claim(vec![second.clone()]).await, [granted(second.id)]);

    // Ada's row has become new.
    assert_eq!(forget().await, 1);
    assert_eq!(rows(&scene).await, 1);
}

// shows: B151
#[tokio::test]
async fn the_second_reminder_follows_its_first_whatever_the_day_has_seen() {
    let scene = Scene::new().await;
    scene.due_reminder_of("BK-1", ADA).await;
    let first = scene.claimed("BK-1").await;
    scene.answered(first, accepted()).await;
    scene
        .sql("UPDATE messages SET sent_at = sent_at - interval '25 hours'")
        .await;
    scene.happens(BookingStarted, "BK-1", 2 * 24 * 60).await;
    let second = limited(&scene, "BK-1", Reminder2).await;

    assert_eq!(scene.claim(vec![second.clone()]).await, [granted(second.id)]);
}

async fn confirmed(scene: &Scene, booking: &str, minutes: i64, days: (&str, &str)) {
    let mut event = event(ReservationConfirmed, &key(booking), minutes);
    event.details.check_in = Some(days.0.parse().unwrap());
    event.details.check_out = Some(days.1.parse().unwrap());
    scene
        .run(move |connection, planner| apply(connection, planner, &event))
        .await;
}

async fn cart_of_january(scene: &Scene) -> Wanted {
    let mut event = event(BookingStarted, &key("BK-1"), 40);
    event.details.check_in = Some("2099-01-01".parse().unwrap());
    event.details.check_out = Some("2099-01-05".parse().unwrap());
    scene
        .run(move |connection, planner| apply(connection, planner, &event))
        .await;
    limited(scene, "BK-1", Reminder1).await
}

const JUNE: (&str, &str) = ("2099-06-01", "2099-06-05");

// shows: B152
#[tokio::test]
async fn after_a_confirmation_no_other_cart_of_the_guest_is_reminded_for_a_day() {
    for (minutes, expected) in [
        (10, capped as fn(MessageId) -> Claim),
        (23 * 60, capped),
        (25 * 60, granted),
    ] {
        let scene = Scene::new().await;
        let wanted = cart_of_january(&scene).await;
        confirmed(&scene, "BK-2", minutes, JUNE).await;

        let claims = scene.claim(vec![wanted.clone()]).await;

        assert_eq!(claims, [expected(wanted.id)], "confirmed {minutes} minutes ago");
    }
}

#[tokio::test]
async fn without_a_rest_at_another_resort_or_for_a_utility_message_a_confirmation_caps_nothing() {
    let scene = Scene::new().await;
    let wanted = cart_of_january(&scene).await;
    confirmed(&scene, "BK-2", 10, JUNE).await;
    let without = |wanted: &Wanted| Wanted {
        rest_after_confirmation: Duration::ZERO,
        ..wanted.clone()
    };

    assert_eq!(scene.claim(vec![without(&wanted)]).await, [granted(wanted.id)]);
    let confirmation = limited(&scene, "BK-2", MessageKind::ReservationConfirmation).await;
    assert_eq!(
        scene.claim(vec![confirmation.clone()]).await,
        [granted(confirmation.id)]
    );

    let scene = Scene::new().await;
    let wanted = cart_of_january(&scene).await;
    confirmed(&scene, "BK-2", 10, JUNE).await;
    scene
        .sql("UPDATE bookings SET resort = 'olive-hill' WHERE id = 'BK-2'")
        .await;
    assert_eq!(scene.claim(vec![wanted.clone()]).await, [granted(wanted.id)]);
}

// shows: B152
#[tokio::test]
async fn the_rest_holds_under_every_name_of_the_guest_and_for_second_reminders() {
    let scene = Scene::new().await;
    let wanted = cart_of_january(&scene).await;
    confirmed(&scene, "BK-2", 10, JUNE).await;
    scene
        .sql(
            "UPDATE bookings SET phone_hash = 'another' WHERE id = 'BK-2'; \
             INSERT INTO guest_names (name_hash, phone_hash, kind) \
             SELECT 'name', phone_hash, 'user' FROM bookings",
        )
        .await;
    let second = Wanted {
        day_cap: None,
        ..wanted.clone()
    };

    assert_eq!(scene.claim(vec![second]).await, [capped(wanted.id)]);
}

#[tokio::test]
async fn a_confirmation_from_before_its_time_was_kept_gives_no_rest() {
    let scene = Scene::new().await;
    let wanted = cart_of_january(&scene).await;
    confirmed(&scene, "BK-2", 10, JUNE).await;
    scene.sql("UPDATE bookings SET confirmed_at = NULL").await;

    assert_eq!(scene.claim(vec![wanted.clone()]).await, [granted(wanted.id)]);
}

// shows: B153
#[tokio::test]
async fn a_capped_reminder_stays_skipped_until_the_guest_is_active_on_the_cart_again() {
    let scene = Scene::new().await;
    let [first, second] = carts(&scene, ADA, ["BK-1", "BK-2"]).await;
    scene.claim(vec![first, second.clone()]).await;
    let state = async || scene.message("BK-2", Reminder1).await.existing.state;

    // What the guest did before changes nothing.
    scene.happens(BookingStarted, "BK-2", 41).await;
    assert_eq!(state().await, MessageState::Skipped);
    scene.happens(BookingStarted, "BK-2", 35).await;

    assert_eq!(state().await, MessageState::Queued);
    a_day_goes_by(&scene).await;
    let again = limited(&scene, "BK-2", Reminder1).await;
    assert_eq!(scene.claim(vec![again]).await, [granted(second.id)]);
}

#[tokio::test]
async fn what_lets_a_reminder_wait_is_asked_before_the_limits() {
    let scene = Scene::new().await;
    let [first, second] = carts(&scene, ADA, ["BK-1", "BK-2"]).await;
    scene.claim(vec![first]).await;
    let waits = Wanted {
        may_call: false,
        ..second
    };

    assert_eq!(scene.claim(vec![waits]).await, []);
    let state = scene.message("BK-2", Reminder1).await.existing.state;
    assert_eq!(state, MessageState::Queued);
}

#[tokio::test]
async fn a_claim_of_utility_messages_touches_no_guests_row() {
    let scene = Scene::new().await;
    confirmed(&scene, "BK-1", 10, JUNE).await;
    let wanted = limited(&scene, "BK-1", MessageKind::ReservationConfirmation).await;

    scene.claim(vec![wanted]).await;

    assert_eq!(rows(&scene).await, 0);
}

#[tokio::test]
async fn an_erasure_forgets_which_messages_the_guest_got_today() {
    let scene = Scene::new().await;
    let [first] = carts(&scene, ADA, ["BK-1"]).await;
    let [bob] = carts(&scene, BOB, ["BK-2"]).await;
    scene.claim(vec![first, bob]).await;
    assert_eq!(rows(&scene).await, 2);

    scene
        .run(|connection, planner| erase(connection, planner, &DataSubject::Booking(key("BK-1")), None))
        .await;

    assert_eq!(rows(&scene).await, 1);
}
