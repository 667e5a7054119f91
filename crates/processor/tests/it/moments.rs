//! The moments of a resort's own: noted when a file has them, planned for bookings that exist, withdrawn when they go.

use chrono::{TimeDelta, Utc};
use domain::message::MessageState::{Queued, Withdrawn};
use domain::message::{MessageKind, MomentName};
use serde_json::{Value, json};
use store::moments;
use testkit::world::ResortFile;

use crate::logs;
use crate::notification::{Writer, text_with};
use crate::scene::{ADA, BOB, Called, EVE, Scene};
use crate::webhook::Webhook;

const WELCOME: &str = r#"
[messages.own]
at = "check_in - 1d"
category = "utility"
"#;

const QUESTION: &str = r#"
[messages.stay_check]
at = "confirmed"
category = "utility"
replies = ["fine", { payload = "help", alert = true }]

[messages.own]
at = "check_in - 1d"
category = "utility"
only_if = "answer.stay_check == 'fine'"
"#;

fn kind(name: &str) -> MessageKind {
    MessageKind::Moment(MomentName::parse(name).unwrap())
}

fn file(sections: &str) -> String {
    let file = ResortFile {
        sections: sections.to_owned(),
        ..ResortFile::patient()
    };
    file.text()
}

/// A guest who arrives in so many days and stays for a week.
fn arriving(booking: &str, phone: &str, days: i64) -> Webhook {
    let day = |after: i64| (Utc::now() + TimeDelta::days(after)).date_naive().to_string();
    Webhook::confirmed(booking, phone).staying(&day(days), &day(days + 7))
}

/// As if that much time had passed for what is kept of the moments.
async fn later(scene: &Scene, interval: &str) {
    scene
        .sql(&format!(
            "UPDATE moments SET since = since - interval '{interval}', removed_at = removed_at - interval '{interval}', \
             planned_at = planned_at - interval '{interval}'"
        ))
        .await;
}

/// The file gets these sections, and everything that follows happens.
async fn settle(scene: &Scene, sections: &str) {
    scene.write_file(&file(sections));
    for _ in 0..3 {
        scene.steps.moments_once().await;
        later(scene, "31 seconds").await;
    }
    scene.wake().await;
}

// shows: B141
#[tokio::test]
async fn a_moment_that_is_new_in_a_file_is_planned_for_existing_bookings_never_for_a_time_that_is_past() {
    let scene = Scene::new().await;
    for (booking, phone, days) in [("BK-1", ADA, 10), ("BK-2", BOB, 0)] {
        scene.happens(&arriving(booking, phone, days)).await;
    }

    settle(&scene, WELCOME).await;

    let booking = scene.booking("BK-1").await;
    let arrival = booking.facts.check_in.unwrap().value;
    assert!(booking.wake_at.is_some_and(|at| at.date_naive() < arrival));
    assert!(scene.message("BK-1", kind("own")).await.is_none());
    assert!(scene.message("BK-2", kind("own")).await.is_none());
    let rows = "moments WHERE name = 'own' AND is_planned AND removed_at IS NULL";
    assert_eq!(scene.count(rows).await, 1);
}

// shows: B141
#[tokio::test]
async fn a_moment_that_is_removed_withdraws_what_is_unsent() {
    let scene = Scene::new().await;
    settle(&scene, WELCOME.replace("check_in - 1d", "confirmed").as_str()).await;
    scene.happens(&arriving("BK-1", ADA, 10)).await;
    assert_eq!(scene.state("BK-1", kind("own")).await, (Queued, None));

    settle(&scene, "").await;

    let withdrawn = (Withdrawn, Some("not_configured".to_owned()));
    assert_eq!(scene.state("BK-1", kind("own")).await, withdrawn);
    scene.steps.moments_once().await;
    assert_eq!(scene.count("moments").await, 0);
}

#[tokio::test]
async fn a_processor_that_reads_its_files_later_changes_nothing() {
    let scene = Scene::new().await;
    scene.write_file(&file(""));
    let late = scene.other_processor(&testkit::world::Secrets::default().keys);
    scene.write_file(&file(WELCOME));
    scene.steps.moments_once().await;
    scene
        .sql("UPDATE moments SET since = '2026-01-01T00:00:00Z', is_planned = true")
        .await;

    late.moments_once().await;
    assert_eq!(scene.count("moments WHERE removed_at IS NOT NULL").await, 1);
    scene.steps.moments_once().await;

    let kept = "moments WHERE since = '2026-01-01T00:00:00Z' AND is_planned AND removed_at IS NULL";
    assert_eq!(scene.count(kept).await, 1);
}

#[tokio::test]
async fn existing_bookings_are_planned_a_few_at_a_time_in_the_order_of_their_keys() {
    let scene = Scene::new().await;
    for (booking, phone) in [("BK-1", ADA), ("BK-2", BOB), ("BK-3", EVE)] {
        scene.happens(&arriving(booking, phone, 10)).await;
    }
    scene
        .sql("INSERT INTO moments (resort, name, definition) VALUES ('azure-bay', 'own', 'check_in'), ('azure', 'x', 'y')")
        .await;
    let step = async || {
        later(&scene, "11 seconds").await;
        let work = |connection: &mut store::Connection, _: &store::planning::Planner| {
            moments::advance(connection, 2)
        };
        let found = scene.run(work).await;
        found.map(|progress| (progress.resort, progress.bookings, progress.is_done))
    };

    let steps = [step().await, step().await, step().await, step().await];

    let azure_bay = |bookings, is_done| Some(("azure-bay".to_owned(), bookings, is_done));
    let none_there = Some(("azure".to_owned(), 0, true));
    assert_eq!(steps.iter().filter(|step| **step == none_there).count(), 1);
    let of_resort: Vec<_> = steps
        .iter()
        .filter(|step| **step != none_there)
        .cloned()
        .collect();
    assert_eq!(of_resort, [azure_bay(2, false), azure_bay(1, true), None]);
    assert_eq!(
        scene.count("bookings WHERE wake_at <= clock_timestamp()").await,
        3
    );
}

/// A guest presses a quick reply of a message.
fn pressed(phone: &str, payload: &str, context: Option<&Called>) -> Value {
    let mut more =
        json!({ "type": "button", "button": { "payload": payload, "text": "as the template says" } });
    if let (Some(called), Some(fields)) = (context, more.as_object_mut()) {
        let context = json!({ "from": "15550100200", "id": called.wamid });
        fields.insert("context".to_owned(), context);
    }
    text_with(Writer::Number(phone), "", Utc::now(), more)
}

// shows: B142
#[tokio::test]
async fn a_guests_choice_is_a_fact_of_the_booking_that_was_asked_and_may_want_a_person() {
    logs::begin();
    let scene = Scene::new().await;
    settle(&scene, QUESTION).await;
    for (booking, phone) in [("BK-1", ADA), ("BK-2", BOB)] {
        scene.happens(&arriving(booking, phone, 10)).await;
    }
    let asked = scene.calls("BK-1", kind("stay_check")).await;
    scene.calls("BK-2", kind("stay_check")).await;

    scene
        .notified(&pressed(ADA, "stay_check.fine", Some(&asked)))
        .await;
    // WhatsApp leaves the context out at times.
    scene.notified(&pressed(BOB, "stay_check.help", None)).await;

    let choice = async |booking: &str| {
        let facts = scene.booking(booking).await.facts;
        let moment = MomentName::parse("stay_check").unwrap();
        facts.answers.get(moment).map(|fact| fact.value.clone())
    };
    assert_eq!(choice("BK-1").await.as_deref(), Some("fine"));
    assert_eq!(choice("BK-2").await.as_deref(), Some("help"));
    let alerts = logs::alerts("guest_needs_person");
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["booking.id"], "azure-bay/BK-2");
    // The other moment is only for those who are fine.
    assert!(scene.booking("BK-1").await.wake_at.is_some());
    let waits = scene
        .count("bookings WHERE wake_at < now() + interval '9 days 12 hours'")
        .await;
    assert_eq!(waits, 1);
}

#[tokio::test]
async fn a_button_of_another_message_answers_no_question() {
    let scene = Scene::new().await;
    settle(&scene, QUESTION).await;
    scene.happens(&arriving("BK-1", ADA, 10)).await;
    let asked = scene.calls("BK-1", kind("stay_check")).await;

    for payload in ["other.fine", "fine", "stay_check", ".", "Stay_check.fine"] {
        scene.notified(&pressed(ADA, payload, Some(&asked))).await;
    }
    scene.notified(&pressed(EVE, "stay_check.fine", None)).await;

    assert_eq!(scene.booking("BK-1").await.facts.answers.iter().count(), 0);
}
