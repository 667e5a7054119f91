//! The claim's last question: whether the guest is in the hold-out.

use std::num::NonZeroU32;

use domain::hold_out::HoldOut;
use domain::message::MessageKind::Reminder1;
use domain::message::{Attempt, MessageState, Reason};
use domain::phone_number::PhoneNumber;
use store::claims::{self, Claim, Wanted};

use crate::scene::Scene;

const ADA: &str = "+306912345678";

/// A cart of Ada's whose first reminder is due.
async fn due(scene: &Scene, booking: &str) -> Wanted {
    scene.due_reminder_of(booking, ADA).await;
    Wanted {
        day_cap: Some(NonZeroU32::MIN),
        ..scene.wanted(booking, Reminder1).await
    }
}

fn held_out(wanted: &Wanted) -> Wanted {
    Wanted {
        is_held_out: true,
        ..wanted.clone()
    }
}

fn ended(wanted: &Wanted, reason: Reason) -> Claim {
    Claim::Ended(wanted.id, reason)
}

// shows: B212
#[tokio::test]
async fn a_reminder_of_a_guest_who_is_held_out_is_skipped_and_counts_for_no_limit() {
    let scene = Scene::new().await;
    let (first, second) = (due(&scene, "BK-1").await, due(&scene, "BK-2").await);

    let claims = scene.claim(vec![held_out(&first)]).await;

    assert_eq!(claims, [ended(&first, Reason::HeldOut)]);
    let skipped = scene.message("BK-1", Reminder1).await.existing;
    assert_eq!(
        (skipped.state, skipped.reason, skipped.attempts),
        (MessageState::Skipped, Some(Reason::HeldOut), 0)
    );
    // As of another resort with the same number, for which the guest is not held out.
    let claims = scene.claim(vec![second.clone()]).await;
    assert_eq!(claims, [Claim::Granted(second.id, Attempt(1))]);
}

// shows: B213
#[tokio::test]
async fn of_two_that_are_claimed_together_the_one_held_out_does_not_cap_the_other() {
    let scene = Scene::new().await;
    let (first, second) = (due(&scene, "BK-1").await, due(&scene, "BK-2").await);

    let claims = scene.claim(vec![held_out(&first), second.clone()]).await;

    assert_eq!(claims.len(), 2);
    assert!(claims.contains(&ended(&first, Reason::HeldOut)), "{claims:?}");
    assert!(
        claims.contains(&Claim::Granted(second.id, Attempt(1))),
        "{claims:?}"
    );
}

// shows: B213
#[tokio::test]
async fn every_other_reason_is_asked_before_the_hold_out() {
    let scene = Scene::new().await;
    let (first, second) = (due(&scene, "BK-1").await, due(&scene, "BK-2").await);
    scene.claim(vec![first]).await;
    let waits = Wanted {
        may_call: false,
        ..held_out(&second)
    };
    assert_eq!(scene.claim(vec![waits]).await, []);

    let capped = scene.claim(vec![held_out(&second)]).await;

    assert_eq!(capped, [ended(&second, Reason::Capped)]);
}

// shows: B213
#[tokio::test]
async fn what_was_attempted_is_not_held_out_any_more() {
    let scene = Scene::new().await;
    let wanted = due(&scene, "BK-1").await;
    scene.sql("UPDATE messages SET attempts = 1").await;

    let claims = scene.claim(vec![held_out(&wanted)]).await;

    assert_eq!(claims, [Claim::Granted(wanted.id, Attempt(2))]);
}

// shows: B212
#[tokio::test]
async fn about_as_many_guests_are_held_out_as_the_share_says_and_they_differ_between_resorts() {
    let scene = Scene::new().await;
    let guests: Vec<PhoneNumber> = (0..2_000)
        .map(|guest| PhoneNumber::parse(&format!("+30691{:07}", 2_000_000 + guest), None).unwrap())
        .collect();
    let (seaside, hills) = scene
        .run(move |_, planner| {
            let of = |resort: &str| {
                let mut resort_file = crate::scene::resort();
                resort_file.id = domain::ids::ResortId::parse(resort).unwrap();
                resort_file.hold_out = HoldOut::parse("20%").unwrap();
                let held =
                    |guest: &PhoneNumber| claims::is_held_out(&planner.ring, &resort_file, Reminder1, guest);
                guests.iter().map(held).collect::<Vec<bool>>()
            };
            Ok((of("seaside"), of("hills")))
        })
        .await;

    let count = |held: &mut dyn Iterator<Item = bool>| held.filter(|held| *held).count();
    // Four standard deviations around 400, and around the 80 of both.
    for held in [&seaside, &hills] {
        let held = count(&mut held.iter().copied());
        assert!((328..=472).contains(&held), "{held}");
    }
    let both = count(&mut seaside.iter().zip(&hills).map(|(one, other)| *one && *other));
    assert!((45..=115).contains(&both), "{both}");
}
