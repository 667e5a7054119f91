//! Whole scopes that WhatsApp refuses, and pauses of people: everything waits, nothing is lost, nothing goes twice.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::hold::Coverage;
use domain::ids::{BookingId, NumberId, ResortId, StaffName};
use domain::message::MessageState::{Held, Queued, Sent, Withdrawn};
use domain::message::{DeliveryStatus, MessageKind, Reason};
use domain::staff::Access;
use serde_json::json;
use store::audit::Actor;
use store::holds;
use testkit::world::{NUMBER, RESORT, ResortFile};

use crate::scene::{ADA, BOB, CONFIRMATION, EVE, REMINDER_1, Scene, abandoned, confirmed, guest};

/// Keys and reasons of all holds.
async fn all(scene: &Scene) -> Vec<(String, String)> {
    let holds = scene.run(|connection, _| holds::list(connection)).await;
    holds
        .into_iter()
        .map(|(hold, _)| (hold.key, hold.reason))
        .collect()
}

fn number() -> Coverage {
    Coverage {
        number: Some(NumberId::parse(NUMBER).unwrap()),
        ..Coverage::default()
    }
}

fn reminders() -> Coverage {
    Coverage {
        resort: Some(ResortId::parse(RESORT).unwrap()),
        kind: Some(MessageKind::Reminder1),
        ..Coverage::default()
    }
}

fn anna() -> Actor {
    Actor {
        name: StaffName::parse("anna").unwrap(),
        access: Access::ADMIN,
        reason: None,
    }
}

pub(crate) async fn pause(scene: &Scene, coverage: Coverage) -> bool {
    scene
        .run(move |connection, _| holds::pause(connection, &coverage, &anna()))
        .await
}

pub(crate) async fn resume(scene: &Scene, coverage: Coverage) -> Vec<String> {
    scene
        .run(move |connection, _| holds::resume(connection, &coverage, &anna()))
        .await
}

async fn retries(scene: &Scene) -> i64 {
    let used = "SELECT coalesce(sum(retries), 0)::bigint AS count FROM messages";
    scene.database.count(used).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_refused_once_and_holds_what_waits_behind_the_first_call() {
    const GUESTS: usize = 30;
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "answer": { "error": 190 } }))
        .await;
    scene.confirm(GUESTS).await;

    scene.send().await;

    assert_eq!(scene.calls().await.len(), 1);
    assert_eq!(scene.count(Held).await, 30);
    assert_eq!(retries(&scene).await, 0);
    assert_eq!(scene.metric(r#"bellhop_holds_begun_total{scope="token"}"#), 1.0);
    assert_eq!(
        all(&scene).await,
        [("token resort=azure-bay".to_owned(), "190".to_owned())]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_an_expired_token_is_renewed_one_message_tries_and_then_all_go_once_each() {
    const GUESTS: usize = 30;
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "answer": { "error": 190 } }))
        .await;
    scene.confirm(GUESTS).await;
    scene.send().await;

    scene.heal_sandbox().await;
    scene.holds_may_be_probed().await;
    scene.maintain_and_send().await;
    let probed = scene.count(Sent).await;
    scene.maintain_and_send().await;

    assert_eq!(probed, 1);
    assert_eq!(scene.count(Sent).await, 30);
    let calls = scene.calls().await;
    let guests: BTreeSet<_> = calls
        .iter()
        .filter(|call| call.accepted)
        .map(|call| &call.to)
        .collect();
    assert_eq!((calls.len(), guests.len()), (GUESTS + 1, GUESTS));
    assert!(all(&scene).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_senders_find_an_expired_token_with_a_call_each_at_most() {
    const GUESTS: usize = 40;
    let scene = Scene::new().await;
    let other = scene.another_sender();
    scene
        .tell_sandbox("failures", json!({ "answer": { "error": 190 } }))
        .await;
    scene.confirm(GUESTS).await;
    let mut due = scene.due().await;
    let rest = due.split_off(GUESTS / 2);

    let (one, two) = tokio::join!(scene.sender.send_once(due), other.send_once(rest));

    one.unwrap();
    two.unwrap();
    let calls = scene.calls().await.len();
    assert!((1..=2).contains(&calls), "{calls} calls");
    assert_eq!(scene.count(Held).await, 40);
    assert_eq!(all(&scene).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_refused_makes_the_hold_last_twice_as_long_without_another_alert() {
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "answer": { "error": 190 } }))
        .await;
    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    let pause = "SELECT pause_ms AS count FROM holds";
    let before = scene.database.count(pause).await;

    scene.holds_may_be_probed().await;
    scene.maintain_and_send().await;

    assert_eq!(scene.database.count(pause).await, 2 * before);
    assert_eq!(scene.metric(r#"bellhop_holds_begun_total{scope="token"}"#), 1.0);
    scene.check("BK-1", CONFIRMATION, Held).await;
    assert_eq!(scene.calls().await.len(), 2);
}

// shows: B81
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_whatsapp_blocks_holds_its_messages_until_a_person_resumes_it() {
    let scene = Scene::new().await;
    let blocked = json!({ "answer": { "error": 131_031, "retry_after": 3_600 } });
    scene.tell_sandbox("failures", blocked).await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    let held = scene.check("BK-1", CONFIRMATION, Held).await;
    scene.heal_sandbox().await;
    scene.maintain_and_send().await;
    let calls_while_held = scene.calls().await.len();
    let listed = all(&scene).await;
    let resumed = resume(&scene, number()).await;
    scene.maintain_and_send().await;

    assert_eq!(held.reason.as_deref(), Some("account"));
    assert_eq!(calls_while_held, 1);
    let key = format!("account number={NUMBER}");
    assert_eq!(listed, [(key.clone(), "131031".to_owned())]);
    assert_eq!(resumed, [key]);
    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 2);
}

// shows: B81
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_pauses_waits_and_goes_when_it_is_resumed_unless_it_is_not_wanted_any_more() {
    let scene = Scene::new().await;
    let is_new = pause(&scene, reminders()).await;

    for (cart, phone) in [("CART-1", ADA), ("CART-2", BOB)] {
        scene.apply_and_send(abandoned(cart, phone)).await;
        let held = scene.check(cart, REMINDER_1, Held).await;
        assert_eq!(held.reason.as_deref(), Some("paused"));
    }
    let is_new_again = pause(&scene, reminders()).await;
    let mut booked = confirmed("BK-1", ADA);
    booked.details.cart = Some(BookingId::parse("CART-1").unwrap());
    scene.apply_and_send(booked).await;
    scene.check("BK-1", CONFIRMATION, Sent).await;
    resume(&scene, reminders()).await;
    scene.maintain_and_send().await;

    assert!(is_new && !is_new_again);
    scene.check("CART-2", REMINDER_1, Sent).await;
    let withdrawn = scene.check("CART-1", REMINDER_1, Withdrawn).await;
    assert_eq!(withdrawn.existing.reason, Some(Reason::BecameReservation));
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B80
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_template_is_called_for_once_and_the_fallback_goes_instead() {
    let scene = Scene::new().await;
    let paused = json!({ "name": "confirmed", "language": "en_US", "status": "PAUSED" });
    scene.tell_sandbox("templates", paused).await;

    for (booking, phone) in [("BK-1", ADA), ("BK-2", BOB), ("BK-3", EVE)] {
        scene.apply_and_send(confirmed(booking, phone)).await;
        scene.send().await;
        scene.check(booking, CONFIRMATION, Sent).await;
        assert_eq!(scene.names_received_by(phone).await, ["contact"]);
    }

    let calls = scene.calls().await;
    assert_eq!(calls.iter().filter(|call| !call.accepted).count(), 1);
}

// shows: B80
#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_comes_back_frees_what_had_no_fallback_to_take() {
    let scene = Scene::of(&ResortFile {
        templates: "[templates.reservation_confirmation.en]\nname = \"confirmed\"\nlanguage = \"en_US\"\n\
                    body = [\"resort.name\", \"resort.name\", \"resort.name\"]\n"
            .to_owned(),
        ..ResortFile::patient()
    })
    .await;
    let template = |status: &str| json!({ "name": "confirmed", "language": "en_US", "status": status });
    scene.tell_sandbox("templates", template("PAUSED")).await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.send().await;
    let held = scene.check("BK-1", CONFIRMATION, Held).await;
    scene.tell_sandbox("templates", template("APPROVED")).await;
    scene.holds_may_be_probed().await;
    scene.maintain_and_send().await;

    assert_eq!(held.reason.as_deref(), Some("template"));
    scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B89
#[tokio::test(flavor = "multi_thread")]
async fn a_firewall_that_answers_in_whatsapps_place_holds_the_number_and_costs_no_try() {
    const GUESTS: usize = 5;
    let scene = Scene::new().await;
    let page = json!({ "answer": { "http": 403, "body": "<html>Blocked by policy</html>" } });
    scene.tell_sandbox("failures", page).await;

    scene.confirm(GUESTS).await;
    scene.send().await;
    let (calls, listed) = (scene.calls().await.len(), all(&scene).await);
    scene.heal_sandbox().await;
    resume(&scene, number()).await;
    scene.sender.maintain_holds_once().await.unwrap();
    scene.next_try_is_due().await;
    scene.send().await;

    assert_eq!(calls, GUESTS);
    assert_eq!(listed.len(), 1);
    let (key, seen) = &listed[0];
    assert_eq!(key, &format!("number number={NUMBER}"));
    assert!(
        seen.contains("HTTP 403") && !seen.contains("Blocked by policy"),
        "{seen}"
    );
    assert_eq!(scene.metric(r#"bellhop_holds_begun_total{scope="number"}"#), 1.0);
    assert_eq!(scene.metric("bellhop_foreign_answers_total"), 5.0);
    assert_eq!(scene.count(Sent).await, 5);
    assert_eq!(retries(&scene).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_on_a_number_stops_a_message_that_was_queued_before_it() {
    let scene = Scene::new().await;
    scene.apply(confirmed("BK-1", ADA)).await;
    let due = scene.due().await;
    pause(&scene, number()).await;

    scene.sender.send_once(due).await.unwrap();

    let held = scene.check("BK-1", CONFIRMATION, Held).await;
    assert_eq!(held.existing.attempts, 0);
    assert!(scene.calls().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_too_long_expires() {
    let scene = Scene::new().await;
    pause(&scene, number()).await;
    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene
        .database
        .execute("UPDATE messages SET expires_at = clock_timestamp()")
        .await;

    scene.maintain_and_send().await;

    let message = scene.message("BK-1", CONFIRMATION).await;
    assert_eq!(message.existing.reason, Some(Reason::Expired));
    assert!(scene.calls().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_to_a_country_that_is_held_wait_and_others_go() {
    const IN_ITALY: &str = "+393331234567";
    let scene = Scene::new().await;
    let country = json!({ "when": { "to": IN_ITALY }, "answer": { "error": 130_497 } });
    scene.tell_sandbox("failures", country).await;

    for (booking, phone) in [("BK-1", IN_ITALY), ("BK-2", ADA), ("BK-3", IN_ITALY)] {
        scene.apply_and_send(confirmed(booking, phone)).await;
    }

    scene.check("BK-1", CONFIRMATION, Held).await;
    scene.check("BK-2", CONFIRMATION, Sent).await;
    let held = scene.check("BK-3", CONFIRMATION, Held).await;
    assert_eq!(
        (held.existing.attempts, held.reason.as_deref()),
        (0, Some("country"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_senders_that_run_are_counted_and_each_is_listed() {
    let scene = Scene::new().await;
    let other = scene.another_sender();

    scene.sender.beat_once().await.unwrap();
    other.beat_once().await.unwrap();

    let listed = "SELECT count(*) AS count FROM senders";
    assert_eq!(scene.database.count(listed).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_route_sends_many_messages_together() {
    let scene = Scene::new().await;
    scene.confirm(10).await;
    let slow = json!({ "answer": { "after_ms": 500 } });
    scene.tell_sandbox("failures", slow).await;
    let nine_run = async {
        while scene.metric("bellhop_calls_in_flight") < 9.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };

    // The probe, then nine at the same time.
    let waiting = tokio::time::timeout(Duration::from_secs(30), nine_run);
    let ((), seen) = tokio::join!(scene.send(), waiting);

    assert!(seen.is_ok());
    assert_eq!((scene.count(Sent).await, scene.count(Queued).await), (10, 0));
    let (booking, _) = guest(10);
    scene.report(&booking, CONFIRMATION, DeliveryStatus::Read).await;
}
