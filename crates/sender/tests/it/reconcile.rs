//! Calls without a known outcome: they go once more by evidence, else a person is asked, and WhatsApp's status settles
//! them whenever it comes.

use domain::message::DeliveryStatus as Status;
use domain::message::MessageState::{Dead, Queued, Read, Sent, Unknown};
use serde_json::json;
use store::letters;

use crate::scene::{ADA, CONFIRMATION, Scene, confirmed};

const MINUTES_LATER: &str = "3 minutes";
const HALF_AN_HOUR_LATER: &str = "31 minutes";

/// The call for Ada is cut off before or after WhatsApp took it.
async fn call_is_cut(scene: &Scene, accepted: bool) {
    let cut = json!({ "when": { "to": ADA }, "times": 1, "answer": { "cut": true, "accepted": accepted } });
    scene.tell_sandbox("failures", cut).await;
    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.check("BK-1", CONFIRMATION, Unknown).await;
}

fn booking(number: u32) -> String {
    format!("BK-{number}")
}

/// Other guests get theirs.
async fn neighbours_are_called(scene: &Scene, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let phone = format!("+3069123457{number:02}");
        scene.apply(confirmed(&booking(number), &phone)).await;
    }
    scene.send().await;
}

/// WhatsApp reports on these.
async fn neighbours_are_reported(scene: &Scene, numbers: std::ops::Range<u32>) {
    for number in numbers {
        scene.report(&booking(number), CONFIRMATION, Status::Read).await;
    }
}

/// Every call and status lies so much further back.
async fn time_goes_by(scene: &Scene, long: &str) {
    let shift = format!("UPDATE messages SET claimed_at = claimed_at - interval '{long}'");
    scene.database.execute(&shift).await;
}

/// The queue of events has been empty for long enough.
async fn reconcile(scene: &Scene) {
    scene.sender.reconcile_once(0).await.unwrap();
}

// shows: B97, G30
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_whatsapp_never_got_goes_once_more_by_the_evidence_of_its_neighbours() {
    let scene = Scene::new().await;
    call_is_cut(&scene, false).await;
    neighbours_are_called(&scene, 2..7).await;
    neighbours_are_reported(&scene, 2..7).await;

    reconcile(&scene).await;
    scene.check("BK-1", CONFIRMATION, Unknown).await;
    time_goes_by(&scene, MINUTES_LATER).await;
    reconcile(&scene).await;
    scene.check("BK-1", CONFIRMATION, Queued).await;
    scene.send().await;

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
    let series = r#"bellhop_settled_calls_total{kind="reservation_confirmation",state="queued"}"#;
    assert_eq!(scene.metric(series), 1.0);
}

// shows: B97, G30
#[tokio::test(flavor = "multi_thread")]
async fn a_second_silence_is_no_evidence_any_more_and_makes_a_dead_letter() {
    let scene = Scene::new().await;
    let twice = json!({ "when": { "to": ADA }, "times": 1, "answer": { "cut": true } });
    scene.tell_sandbox("failures", twice).await;
    call_is_cut(&scene, false).await;
    neighbours_are_called(&scene, 2..7).await;
    neighbours_are_reported(&scene, 2..7).await;
    time_goes_by(&scene, MINUTES_LATER).await;
    reconcile(&scene).await;
    scene.send().await;
    scene.check("BK-1", CONFIRMATION, Unknown).await;
    neighbours_are_called(&scene, 10..15).await;
    neighbours_are_reported(&scene, 10..15).await;

    time_goes_by(&scene, MINUTES_LATER).await;
    reconcile(&scene).await;
    scene.check("BK-1", CONFIRMATION, Unknown).await;
    time_goes_by(&scene, HALF_AN_HOUR_LATER).await;
    reconcile(&scene).await;

    let dead = scene.check("BK-1", CONFIRMATION, Dead).await;
    assert_eq!(
        (dead.existing.attempts, dead.reason.as_deref()),
        (2, Some("outcome_unknown"))
    );
    assert!(scene.received_by(ADA).await.is_empty());
}

// shows: B98, G30
#[tokio::test(flavor = "multi_thread")]
async fn without_evidence_a_person_is_asked_and_a_late_status_closes_the_dead_letter() {
    let scene = Scene::new().await;
    call_is_cut(&scene, true).await;
    time_goes_by(&scene, HALF_AN_HOUR_LATER).await;

    reconcile(&scene).await;
    let dead = scene.check("BK-1", CONFIRMATION, Dead).await;
    let due = scene
        .run(|connection, _| store::relay::list_letters(connection, 10))
        .await;
    scene.report("BK-1", CONFIRMATION, Status::Read).await;

    assert_eq!(
        (dead.existing.attempts, dead.reason.as_deref()),
        (1, Some("outcome_unknown"))
    );
    assert_eq!((due.len(), due[0].reason.as_str()), (1, "outcome_unknown"));
    scene.check("BK-1", CONFIRMATION, Read).await;
    let open = scene
        .run(|connection, _| letters::list_of_booking(connection, &crate::scene::key("BK-1")))
        .await;
    assert!(open.is_empty());
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_comes_before_silence_counts_is_the_answer() {
    let scene = Scene::new().await;
    call_is_cut(&scene, true).await;
    neighbours_are_called(&scene, 2..7).await;
    neighbours_are_reported(&scene, 2..7).await;

    scene.report("BK-1", CONFIRMATION, Status::Read).await;
    time_goes_by(&scene, MINUTES_LATER).await;
    reconcile(&scene).await;
    scene.send().await;

    let settled = scene.check("BK-1", CONFIRMATION, Read).await;
    assert_eq!(settled.existing.attempts, 1);
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B97
#[tokio::test(flavor = "multi_thread")]
async fn while_a_neighbour_is_without_a_status_silence_says_nothing() {
    let scene = Scene::new().await;
    call_is_cut(&scene, false).await;
    neighbours_are_called(&scene, 2..9).await;
    neighbours_are_reported(&scene, 2..8).await;

    time_goes_by(&scene, MINUTES_LATER).await;
    reconcile(&scene).await;
    scene.check("BK-1", CONFIRMATION, Unknown).await;
    time_goes_by(&scene, HALF_AN_HOUR_LATER).await;
    reconcile(&scene).await;

    let dead = scene.check("BK-1", CONFIRMATION, Dead).await;
    assert_eq!(dead.existing.attempts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_events_wait_in_the_queue_silence_says_nothing() {
    let scene = Scene::new().await;
    call_is_cut(&scene, false).await;
    neighbours_are_called(&scene, 2..7).await;
    neighbours_are_reported(&scene, 2..7).await;
    time_goes_by(&scene, MINUTES_LATER).await;

    scene.sender.reconcile_once(1).await.unwrap();
    scene.check("BK-1", CONFIRMATION, Unknown).await;
    reconcile(&scene).await;

    scene.check("BK-1", CONFIRMATION, Queued).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_neighbours_are_too_few() {
    let scene = Scene::new().await;
    call_is_cut(&scene, false).await;
    neighbours_are_called(&scene, 2..6).await;
    neighbours_are_reported(&scene, 2..6).await;
    time_goes_by(&scene, MINUTES_LATER).await;

    reconcile(&scene).await;

    scene.check("BK-1", CONFIRMATION, Unknown).await;
}

/// Ada's message is claimed by a sender that is killed before it has the answer.
async fn sender_is_killed(scene: &Scene) {
    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    let killed = "UPDATE messages SET state = 'sending', sent_at = NULL, whatsapp_hash = NULL WHERE booking_key LIKE '%BK-1'";
    scene.database.execute(killed).await;
    neighbours_are_called(scene, 2..7).await;
    neighbours_are_reported(scene, 2..7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_sender_was_killed_is_unresolved_after_a_minute_and_not_before() {
    let scene = Scene::new().await;
    sender_is_killed(&scene).await;

    time_goes_by(&scene, "58 seconds").await;
    reconcile(&scene).await;
    let before = scene.message("BK-1", CONFIRMATION).await.existing.state;
    time_goes_by(&scene, "3 seconds").await;
    reconcile(&scene).await;

    assert_eq!(before, domain::message::MessageState::Sending);
    scene.check("BK-1", CONFIRMATION, Unknown).await;
    assert_eq!(scene.metric("bellhop_lost_calls_total"), 1.0);
}

// shows: B99
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_was_killed_goes_once_more_by_evidence() {
    let scene = Scene::new().await;
    sender_is_killed(&scene).await;
    time_goes_by(&scene, MINUTES_LATER).await;

    reconcile(&scene).await;
    scene.send().await;

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 2);
}

// shows: B99
#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_was_killed_and_that_whatsapp_took_is_settled_by_its_status() {
    let scene = Scene::new().await;
    sender_is_killed(&scene).await;
    time_goes_by(&scene, "61 seconds").await;
    reconcile(&scene).await;
    scene.check("BK-1", CONFIRMATION, Unknown).await;

    scene.report("BK-1", CONFIRMATION, Status::Delivered).await;
    time_goes_by(&scene, MINUTES_LATER).await;
    reconcile(&scene).await;
    scene.send().await;

    let settled = scene.message("BK-1", CONFIRMATION).await;
    assert_eq!(settled.existing.attempts, 1);
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}
