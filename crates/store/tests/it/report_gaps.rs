//! Numbers that WhatsApp reports nothing of.

use chrono::{TimeDelta, Utc};
use domain::after_call::NextStep;
use domain::ids::{MessageId, NumberId, WhatsAppMessageId};
use domain::message::{Attempt, CallbackData, DeliveryStatus};
use domain::message_record::Report;
use store::report_gaps::{self, LastOfNumber, ReportGap};
use store::results;

use crate::scene::{Scene, judging};

type Call = (MessageId, Attempt);

/// A reminder that WhatsApp accepted now.
async fn sent(scene: &Scene, booking: &str) -> Call {
    scene.due_reminder(booking).await;
    let call = scene.claimed(booking).await;
    let id = WhatsAppMessageId::parse(&format!("wamid.{booking}")).unwrap();
    scene.answered(call, NextStep::Finish(id)).await;
    call
}

async fn reported(scene: &Scene, call: Call) {
    let report = Report {
        callback: Some(CallbackData {
            message: call.0,
            attempt: call.1,
        }),
        whatsapp_id: WhatsAppMessageId::parse(&format!("wamid.{}", call.0)).unwrap(),
        status: DeliveryStatus::Sent,
        at: Utc::now(),
        failure: None,
        pricing: None,
        names: Vec::new(),
    };
    scene
        .run(move |c, planner| results::record_reports(c, planner, &judging(), &[report]))
        .await;
}

/// All that has happened is so much older.
async fn minutes_pass(scene: &Scene, minutes: i64) {
    scene
        .sql(&format!(
            "UPDATE messages SET claimed_at = claimed_at - interval '{minutes} minutes', \
             delivery_at = delivery_at - interval '{minutes} minutes'"
        ))
        .await;
}

async fn gaps(scene: &Scene) -> Vec<ReportGap> {
    scene.run(|connection, _| report_gaps::list(connection)).await
}

async fn last(scene: &Scene, number: &str) -> LastOfNumber {
    let number = NumberId::parse(number).unwrap();
    scene
        .run(move |connection, _| report_gaps::last_of_number(connection, &number))
        .await
}

async fn number(scene: &Scene) -> NumberId {
    scene.planner.resorts.values().next().unwrap().number.clone()
}

#[tokio::test]
async fn reports_are_missing_ten_minutes_after_a_call_and_until_any_comes() {
    let scene = Scene::new().await;
    let first = sent(&scene, "BK-1").await;
    minutes_pass(&scene, 9).await;
    assert_eq!(gaps(&scene).await, []);

    minutes_pass(&scene, 2).await;
    let found = gaps(&scene).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].number, number(&scene).await);
    assert!(Utc::now() - found[0].waiting_since >= TimeDelta::minutes(11));

    reported(&scene, first).await;
    assert_eq!(gaps(&scene).await, []);
}

#[tokio::test]
async fn one_message_without_a_report_among_others_that_have_theirs_is_no_gap() {
    let scene = Scene::new().await;
    sent(&scene, "BK-1").await;
    minutes_pass(&scene, 11).await;
    let later = sent(&scene, "BK-2").await;
    reported(&scene, later).await;
    minutes_pass(&scene, 60).await;
    assert_eq!(gaps(&scene).await, [], "a later call was reported");

    let scene = Scene::new().await;
    let earlier = sent(&scene, "BK-1").await;
    minutes_pass(&scene, 1).await;
    sent(&scene, "BK-2").await;
    minutes_pass(&scene, 11).await;
    assert_eq!(gaps(&scene).await.len(), 1);
    reported(&scene, earlier).await;
    assert_eq!(gaps(&scene).await, [], "an earlier call was reported since");
}

#[tokio::test]
async fn what_was_never_accepted_what_whatsapp_holds_back_and_what_is_a_week_old_is_no_gap() {
    let scene = Scene::new().await;
    scene.due_reminder("BK-1").await;
    let call = scene.claimed("BK-1").await;
    scene.answered(call, NextStep::AwaitEvidence).await;
    scene.due_reminder("BK-2").await;
    let call = scene.claimed("BK-2").await;
    let id = WhatsAppMessageId::parse("wamid.2").unwrap();
    scene.answered_paced(call, NextStep::Finish(id)).await;
    minutes_pass(&scene, 30).await;
    assert_eq!(gaps(&scene).await, []);

    sent(&scene, "BK-3").await;
    minutes_pass(&scene, 11).await;
    assert_eq!(gaps(&scene).await.len(), 1);
    minutes_pass(&scene, 7 * 24 * 60).await;
    assert_eq!(gaps(&scene).await, []);
}

#[tokio::test]
async fn the_last_call_and_the_last_report_of_a_number_are_known() {
    let scene = Scene::new().await;
    let number = number(&scene).await;
    assert_eq!(last(&scene, number.as_str()).await, LastOfNumber::default());

    let call = sent(&scene, "BK-1").await;
    let called = last(&scene, number.as_str()).await;
    assert!(
        called.called_at.is_some() && called.reported_at.is_none(),
        "{called:?}"
    );
    reported(&scene, call).await;

    assert!(last(&scene, number.as_str()).await.reported_at.is_some());
    assert_eq!(last(&scene, "another").await, LastOfNumber::default());
}

#[tokio::test]
async fn a_million_messages_cost_the_question_no_more_than_some_rows_of_an_index() {
    let scene = Scene::new().await;
    let call = sent(&scene, "BK-1").await;
    reported(&scene, call).await;
    gaps(&scene).await;
    last(&scene, "another").await;

    let plans = testkit::plans::of_prepared_statements(&scene.store).await;

    for part in ["waiting_since", "AS reported_at FROM ("] {
        let (_, plan) = plans
            .iter()
            .find(|(statement, _)| statement.contains(part))
            .unwrap();
        assert!(!plan.contains("Seq Scan"), "{plan}");
        for line in plan.lines().filter(|line| line.contains(" on messages ")) {
            assert!(line.contains("messages_by_call"), "{line}\n{plan}");
        }
        // Every reading of the index ends at a limit.
        let (scans, limits) = (
            plan.matches("messages_by_call").count(),
            plan.matches("Limit").count(),
        );
        assert!(scans > 0 && limits >= scans, "{plan}");
    }
}
