//! `desk bookings show` and `desk messages list`

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use crypto::key_ring::KeyRing;
use crypto::secret::Places;
use domain::event::{Details, Event, EventKey, EventType, GuestDetails};
use domain::facts::Facts;
use domain::ids::{BookingId, BookingKey, EventId, ResortId, SourceId};
use domain::stay::Personal;
use store::planning::{self, Planner};
use store::{bookings, events};
use testkit::database::Database;

use crate::program::{CONFIG, Ended, KEYS, desk};

pub(crate) fn abandoned() -> Event {
    Event {
        key: EventKey {
            source: SourceId::parse("direct").unwrap(),
            id: EventId::parse("evt_1").unwrap(),
        },
        event_type: EventType::BookingAbandoned,
        occurred_at: Utc::now() - TimeDelta::minutes(1),
        resort: ResortId::parse("azure-bay").unwrap(),
        notify: true,
        imported: false,
        booking: Some(BookingId::parse("BK-1001").unwrap()),
        details: Details {
            resume_url: Some(Personal::new("https://book.example/r/BK-1001")),
            room: Some("Sea view".into()),
            ..Details::default()
        },
        guest: GuestDetails {
            name: Some(Personal::new("Ada Lovelace")),
            phone: Some(Personal::new("+306912345678")),
            ..GuestDetails::default()
        },
    }
}

/// A database with one abandoned booking.
pub(crate) async fn booked() -> Database {
    let database = Database::create().await;
    let store = database.store();
    let applied = store.transaction(|connection| {
        let ring = Arc::new(KeyRing::parse(KEYS).unwrap());
        let places = Places {
            environment: &|_| None,
            key_ring: None,
            base: Path::new(CONFIG),
        };
        let resorts = settings::load(Path::new(CONFIG), settings::Resolve::Nothing, &places).unwrap();
        let planner = Planner {
            due: store::planning::DueIds::Relay,
            ring: ring.clone(),
            resorts: resorts.readable_resorts(),
        };
        let event = abandoned();
        let key = BookingKey {
            resort: event.resort.clone(),
            booking: event.booking.clone().unwrap(),
        };
        let new = events::NewEvent {
            key: event.key.to_string(),
            source: "direct".into(),
            event_type: event.event_type.to_string(),
            booking: Some(key.clone()),
            received_at: Utc::now(),
            request_id: "r-1".into(),
            trace: None,
            outcome: "applied",
            phone_hash: Some(ring.lookup("+306912345678").to_vec()),
            name_hashes: Vec::new(),
            message: None,
            sealed_body: Some(ring.seal(
                &serde_json::to_vec(&event).unwrap(),
                &format!("event:{}", event.key),
            )),
        };
        events::insert_new(connection, &[new])?;
        let keys = BTreeSet::from([key]);
        let mut locked = bookings::lock_or_begin(connection, &ring, &keys, &keys)?;
        for booking in &mut locked {
            booking.facts = Facts::of_event(&event, Utc::now());
            booking.version += 1;
        }
        planning::replan(connection, &planner, Utc::now(), &locked)
    });
    applied.await.unwrap();
    database
}

async fn show(database: &Database, more: &[&str]) -> Ended {
    show_to(database, "", more).await
}

/// By a member of the staff.
async fn show_to(database: &Database, token: &str, more: &[&str]) -> Ended {
    let url = database.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_CONFIG", CONFIG),
        ("BELLHOP_KEYS", KEYS),
        ("BELLHOP_STAFF_TOKEN", token),
    ];
    let arguments: Vec<&str> = ["bookings", "show"].iter().chain(more).copied().collect();
    desk(&arguments, &environment, "").await
}

#[tokio::test]
async fn a_booking_is_shown_with_what_was_heard_and_planned_and_nothing_personal() {
    let database = booked().await;

    let shown = show(&database, &["azure-bay", "BK-1001", "--json"]).await.json();

    assert_eq!(shown["status"], "abandoned");
    assert_eq!(shown["facts"]["phone"]["value"], "+30•••••••678");
    assert_eq!(shown["facts"]["name"]["value"], "•••");
    assert_eq!(shown["facts"]["room"]["value"], "Sea view");
    assert_eq!(shown["facts"]["abandoned"]["event"], "direct/evt_1");
    assert_eq!(shown["events"][0]["type"], "booking_abandoned");
    assert_eq!(shown["messages"][0]["kind"], "reminder_1");
    assert_eq!(shown["messages"][0]["state"], "queued");
    assert_eq!(shown["to_come"][0]["kind"], "reminder_1");
    let text = show(&database, &["azure-bay", "BK-1001"])
        .await
        .check(0)
        .stdout
        .clone();
    for personal in ["Ada", "Lovelace", "6912345678", "book.example"] {
        assert!(
            !shown.to_string().contains(personal) && !text.contains(personal),
            "{personal}"
        );
    }
    for word in [
        "azure-bay/BK-1001  abandoned",
        "+30•••••••678",
        "reminder_1",
        "to come",
    ] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
}

// shows: B147
#[tokio::test]
async fn a_message_is_shown_with_what_whatsapp_charges_for_it() {
    let database = booked().await;
    let priced =
        "UPDATE messages SET pricing_category = 'marketing_lite', pricing_type = 'regular', billable = true";
    database.execute(priced).await;

    let shown = show(&database, &["azure-bay", "BK-1001", "--json"]).await.json();

    assert_eq!(
        shown["messages"][0]["pricing"],
        serde_json::json!({ "category": "marketing_lite", "type": "regular", "billable": true })
    );
}

#[tokio::test]
async fn what_is_personal_is_revealed_when_asked_and_that_is_logged() {
    let database = booked().await;

    let token = database.hire("anna").await;
    let reveal = ["azure-bay", "BK-1001", "--json", "--reveal"];
    let ended = show_to(&database, &token, &reveal).await;

    let shown = ended.json();
    assert_eq!(shown["facts"]["phone"]["value"], "+306912345678");
    assert_eq!(shown["facts"]["name"]["value"], "Ada Lovelace");
    assert!(
        ended.stderr.contains("booking_revealed")
            && ended.stderr.contains("azure-bay/BK-1001")
            && ended.stderr.contains("anna")
            && !ended.stderr.contains("Ada"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn an_unknown_booking_is_refused() {
    let database = Database::create().await;

    let ended = show(&database, &["azure-bay", "BK-9", "--json"]).await;

    assert!(ended.check(1).stderr.contains("azure-bay/BK-9"));
    assert_eq!(ended.stdout, "");
}

#[tokio::test]
async fn messages_are_listed_by_state() {
    let database = booked().await;
    let url = database.url();
    let environment = [("DATABASE_URL", url.as_str())];

    let queued = desk(
        &["messages", "list", "--state", "queued", "--json"],
        &environment,
        "",
    )
    .await
    .json();
    assert_eq!(queued.as_array().unwrap().len(), 1);
    assert_eq!(queued[0]["booking"], "BK-1001");
    let dead = desk(
        &["messages", "list", "--state", "dead", "--json"],
        &environment,
        "",
    )
    .await
    .json();
    assert_eq!(dead, serde_json::json!([]));
    let all = desk(&["messages", "list"], &environment, "").await;
    assert!(all.check(0).stdout.contains("azure-bay/BK-1001"), "{all:?}");
}

// shows: B249
#[tokio::test]
async fn bookings_are_listed_by_what_is_asked_for_under_the_heads_of_their_columns() {
    let database = booked().await;
    let url = database.url();
    let environment = [("DATABASE_URL", url.as_str())];
    let list = async |more: &[&str]| {
        let arguments: Vec<&str> = ["bookings", "list"].iter().chain(more).copied().collect();
        desk(&arguments, &environment, "").await
    };

    let table = list(&[]).await;
    let abandoned = list(&["--resort", "azure-bay", "--status", "abandoned", "--json"]).await;
    let others = list(&["--status", "confirmed", "--json"]).await;
    let arrivals = list(&["--check-in", "2026-12-24", "--json"]).await;
    let unknown = list(&["--resort", "azure-bey"]).await;

    let lines: Vec<Vec<&str>> = table
        .check(0)
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0][..3], ["CHANGED", "BOOKING", "STATUS"]);
    assert_eq!(lines[1][1..3], ["azure-bay/BK-1001", "abandoned"]);
    let abandoned = abandoned.json();
    assert_eq!(abandoned[0]["booking"], "BK-1001");
    assert_eq!(abandoned[0]["check_in"], serde_json::Value::Null);
    assert_eq!(others.json(), serde_json::json!([]));
    assert_eq!(arrivals.json(), serde_json::json!([]));
    unknown.check(1);
}
