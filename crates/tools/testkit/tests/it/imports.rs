//! `desk bookings import`: a resort's first day.

use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use domain::message::MessageState::Read;
use serde_json::{Value, json};
use testkit::world::{Event, ResortFile, World};

use crate::scene::CONFIRMATION;

const LINES: usize = 1_000;

const SECTIONS: &str = r#"
[messages.pre_arrival]
at = "check_in - 1d 18:00"
category = "utility"
"#;

/// A cart, a reservation whose guest is to come, or a guest who is there: each by turns.
fn line(number: usize) -> Value {
    let day = |days: i64| (Utc::now() + TimeDelta::days(days)).date_naive().to_string();
    let (event_type, from, to) = match number % 4 {
        0 => ("booking_started", 20, 27),
        1 => ("guest_checked_in", -2, 5),
        _ => ("reservation_confirmed", 20, 27),
    };
    json!({
        "id": format!("export-{number}"), "type": event_type, "occurred_at": Utc::now() - TimeDelta::hours(30),
        "resort": "azure-bay",
        "booking": { "id": format!("BK-{number}"), "check_in": day(from), "check_out": day(to) },
        "guest": { "name": "Ada Lovelace", "phone": format!("+3069{number:08}") },
    })
}

async fn import(world: &World, file: &Path) -> Value {
    let command = format!("bookings import {} --per-minute 100000 --json", file.display());
    let ended = world.desk(&command).await;
    serde_json::from_str(&ended.check(0).stdout).unwrap()
}

/// Every booking with its facts' version, status and timer.
async fn bookings(world: &World) -> Vec<String> {
    let query = "SELECT key || ' ' || version || ' ' || status || ' ' || coalesce(wake_at::text, 'never') AS text \
                 FROM bookings ORDER BY key";
    world.database().lines(query).await.unwrap()
}

// shows: B143, B172
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_bookings_are_imported_once_and_get_only_what_is_to_come() {
    let file = ResortFile {
        sections: SECTIONS.into(),
        ..ResortFile::default()
    };
    let world = World::start(&file).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bookings.jsonl");
    let lines: String = (0..LINES).map(|number| format!("{}\n", line(number))).collect();
    fs::write(&path, lines).unwrap();

    let count = async |of: &str| {
        world
            .database()
            .count(&format!("SELECT count(*) AS count FROM {of}"))
            .await
    };
    // The processor would plan existing bookings once more 10 s after it has found the moment; there are none.
    let noted = async || (count("moments").await == 1).then_some(());
    world.until("the moment is noted", noted).await;
    let planned = "UPDATE moments SET is_planned = true";
    world.database().execute(planned).await;
    let first = import(&world, &path).await;
    let all = async || (count("bookings").await == 1_000).then_some(());
    world.until("every booking is there", all).await;
    let before = bookings(&world).await;
    let second = import(&world, &path).await;
    world.post(&Event::confirmed("BK-LIVE", "+306912345678")).await;
    world.until_state("BK-LIVE", CONFIRMATION, Read).await;

    assert_eq!(
        (&first["imported"], &first["known"], &first["bad"]),
        (&json!(1_000), &json!(0), &json!(0))
    );
    assert_eq!(
        (&second["imported"], &second["known"]),
        (&json!(0), &json!(1_000))
    );
    let after = bookings(&world).await;
    assert_eq!(after.len(), 1_001);
    assert!(before.iter().all(|booking| after.contains(booking)));
    // The reservations wait for the evening before the arrival, the guests who are there for their departure.
    let soon = Utc::now() + TimeDelta::days(18);
    let waiting = |text: &str, after: DateTime<Utc>| {
        format!("bookings WHERE key LIKE '%/BK-%' AND status = '{text}' AND wake_at > '{after}'")
    };
    assert_eq!(count(&waiting("confirmed", soon)).await, 500);
    assert_eq!(count(&waiting("checked_in", Utc::now())).await, 250);
    assert_eq!(count("bookings WHERE status = 'abandoned'").await, 250);
    // Nothing went but the live guest's confirmation.
    assert_eq!(count("messages").await, 1);
    assert_eq!(world.calls().await.len(), 1);
}
