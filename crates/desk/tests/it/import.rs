//! `desk bookings import`: what is checked before anything is imported. `testkit` has the import itself.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{CONFIG, Ended, desk};

fn reservation(id: &str, booking: &str) -> Value {
    json!({
        "id": id, "type": "reservation_confirmed", "occurred_at": "2026-01-05T10:00:00Z", "resort": "azure-bay",
        "booking": { "id": booking, "check_in": "2090-06-01" }, "guest": { "phone": "+306912345678" },
    })
}

/// Checks a file with these lines, with nothing but the resorts' files.
async fn check(lines: &[String], more: &[&str]) -> Ended {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let file = folder.path().join("bookings.jsonl");
    fs::write(&file, lines.join("\n")).unwrap();
    let file = file.display().to_string();
    let arguments = [&["bookings", "import", &file, "--dry-run"], more].concat();
    desk(&arguments, &[("BELLHOP_CONFIG", CONFIG)], "").await
}

#[tokio::test]
async fn a_file_is_checked_without_a_database_and_good_lines_are_counted() {
    let mut without_id = reservation("", "BK-3");
    without_id.as_object_mut().unwrap().remove("id");
    let lines = [
        reservation("1", "BK-1").to_string(),
        String::new(),
        reservation("1", "BK-1").to_string(),
        without_id.to_string(),
    ];

    let ended = check(&lines, &[]).await;

    assert_eq!(
        ended.check(0).stdout,
        "3 lines: 2 events would be imported, 1 there already, 0 lines wrong\n"
    );
    assert_eq!(ended.stderr, "");
}

// shows: B174
#[tokio::test]
async fn wrong_lines_are_listed_by_number_field_and_problem_without_a_value() {
    let mut no_phone = reservation("2", "BK-2");
    no_phone["type"] = json!("booking_started");
    no_phone["guest"] = json!({ "name": "Ada Lovelace", "phone": 6_912_345_678_u64 });
    no_phone["occurred_at"] = json!("last summer");
    let lines = [
        reservation("1", "BK-1").to_string(),
        no_phone.to_string(),
        "Ada Lovelace;+306912345678".to_owned(),
        // As exports do that put the booking's id there.
        reservation("1", "BK-4").to_string(),
        json!({ "resort": "elsewhere" }).to_string(),
    ];

    let ended = check(&lines, &[]).await;

    assert_eq!(
        ended.check(1).stdout,
        "5 lines: 1 events would be imported, 0 there already, 4 lines wrong\n"
    );
    let told: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        told,
        [
            "line 2: occurred_at: not a date",
            "line 2: guest.phone: wrong type",
            "line 3: the body is not JSON",
            "line 4: id: line 1 has it, with another content",
            "line 5: type: missing",
            "line 5: occurred_at: missing",
            "line 5: resort: not allowed",
        ]
    );
    let document: Value = serde_json::from_str(&check(&lines, &["--json"]).await.check(1).stdout).unwrap();
    assert_eq!(document["bad"], 4);
    assert_eq!(
        document["problems"][0],
        json!({ "line": 2, "field": "occurred_at", "problem": "not a date" })
    );
}
