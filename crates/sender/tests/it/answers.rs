//! What follows from WhatsApp's answer to one call.

use domain::message::MessageState::{Dead, Queued, Read, Sent, Skipped, Unknown};
use domain::message::{DeliveryStatus, Reason};
use serde_json::json;
use testkit::world::{NUMBER, ResortFile};

use crate::scene::{ADA, BOB, CONFIRMATION, REMINDER_1, Scene, abandoned, confirmed};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_whatsapp_takes_is_sent() {
    let scene = Scene::new().await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(
        (sent.existing.attempts, sent.template.as_deref()),
        (1, Some("confirmed"))
    );
    assert!(sent.existing.sent_at.is_some());
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B76
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_for_good_is_a_dead_letter_at_once() {
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "answer": { "error": 131_026 } }))
        .await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;

    let dead = scene.check("BK-1", CONFIRMATION, Dead).await;
    assert_eq!((dead.existing.attempts, dead.error_code), (1, Some(131_026)));
    let letters = scene
        .run(|connection, _| store::relay::list_letters(connection, 10))
        .await;
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].id, letters[0].error.as_str()),
        (dead.existing.id.0, "131026")
    );
}

// shows: B75
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_twice_for_a_passing_reason_goes_at_the_third_try() {
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "times": 2, "answer": { "error": 131_016 } }))
        .await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    for _ in 0..2 {
        let waiting = scene.check("BK-1", CONFIRMATION, Queued).await;
        assert!(waiting.existing.due_at > chrono::Utc::now(), "not at once");
        scene.next_try_is_due().await;
        scene.send().await;
    }

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 3);
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_a_fourth_time_for_a_passing_reason_is_a_dead_letter() {
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "answer": { "error": 131_016 } }))
        .await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    for _ in 0..4 {
        scene.next_try_is_due().await;
        scene.send().await;
    }

    let dead = scene.check("BK-1", CONFIRMATION, Dead).await;
    assert_eq!(dead.existing.attempts, 4);
    assert_eq!(scene.calls().await.len(), 4);
}

// shows: B92
#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_answer_was_lost_is_settled_by_whatsapps_report_and_not_repeated() {
    let scene = Scene::new().await;
    let lost = json!({ "times": 1, "answer": { "cut": true, "accepted": true } });
    scene.tell_sandbox("failures", lost).await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.check("BK-1", CONFIRMATION, Unknown).await;
    scene.next_try_is_due().await;
    scene.send().await;
    scene.report("BK-1", CONFIRMATION, DeliveryStatus::Read).await;

    let settled = scene.check("BK-1", CONFIRMATION, Read).await;
    assert_eq!(settled.existing.attempts, 1);
    assert_eq!(scene.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B89
#[tokio::test(flavor = "multi_thread")]
async fn a_gateways_error_page_leaves_a_message_unknown_until_whatsapp_reports_on_it() {
    let scene = Scene::new().await;
    let page = json!({ "times": 1, "answer": { "http": 502, "body": "<html>Bad Gateway</html>", "accepted": true } });
    scene.tell_sandbox("failures", page).await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.check("BK-1", CONFIRMATION, Unknown).await;
    scene.report("BK-1", CONFIRMATION, DeliveryStatus::Read).await;

    let sent = scene.check("BK-1", CONFIRMATION, Read).await;
    assert_eq!(sent.existing.attempts, 1);
    assert_eq!(scene.calls().await.len(), 1);
}

// shows: B71
#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_whatsapp_does_not_know_gives_way_to_the_fallback() {
    let scene = Scene::new().await;
    let unknown = json!({ "when": { "template": "confirmed" }, "answer": { "error": 132_001 } });
    scene.tell_sandbox("failures", unknown).await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.send().await;

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(scene.names_received_by(ADA).await, ["contact"]);
}

// shows: B90
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_whom_whatsapp_says_to_refuse_marketing_gets_no_more_of_it_and_no_letter_is_written() {
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "times": 1, "answer": { "error": 131_050 } }))
        .await;

    scene.apply_and_send(abandoned("CART-1", ADA)).await;
    scene.apply_and_send(abandoned("CART-2", ADA)).await;

    let skipped = scene.check("CART-1", REMINDER_1, Skipped).await;
    let next = scene.check("CART-2", REMINDER_1, Skipped).await;
    assert_eq!(skipped.existing.reason, Some(Reason::OptedOut));
    assert_eq!(
        (next.existing.reason, next.existing.attempts),
        (Some(Reason::OptedOut), 0)
    );
    assert_eq!(scene.count(Dead).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_with_enough_marketing_is_tried_again_after_a_day_and_then_skipped() {
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "answer": { "error": 131_049 } }))
        .await;

    scene.apply_and_send(abandoned("CART-1", ADA)).await;
    let resting = scene.check("CART-1", REMINDER_1, Queued).await;
    scene.next_try_is_due().await;
    scene.send().await;

    assert!(resting.existing.due_at > chrono::Utc::now() + chrono::TimeDelta::hours(23));
    let skipped = scene.check("CART-1", REMINDER_1, Skipped).await;
    assert_eq!(skipped.existing.reason, Some(Reason::MarketingLimit));
    assert_eq!(skipped.existing.attempts, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_number_costs_no_try_and_its_messages_go_later() {
    let scene = Scene::new().await;
    scene
        .tell_sandbox("failures", json!({ "times": 5, "answer": { "error": 130_429 } }))
        .await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    for _ in 0..5 {
        scene.check("BK-1", CONFIRMATION, Queued).await;
        scene.next_try_is_due().await;
        scene.send().await;
    }

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 6);
    let retries = "SELECT retries::bigint AS count FROM messages";
    assert_eq!(scene.database.count(retries).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_just_got_forty_five_messages_waits_without_a_call() {
    let scene = Scene::new().await;
    for number in 0..46 {
        scene.apply(confirmed(&format!("BK-{number}"), ADA)).await;
    }

    scene.send().await;

    assert_eq!((scene.count(Sent).await, scene.count(Queued).await), (45, 1));
    assert_eq!(scene.calls().await.len(), 45);
    let waiting = "SELECT count(*) AS count FROM messages WHERE state = 'queued' AND attempts = 0 \
                   AND due_at BETWEEN clock_timestamp() AND clock_timestamp() + interval '7 seconds'";
    assert_eq!(scene.database.count(waiting).await, 1);
    let put_off = r#"bellhop_messages_total{kind="reservation_confirmation",outcome="put_off"}"#;
    assert_eq!(scene.metric(put_off), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn free_text_that_whatsapp_refuses_gives_way_to_the_template() {
    let resort = ResortFile {
        templates: "[fallback]\ntemplate.en = { name = \"contact\", language = \"en_US\", body = [\"resort.name\"] }\n\
                    text.reservation_confirmation.en = \"Your stay at {resort.name} is confirmed.\"\n"
            .to_owned(),
        ..ResortFile::patient()
    };
    let scene = Scene::of(&resort).await;
    scene.apply(confirmed("BK-1", BOB)).await;
    scene.open_window(BOB).await;
    let closed = json!({ "when": { "kind": "text" }, "answer": { "error": 131_047 } });
    scene.tell_sandbox("failures", closed).await;

    scene.send().await;
    scene.send().await;

    let sent = scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(scene.names_received_by(BOB).await, ["contact"]);
    assert_eq!(scene.calls().await[0].name(), "text", "from {NUMBER}");
}
