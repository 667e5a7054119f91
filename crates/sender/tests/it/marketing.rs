//! What WhatsApp counts as marketing: it goes by an endpoint of its own, and guests can refuse it.

use chrono::{DateTime, Utc};
use domain::consent::ConsentChange;
use domain::event::Event;
use domain::hold::Coverage;
use domain::message::MessageState::{Held, Queued, Sent, Skipped, Unknown};
use domain::message::Reason;
use serde_json::json;
use store::template_categories::{self, CategoryReport, Recategorised};
use testkit::world::ResortFile;

use crate::holds::resume;
use crate::scene::{ADA, BOB, CONFIRMATION, EVE, REMINDER_1, Scene, abandoned, confirmed};

const HELD: &str = "template number=106540352242922 template=confirmed/en_US kind=reservation_confirmation";

/// The endpoint, the template and the error of each call, oldest first.
async fn calls(scene: &Scene) -> Vec<(String, String, bool)> {
    let calls = scene.calls().await;
    let seen = calls
        .iter()
        .map(|call| (call.endpoint().to_owned(), call.name().to_owned(), call.accepted));
    seen.collect()
}

fn call(endpoint: &str, template: &str, accepted: bool) -> (String, String, bool) {
    (endpoint.to_owned(), template.to_owned(), accepted)
}

/// The endpoint for marketing refuses everything with this code.
async fn refuses_marketing(scene: &Scene, code: i64) {
    let rule = json!({ "when": { "endpoint": "marketing_messages" }, "answer": { "error": code } });
    scene.tell_sandbox("failures", rule).await;
}

/// A resort that has nothing else to confirm with.
fn without_fallback() -> ResortFile {
    let file = ResortFile::patient();
    let (templates, _fallback) = file.templates.split_once("[fallback]").unwrap();
    ResortFile {
        templates: templates.to_owned(),
        ..file
    }
}

fn report(template: &str, category: &str, second: i64) -> CategoryReport {
    CategoryReport {
        template: template.to_owned(),
        account: "102290129340398".to_owned(),
        at: DateTime::from_timestamp(second, 0).unwrap(),
        category: category.to_owned(),
    }
}

/// WhatsApp reports a category.
async fn becomes(scene: &Scene, category: &str, second: i64) -> Recategorised {
    let report = report("confirmed/en_US", category, second);
    scene
        .run(move |connection, planner| template_categories::learn(connection, planner, vec![report]))
        .await
}

fn confirmations() -> Coverage {
    Coverage {
        kind: Some(CONFIRMATION),
        ..Coverage::default()
    }
}

fn without_consent(mut event: Event) -> Event {
    event.guest.consent = Some(false);
    event
}

// shows: B144
#[tokio::test(flavor = "multi_thread")]
async fn reminders_go_by_the_endpoint_for_marketing_and_confirmations_by_the_ordinary_one() {
    let scene = Scene::new().await;

    scene.apply_and_send(abandoned("BK-1", ADA)).await;
    scene.apply_and_send(confirmed("BK-2", BOB)).await;

    assert_eq!(
        calls(&scene).await,
        [
            call("marketing_messages", "reminder_1", true),
            call("messages", "confirmed", true)
        ]
    );
    for endpoint in ["marketing_messages", "messages"] {
        let series = format!(r#"bellhop_calls_total{{endpoint="{endpoint}",outcome="accepted"}}"#);
        assert_eq!(scene.metric(&series), 1.0);
    }
}

// shows: B144
#[tokio::test(flavor = "multi_thread")]
async fn what_the_endpoint_for_marketing_refuses_goes_by_the_ordinary_one_at_once_and_uses_up_no_retry() {
    for code in [131_055, 134_100, 134_101, 134_102, 200] {
        let scene = Scene::new().await;
        refuses_marketing(&scene, code).await;

        scene.apply_and_send(abandoned("BK-1", ADA)).await;
        let waits = scene.check("BK-1", REMINDER_1, Queued).await;
        assert!(waits.existing.due_at <= Utc::now(), "at once");
        scene.send().await;

        scene.check("BK-1", REMINDER_1, Sent).await;
        let used = "SELECT retries::bigint AS count FROM messages";
        assert_eq!(scene.database.count(used).await, 0, "{code}");
        assert_eq!(
            calls(&scene).await,
            [
                call("marketing_messages", "reminder_1", false),
                call("messages", "reminder_1", true)
            ],
            "{code}"
        );
        let holds = scene.run(|connection, _| store::holds::list(connection)).await;
        assert!(holds.is_empty(), "{code}: {holds:?}");
    }
}

// shows: B144
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_endpoint_is_remembered_and_each_sender_learns_it_by_one_call() {
    let scene = Scene::new().await;
    refuses_marketing(&scene, 134_100).await;
    scene.apply_and_send(abandoned("BK-1", ADA)).await;
    scene.send().await;

    scene.apply_and_send(abandoned("BK-2", BOB)).await;
    let other = scene.another_sender();
    scene.apply(abandoned("BK-3", EVE)).await;
    scene.send_by(&other).await;
    scene.send_by(&other).await;

    let endpoints: Vec<String> = calls(&scene)
        .await
        .into_iter()
        .map(|(endpoint, ..)| endpoint)
        .collect();
    assert_eq!(
        endpoints,
        [
            "marketing_messages",
            "messages",
            "messages",
            "marketing_messages",
            "messages"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_the_endpoint_for_marketing_without_an_answer_is_unresolved_as_any_other() {
    let scene = Scene::new().await;
    let rule =
        json!({ "when": { "endpoint": "marketing_messages" }, "answer": { "cut": true, "accepted": true } });
    scene.tell_sandbox("failures", rule).await;

    scene.apply_and_send(abandoned("BK-1", ADA)).await;
    scene.send().await;

    scene.check("BK-1", REMINDER_1, Unknown).await;
    assert_eq!(scene.received_by(ADA).await.len(), 1);
}

// shows: B145
#[tokio::test(flavor = "multi_thread")]
async fn confirmations_by_a_template_that_became_marketing_wait_until_it_is_utility_again() {
    let scene = Scene::of(&without_fallback()).await;
    scene.apply(confirmed("BK-1", ADA)).await;

    let laid = becomes(&scene, "MARKETING", 100).await.laid;
    scene.send().await;
    scene.maintain_and_send().await;

    assert_eq!(laid, [HELD]);
    let held = scene.check("BK-1", CONFIRMATION, Held).await;
    assert_eq!(held.reason.as_deref(), Some("template"));
    assert!(calls(&scene).await.is_empty());
    // An older report, and one that repeats what is known.
    assert_eq!(becomes(&scene, "UTILITY", 99).await, Recategorised::default());
    assert_eq!(becomes(&scene, "MARKETING", 101).await, Recategorised::default());
    let lifted = becomes(&scene, "UTILITY", 102).await.lifted;
    assert_eq!(lifted, [HELD]);
    scene.maintain_and_send().await;

    scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(calls(&scene).await, [call("messages", "confirmed", true)]);
}

// shows: B145
#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_became_marketing_holds_no_reminder() {
    let scene = Scene::of(&without_fallback()).await;
    let report = report("reminder_1/en_US", "MARKETING", 100);
    let learnt = scene
        .run(move |connection, planner| template_categories::learn(connection, planner, vec![report]))
        .await;

    scene.apply_and_send(abandoned("BK-1", ADA)).await;

    assert_eq!(learnt, Recategorised::default());
    scene.check("BK-1", REMINDER_1, Sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_is_sent_instead_of_a_template_that_became_marketing() {
    let scene = Scene::new().await;
    becomes(&scene, "MARKETING", 100).await;

    scene.apply_and_send(confirmed("BK-1", ADA)).await;

    assert_eq!(calls(&scene).await, [call("messages", "contact", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_names_another_template_lets_the_held_confirmations_go() {
    let scene = Scene::of(&without_fallback()).await;
    becomes(&scene, "MARKETING", 100).await;
    scene.apply_and_send(confirmed("BK-1", ADA)).await;
    scene.check("BK-1", CONFIRMATION, Held).await;

    let file = without_fallback();
    let other = file.templates.replacen(
        "[templates.reservation_confirmation.en]\nname = \"confirmed\"",
        "[templates.reservation_confirmation.en]\nname = \"contact\"",
        1,
    );
    let other = other.replacen(
        r#"body = [{ value = "guest.first_name", else = "guest" }, { value = "stay.check_in", else = "soon" }, { value = "stay.total", else = "agreed" }]"#,
        r#"body = ["resort.name"]"#,
        1,
    );
    scene.change_file(Some(&ResortFile {
        templates: other,
        ..file
    }));
    scene.maintain_and_send().await;

    scene.check("BK-1", CONFIRMATION, Sent).await;
    assert_eq!(calls(&scene).await, [call("messages", "contact", true)]);
}

// shows: B146
#[tokio::test(flavor = "multi_thread")]
async fn a_person_lets_confirmations_go_that_became_marketing_except_to_guests_who_refuse_marketing() {
    let scene = Scene::of(&without_fallback()).await;
    let change = json!({ "name": "confirmed", "language": "en_US", "category": "MARKETING" });
    scene.tell_sandbox("templates", change).await;
    becomes(&scene, "MARKETING", 100).await;
    let american = "+12025550123";
    scene.apply(confirmed("BK-1", ADA)).await;
    scene.apply(without_consent(confirmed("BK-2", BOB))).await;
    scene.says(EVE, ConsentChange::Stop).await;
    scene.apply(confirmed("BK-3", EVE)).await;
    scene.apply(confirmed("BK-4", american)).await;
    scene.send().await;
    for booking in ["BK-1", "BK-2", "BK-3", "BK-4"] {
        scene.check(booking, CONFIRMATION, Held).await;
    }

    assert_eq!(resume(&scene, confirmations()).await, [HELD]);
    scene.maintain_and_send().await;

    scene.check("BK-1", CONFIRMATION, Sent).await;
    let skipped = [
        ("BK-2", Reason::NoConsent),
        ("BK-3", Reason::OptedOut),
        ("BK-4", Reason::UsMarketing),
    ];
    for (booking, reason) in skipped {
        let message = scene.check(booking, CONFIRMATION, Skipped).await;
        assert_eq!(message.existing.reason, Some(reason), "{booking}");
    }
    // No call for a guest who refuses marketing.
    let sent = calls(&scene).await;
    assert_eq!(sent, [call("marketing_messages", "confirmed", true)]);
}
