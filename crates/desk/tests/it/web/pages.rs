//! The pages beside letters and bookings: holds, sources, the audit trail, settings, guests.

use domain::staff::{Access, Role};

use super::{Served, access};
use crate::bookings::booked;

// shows: B202
#[tokio::test]
async fn a_pause_is_laid_shown_and_ended_and_the_audit_trail_has_both_with_their_reasons() {
    let served = Served::start().await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let pause = [
        ("resort", "azure-bay"),
        ("kind", ""),
        ("number", ""),
        ("note", "a storm"),
    ];

    anna.get("/holds").await.check(200).has("Nothing is on hold");
    anna.submit("/holds", &pause)
        .await
        .check(200)
        .has("paused resort=azure-bay");
    anna.submit("/holds", &pause)
        .await
        .check(200)
        .has("paused already");
    let resume = [("hold", "paused resort=azure-bay"), ("note", "it is over")];
    anna.submit("/holds/resume", &resume)
        .await
        .check(200)
        .has("Nothing is on hold");
    anna.submit("/holds/resume", &resume)
        .await
        .check(200)
        .has("had ended already");

    let trail = anna.get("/audit").await.check(200).lacks("a storm");
    let trail = trail.has("paused").has("resumed").has("•••");
    assert_eq!(
        trail
            .text
            .matches("<td data-label=\"Action\">paused</td>")
            .count(),
        1
    );
    let asked = [("who", ""), ("action", ""), ("booking", ""), ("since", "")];
    let revealed = anna.post("/audit", &asked).await.check(200);
    revealed.has("a storm").has("it is over");
    anna.get("/audit?action=audit_revealed").await.has("anna");
    anna.get("/audit?action=nonsense")
        .await
        .check(400)
        .has("no such action");
}

// shows: B202
#[tokio::test]
async fn a_payload_that_is_pasted_is_tried_and_nothing_of_it_is_stored() {
    let served = Served::start().await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let payload = r#"{"id":"evt-1","type":"booking_started","occurred_at":"2026-11-29T10:00:00Z","resort":"azure-bay",
        "booking":{"id":"BK-77"},"guest":{"name":"<b>Maria</b>","phone":"+306912345678"}}"#;

    anna.get("/sources")
        .await
        .check(200)
        .has("direct")
        .has("none in 24 h");
    let page = anna.get("/sources/direct").await.check(200);
    page.has("No request in the last 24 hours");
    let form = [("payload", payload), ("headers", "")];
    let tried = anna.post("/sources/direct", &form).await.check(200);
    tried
        .has("Accepted as this event")
        .has("&#60;b&#62;Maria")
        .lacks("<b>Maria");
    let broken = [("payload", r#"{"type":"booking_started"}"#), ("headers", "")];
    anna.post("/sources/direct", &broken)
        .await
        .check(200)
        .has("Refused")
        .has("missing");
    let nonsense = [("payload", "{"), ("headers", "")];
    anna.post("/sources/direct", &nonsense)
        .await
        .check(200)
        .has("cannot be used");

    assert!(!served.database.contents().await.contains("BK-77"));
    assert!(!served.program.log().contains("306912345678"));
    anna.get("/sources/nowhere").await.check(404);
}

// shows: B202
#[tokio::test]
async fn settings_show_the_files_and_the_staff_and_a_search_needs_a_number() {
    let served = Served::start().await;
    let mut anna = served.member("anna", Access::ADMIN).await;

    anna.get("/settings")
        .await
        .check(200)
        .has("azure-bay")
        .has("anna")
        .has("all resorts");
    anna.get("/guests").await.check(200).has("No guest waits");
    let found = anna
        .post("/guests/find", &[("phone", "+30 691 234 5678")])
        .await
        .check(200);
    found
        .has("+30•••••••678")
        .has("No guest with this number")
        .lacks("<b>")
        .lacks("6912345678");
    anna.post("/guests/find", &[("phone", "12")])
        .await
        .check(200)
        .has("not a valid phone number");
    assert!(!served.program.log().contains("5678"));
}

// shows: B201, T43
#[tokio::test]
async fn a_viewer_of_one_resort_sees_no_other_and_changes_nothing() {
    let served = Served::start().await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let mut eve = served.member("eve", access(Role::Viewer, &["olive-hill"])).await;
    let pause = [
        ("resort", "azure-bay"),
        ("kind", ""),
        ("number", ""),
        ("note", ""),
    ];
    anna.submit("/holds", &pause).await.check(200);

    for path in ["/audit", "/settings"] {
        eve.get(path).await.check(403).has("outside the resorts");
    }
    eve.get("/").await.check(200).lacks("/audit").lacks("/settings");
    eve.get("/holds").await.check(200).lacks("azure-bay");
    eve.get("/sources").await.check(200).lacks("direct");
    eve.get("/sources/direct").await.check(404);
    let theirs = [
        ("resort", "olive-hill"),
        ("kind", ""),
        ("number", ""),
        ("note", ""),
    ];
    eve.post("/holds", &theirs).await.check(403).has("role support");
    eve.post("/holds", &pause).await.check(403);
    eve.post(
        "/holds/resume",
        &[("hold", "paused resort=azure-bay"), ("note", "")],
    )
    .await
    .check(403);

    assert_eq!(
        served.database.count("SELECT count(*) AS count FROM holds").await,
        1
    );
    let mut ben = served.member("ben", access(Role::Support, &["olive-hill"])).await;
    ben.post("/holds", &pause)
        .await
        .check(403)
        .has("outside the resorts");
    ben.post(
        "/holds",
        &[("resort", ""), ("kind", ""), ("number", ""), ("note", "")],
    )
    .await
    .check(403);
    ben.submit("/holds", &theirs).await.check(200).has("olive-hill");
}

// shows: B205
#[tokio::test]
async fn the_start_page_leads_to_what_waits_and_a_bounded_member_sees_their_part() {
    let served = Served::start_on(booked().await, &[]).await;
    let mut anna = served.member("anna", Access::ADMIN).await;
    let quiet = anna.get("/").await.check(200);
    quiet
        .has("Nothing waits for a person")
        .has("Messages are not counted yet");

    let pause = [
        ("resort", "azure-bay"),
        ("kind", ""),
        ("number", ""),
        ("note", ""),
    ];
    anna.submit("/holds", &pause).await.check(200);
    served.database.execute(LETTERS).await;

    let page = anna.get("/").await.check(200).lacks("Nothing waits");
    let page = page
        .has("Paused: azure-bay")
        .has("WhatsApp refused the message for good.");
    let page = page.has("/letters?reason=refused&#38;resort=azure-bay");
    assert!(
        page.text.contains("<title>(3) What needs attention"),
        "{}",
        page.text
    );
    let mut ben = served.member("ben", access(Role::Support, &["olive-hill"])).await;
    let theirs = ben
        .get("/")
        .await
        .check(200)
        .has("<title>(1) What needs attention");
    theirs.lacks("azure-bay");
}

/// Three open dead letters at two resorts.
const LETTERS: &str = "INSERT INTO letters (kind, amqp_id, reason, error, attempts, died_at, dated, subject, state, resort, booking) \
     SELECT 'messages', 'm-' || n, 'refused', '131026', 1, now() - n * interval '1 hour', true, 'reminder_1', 'open', \
     CASE n WHEN 3 THEN 'olive-hill' ELSE 'azure-bay' END, 'BK-' || n FROM generate_series(1, 3) n";
