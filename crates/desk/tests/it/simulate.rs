//! `desk simulate`

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::world::ResortFile;

use crate::program::{Ended, desk};

const SECTIONS: &str = r#"
[quiet_hours]
from = "21:00"
to = "09:00"

[messages.pre_arrival]
at = "check_in - 1d 18:00"
category = "utility"
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["resorts", "sources"] {
        fs::create_dir(folder.path().join(part)).unwrap();
    }
    let file = ResortFile {
        abandoned_after: "30m".into(),
        reminder_2: Some("24h".into()),
        review_after: Some("4h".into()),
        sections: SECTIONS.into(),
        ..ResortFile::default()
    };
    fs::write(folder.path().join("resorts/azure-bay.toml"), file.text()).unwrap();
    folder
}

/// Without a database, a broker and keys.
async fn simulate(folder: &TempDir, more: &[&str], events: &str) -> Ended {
    let config = folder.path().display().to_string();
    let arguments: Vec<&str> = ["simulate", "azure-bay", "-"]
        .iter()
        .chain(more)
        .copied()
        .collect();
    desk(&arguments, &[("BELLHOP_CONFIG", config.as_str())], events).await
}

fn event(event_type: &str, at: &str, booking: &str) -> Value {
    json!({
        "id": format!("{event_type}-{at}"), "type": event_type, "occurred_at": at, "resort": "azure-bay",
        "booking": { "id": booking, "check_in": "2026-12-20", "check_out": "2026-12-27" },
        "guest": { "name": "Ada Lovelace", "phone": "+306912345678" },
    })
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// A cart on an evening, and its reservation on the next day; the newest first, as many platforms list them.
fn story() -> String {
    lines(&[
        event("reservation_confirmed", "2026-11-24T12:00:00Z", "BK-1"),
        event("booking_started", "2026-11-23T18:45:00Z", "BK-1"),
    ])
}

fn messages(booking: &Value) -> Vec<(&str, &str, &str)> {
    let messages = booking["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| {
            let of = |name: &str| message[name].as_str().unwrap_or_default();
            (of("kind"), of("outcome"), of("at"))
        })
        .collect()
}

// shows: B171
#[tokio::test]
async fn a_guests_events_show_what_would_go_when_by_which_template_and_why_not() {
    let folder = folder();

    let found = simulate(&folder, &["--json"], &story()).await.json();

    let booking = &found["bookings"][0];
    // Started 20:45 in Athens and left at 21:15, which is quiet; no check-in is ever reported.
    assert_eq!(
        messages(booking),
        [
            ("reminder_1", "sent", "2026-11-24T07:00:00Z"),
            ("reservation_confirmation", "sent", "2026-11-24T12:00:00Z"),
            ("pre_arrival", "sent", "2026-12-19T16:00:00Z"),
        ]
    );
    let reminder = &booking["messages"][0];
    assert_eq!(reminder["local"], "Tue 2026-11-24 09:00:00 EET");
    assert_eq!(reminder["content"]["template"], "reminder_1/en_US");
    assert_eq!(reminder["content"]["body"], json!(["Ada", "Azure Bay Resort"]));
    let reasons: Vec<(&Value, &Value)> = booking["not_wanted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|planned| (&planned["kind"], &planned["reason"]))
        .collect();
    assert_eq!(
        reasons,
        [
            (&json!("reminder_2"), &json!("confirmed")),
            (&json!("review_request"), &json!("not_arrived")),
        ]
    );
    assert_eq!(
        (&booking["status"], &booking["guest"]),
        (&json!("no_show"), &json!("+306912345678"))
    );
}

#[tokio::test]
async fn the_text_names_the_resorts_times_and_the_plan_of_a_time_in_between() {
    let folder = folder();

    let shown = simulate(&folder, &["--at", "2026-11-23 22:00"], &story()).await;

    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let text: Vec<String> = shown.check(0).stdout.lines().map(words).collect();
    let expected = [
        "azure-bay, 2 events, times of Europe/Athens",
        "at Mon 2026-11-23 22:00:00 EET",
        "BK-1 abandoned",
        "reminder_1 later Tue 2026-11-24 09:00:00 EET",
        "reminder_2 waits another_event",
        "BK-1 no_show +306912345678",
        "Tue 2026-11-24 09:00:00 EET sent reminder_1 reminder_1/en_US header: Azure Bay Resort body: Ada | Azure Bay Resort \
         button: book",
        "- not_wanted reminder_2 confirmed",
    ];
    for line in expected {
        assert!(text.iter().any(|found| found == line), "{line}: {text:#?}");
    }
    simulate(&folder, &["--at", "soon"], &story()).await.check(2);
}

#[tokio::test]
async fn a_stop_a_second_booking_and_a_cancellation_are_played_too() {
    let folder = folder();
    let mut stop = event("guest_opted_out", "2026-11-24T06:00:00Z", "");
    stop.as_object_mut().unwrap().remove("booking");
    let events = [
        event("booking_started", "2026-11-23T18:45:00Z", "BK-1"),
        stop,
        event("reservation_confirmed", "2026-11-25T10:00:00Z", "BK-2"),
        event("reservation_cancelled", "2026-11-26T10:00:00Z", "BK-2"),
    ];

    let array = Value::from(events.to_vec()).to_string();
    let found = simulate(&folder, &["--json"], &array).await.json();

    assert_eq!(
        messages(&found["bookings"][0]),
        [("reminder_1", "skipped", "2026-11-24T07:00:00Z")]
    );
    assert_eq!(found["bookings"][0]["messages"][0]["reason"], "opted_out");
    let second = &found["bookings"][1];
    assert_eq!(
        messages(second),
        [("reservation_confirmation", "sent", "2026-11-25T10:00:00Z")]
    );
    assert_eq!(second["not_wanted"][0]["reason"], "cancelled");
}

#[tokio::test]
async fn what_is_refused_is_named_by_line_and_field_and_the_rest_is_played() {
    let folder = folder();
    let mut wrong = event("reservation_confirmed", "yesterday", "BK-9");
    wrong["guest"]["phone"] = json!(["+306912345678"]);
    let mut elsewhere = event("reservation_confirmed", "2026-11-24T12:00:00Z", "BK-8");
    elsewhere["resort"] = json!("harbour-inn");
    let events = format!("{wrong}\n\nnonsense\n{elsewhere}\n{}", story());

    let ended = simulate(&folder, &[], &events).await;

    ended.check(1);
    for problem in [
        "line 1: occurred_at: not a date",
        "line 1: guest.phone: wrong type",
        "line 3: the body is not JSON",
        "line 4: resort: not allowed",
    ] {
        assert!(ended.stderr.contains(problem), "{problem}: {ended:?}");
    }
    assert!(!ended.stderr.contains("6912345678") && ended.stdout.contains("reservation_confirmation"));
}

#[tokio::test]
async fn a_platforms_own_payload_is_played_by_its_sources_mapping() {
    let folder = folder();
    let source = r#"
resorts = ["azure-bay"]

[auth]
scheme = "url-token"
secrets = ["env:SHOP"]

[map]
event = ["state"]
when = [["booked", "reservation_confirmed"]]
occurred_at = "at"

[map.booking]
id = "number"

[map.guest]
phone = "tel"
"#;
    fs::write(folder.path().join("sources/shop.toml"), source).unwrap();
    let order =
        json!({ "state": "booked", "at": "2026-11-24T12:00:00Z", "number": 77, "tel": "+306912345678" });

    let ended = simulate(&folder, &["--source", "shop", "--json"], &order.to_string()).await;

    assert_eq!(
        messages(&ended.json()["bookings"][0])[0].0,
        "reservation_confirmation"
    );
    let unknown = simulate(&folder, &["--source", "shops"], "{}").await;
    assert!(
        unknown.check(1).stderr.contains("there is no source shops"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_simulation_says_that_some_guests_are_held_out_and_shows_what_the_others_get() {
    let folder = folder();
    let path = folder.path().join("resorts/azure-bay.toml");
    let file = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{file}\n[proof]\nhold_out = \"12.5%\"\n")).unwrap();

    let shown = simulate(&folder, &[], &story()).await;

    let note = "hold-out: 12.5% of guests get no reminders; this is what the others get";
    assert!(shown.stdout.lines().any(|line| line == note), "{}", shown.stdout);
}
