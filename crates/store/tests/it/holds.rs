//! Holds are honoured by every claim, tried with care, and leave nothing behind.

use std::time::Duration;

use domain::after_call::{NextStep, ReportedIn, Scope};
use domain::consent::ConsentChange;
use domain::hold::{Cause, Coverage, NewHold};
use domain::ids::{NumberId, ResortId, StaffName};
use domain::message::MessageKind::Reminder1;
use domain::message::MessageState;
use domain::phone_number::PhoneNumber;
use domain::staff::Access;
use store::audit::Actor;
use store::claims::{Claim, Wanted};
use store::holds::{self, Laid, Released};
use store::known_templates::KnownTemplates;
use store::results::Outcome;
use store::{claims, guests};

use crate::scene::{Scene, accepted, anna, key, route};

const NOTHING: Released = Released {
    freed: 0,
    probes: 0,
    expired: 0,
    lifted: Vec::new(),
};

fn refused(scope: Scope) -> NewHold {
    NewHold {
        scope,
        coverage: route(Reminder1).coverage(scope).unwrap(),
        cause: Cause::Code(190),
        pause: Duration::from_secs(60),
        reported_in: ReportedIn::Answer,
        called_at: None,
    }
}

/// A message's call is refused because of a whole scope.
async fn is_refused(scene: &Scene, booking: &str, scope: Scope) -> Outcome {
    scene.due_reminder(booking).await;
    let claimed = scene.claimed(booking).await;
    scene
        .answered_holding(claimed, NextStep::Hold(scope), Some(refused(scope)))
        .await
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

/// The pause of every hold is over.
async fn pauses_end(scene: &Scene) {
    scene
        .sql("UPDATE holds SET until = clock_timestamp() - interval '1 second'")
        .await;
}

#[tokio::test]
async fn a_refused_scope_holds_its_message_and_the_next_and_leaves_others_alone() {
    let scene = Scene::new().await;

    let outcome = is_refused(&scene, "BK-1", Scope::Number).await;
    scene.due_reminder("BK-2").await;
    let held = claim(&scene, "BK-2").await;
    scene.due_reminder("BK-3").await;
    let mut elsewhere = scene.wanted("BK-3", Reminder1).await;
    elsewhere.route.number = NumberId::parse("another").unwrap();
    let granted = scene.claim(vec![elsewhere]).await;

    assert_eq!(outcome.laid, [(refused(Scope::Number), Laid::New)]);
    assert!(matches!(&held[..], [Claim::Held(_, scope)] if scope == "number"));
    assert!(matches!(granted[..], [Claim::Granted(..)]));
    for booking in ["BK-1", "BK-2"] {
        let message = scene.message(booking, Reminder1).await;
        assert_eq!(message.existing.state, MessageState::Held, "{booking}");
        assert_eq!(message.reason.as_deref(), Some("number"), "{booking}");
    }
    assert_eq!(release(&scene).await, NOTHING);
}

// shows: B79
#[tokio::test]
async fn a_hold_is_news_once_and_lasts_twice_as_long_when_a_try_is_refused() {
    let scene = Scene::new().await;
    let lay = async |booking: &str| is_refused(&scene, booking, Scope::Token).await.laid[0].1;

    assert_eq!(lay("BK-1").await, Laid::New);
    pauses_end(&scene).await;
    assert_eq!(lay("BK-2").await, Laid::Again);
    let listed = scene.run(|c, _| holds::list(c)).await;

    let [(hold, waiting)] = &listed[..] else {
        panic!("{listed:?}")
    };
    assert_eq!((hold.key.as_str(), *waiting), ("token resort=azure-bay", 2));
    let left = hold.until.unwrap() - chrono::Utc::now();
    assert!((110..=120).contains(&left.num_seconds()), "{left}");
}

#[tokio::test]
async fn a_second_refusal_of_the_same_moment_does_not_prolong_a_hold() {
    let scene = Scene::new().await;
    for booking in ["BK-1", "BK-2"] {
        scene.due_reminder(booking).await;
    }
    let (first, second) = (scene.claimed("BK-1").await, scene.claimed("BK-2").await);
    let mut laid = Vec::new();
    for claimed in [first, second] {
        let hold = Some(refused(Scope::Token));
        let outcome = scene
            .answered_holding(claimed, NextStep::Hold(Scope::Token), hold)
            .await;
        laid.push(outcome.laid[0].1);
    }

    assert_eq!(laid, [Laid::New, Laid::Known]);
    assert_eq!(state(&scene, "BK-2").await, MessageState::Held);
}

// shows: B79
#[tokio::test]
async fn after_the_pause_one_message_tries_and_its_success_frees_the_others() {
    let scene = Scene::new().await;
    for booking in ["BK-1", "BK-2", "BK-3"] {
        scene.due_reminder(booking).await;
    }
    let first = scene.claimed("BK-1").await;
    let hold = Some(refused(Scope::Token));
    scene
        .answered_holding(first, NextStep::Hold(Scope::Token), hold)
        .await;
    for booking in ["BK-2", "BK-3"] {
        claim(&scene, booking).await;
    }
    pauses_end(&scene).await;

    let probes = release(&scene).await.probes;
    let again = release(&scene).await.probes;
    assert_eq!((probes, again), (1, 0));
    let mut trying = Vec::new();
    for booking in ["BK-1", "BK-2", "BK-3"] {
        if state(&scene, booking).await == MessageState::Queued {
            trying.push(booking);
        }
    }
    let [probe] = trying[..] else { panic!("{trying:?}") };
    let claimed = scene.claimed(probe).await;
    let outcome = scene.answered(claimed, accepted()).await;

    assert_eq!(outcome.lifted, ["token resort=azure-bay"]);
    assert_eq!(release(&scene).await.freed, 2);
    assert_eq!(release(&scene).await, NOTHING);
}

#[tokio::test]
async fn an_acceptance_from_before_the_hold_ended_lifts_nothing() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-2").await;
    let in_flight = scene.claimed("BK-2").await;
    is_refused(&scene, "BK-1", Scope::Account).await;

    let outcome = scene.answered(in_flight, accepted()).await;

    assert!(outcome.lifted.is_empty());
    assert_eq!(scene.run(|c, _| holds::list(c)).await.len(), 1);
}

#[tokio::test]
async fn a_held_template_sends_the_message_back_to_be_prepared_again() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let claimed = scene.claimed("BK-1").await;
    let hold = Some(refused(Scope::Template));
    scene
        .answered_holding(claimed, NextStep::TakeFallback, hold)
        .await;

    let own = claim(&scene, "BK-1").await;
    let mut fallback = scene.wanted("BK-1", Reminder1).await;
    fallback.route.template = Some("resort_contact/en".into());
    let other = scene.claim(vec![fallback]).await;

    assert!(matches!(own[..], [Claim::Outdated(_)]));
    assert!(matches!(other[..], [Claim::Granted(..)]));
    let (templates, held) = (scene.run(|c, _| KnownTemplates::read(c)).await, route(Reminder1));
    let held_for = templates.held_for(&held.number, Reminder1);
    assert_eq!(held_for, held.template.into_iter().collect());
}

#[tokio::test]
async fn what_a_person_pauses_waits_until_a_person_resumes_it() {
    let scene = Scene::new().await;
    let reminders = Coverage {
        resort: Some(ResortId::parse("azure-bay").unwrap()),
        kind: Some(Reminder1),
        ..Coverage::default()
    };
    let pause = async |who: &str| {
        let coverage = reminders.clone();
        let by = Actor {
            name: StaffName::parse(who).unwrap(),
            access: Access::ADMIN,
            reason: None,
        };
        scene.run(move |c, _| holds::pause(c, &coverage, &by)).await
    };
    scene.due_reminder("BK-1").await;

    assert!(pause("Ada").await);
    assert!(!pause("Eve").await);
    assert!(matches!(&claim(&scene, "BK-1").await[..], [Claim::Held(_, scope)] if scope == "paused"));
    assert_eq!(release(&scene).await, NOTHING);
    let [(hold, 1)] = &scene.run(|c, _| holds::list(c)).await[..] else {
        panic!("not one hold with one message")
    };
    assert_eq!(hold.by_whom.as_deref(), Some("Ada"));

    let of_another = Coverage {
        resort: Some(ResortId::parse("other").unwrap()),
        ..Coverage::default()
    };
    let nothing = scene
        .run(move |c, _| holds::resume(c, &of_another, &anna()))
        .await;
    let coverage = reminders.clone();
    let ended = scene.run(move |c, _| holds::resume(c, &coverage, &anna())).await;

    assert!(nothing.is_empty());
    assert_eq!(ended, ["paused resort=azure-bay kind=reminder_1"]);
    assert_eq!(release(&scene).await.freed, 1);
    assert!(matches!(claim(&scene, "BK-1").await[..], [Claim::Granted(..)]));
}

// shows: B82
#[tokio::test]
async fn a_message_that_was_held_too_long_expires() {
    let scene = Scene::new().await;
    is_refused(&scene, "BK-1", Scope::Token).await;
    scene
        .sql("UPDATE messages SET expires_at = clock_timestamp() - interval '1 second'")
        .await;

    assert_eq!(release(&scene).await.expired, 1);

    assert_eq!(state(&scene, "BK-1").await, MessageState::Expired);
}

#[tokio::test]
async fn good_news_from_whatsapp_lets_a_hold_be_tried_at_once() {
    let scene = Scene::new().await;
    is_refused(&scene, "BK-1", Scope::Template).await;
    let try_now = async |template: &'static str| {
        scene
            .run(move |c, _| holds::try_now(c, Scope::Template, Some(template)))
            .await
    };

    assert_eq!(try_now("another/en_US").await, 0);
    assert_eq!(try_now("booking_reminder_1/en_US").await, 1);

    assert_eq!(release(&scene).await.probes, 1);
}

#[tokio::test]
async fn what_has_no_template_goes_when_files_have_changed_or_its_guest_has_written() {
    let scene = Scene::new().await;
    let id = scene.due_reminder("BK-1").await;
    let hold = async || {
        let waiting = claims::Uncalled {
            id,
            version: 1,
            closed_window: None,
            verdict: claims::NotNow::Hold {
                scope: "template_missing",
                hold: None,
            },
        };
        scene.run(move |c, _| claims::set_aside(c, &[waiting])).await;
        assert_eq!(state(&scene, "BK-1").await, MessageState::Held);
    };
    let written = async |phone: &'static str| {
        scene
            .run(move |c, planner| {
                let number = PhoneNumber::from_whatsapp(phone).unwrap();
                holds::retry_with_text(c, &planner.phone_hash(&number))
            })
            .await
    };

    hold().await;
    assert_eq!(release(&scene).await, NOTHING);
    assert_eq!(scene.run(|c, _| holds::retry_without_template(c)).await, 1);
    hold().await;
    assert_eq!(written("306987654321").await, 0);
    assert_eq!(written("306912345678").await, 1);

    assert_eq!(state(&scene, "BK-1").await, MessageState::Queued);
}

#[tokio::test]
async fn a_message_that_may_not_be_called_for_yet_stays_queued_but_ends_when_it_must() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let waits = async || {
        let wanted = Wanted {
            may_call: false,
            ..scene.wanted("BK-1", Reminder1).await
        };
        scene.claim(vec![wanted]).await
    };

    assert!(waits().await.is_empty());
    assert_eq!(state(&scene, "BK-1").await, MessageState::Queued);
    scene
        .run(|c, planner| {
            let booking = store::bookings::find(c, &planner.ring, &key("BK-1"))?.unwrap();
            let guest = planner.guest_of(&booking.key, &booking.facts).unwrap();
            guests::record_consent(c, &guest, ConsentChange::Stop, chrono::Utc::now())
        })
        .await;
    assert!(matches!(waits().await[..], [Claim::Ended(..)]));
}

#[tokio::test]
async fn a_guest_who_refuses_marketing_gets_no_other_reminder_either() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    scene.due_reminder("BK-2").await;
    let claimed = scene.claimed("BK-1").await;

    scene.answered(claimed, NextStep::OptOut).await;

    assert_eq!(state(&scene, "BK-1").await, MessageState::Skipped);
    assert!(matches!(claim(&scene, "BK-2").await[..], [Claim::Ended(..)]));
}
