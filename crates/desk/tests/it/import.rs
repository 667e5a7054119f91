//! `desk bookings import`: what is checked before anything is imported, and what it waits for. `testkit` has the import itself.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use broker::Address;
use broker::consumer::Consumer;
use broker::publisher::{Options, Outgoing, Publisher};
use broker::topology::Queue;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::letters::Office;
use crate::program::{CONFIG, Ended, KEYS, desk};

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
        "5 lines: 1 event would be imported, 0 there already, 4 lines wrong\n"
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

/// Starts an import of one reservation, and returns it with what it says on stderr.
fn start(office: &Office, file: &Path) -> (Child, BufReader<ChildStderr>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_desk"))
        .args(["bookings", "import", &file.display().to_string()])
        .env_clear()
        .envs([
            ("DATABASE_URL", office.database.url().as_str()),
            ("AMQP_URL", office.vhost.url().as_str()),
            ("BELLHOP_CONFIG", CONFIG),
            ("BELLHOP_KEYS", KEYS),
            ("BELLHOP_STAFF_TOKEN", office.anna.as_str()),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stderr.take().unwrap());
    (child, told)
}

// shows: B172
#[tokio::test(flavor = "multi_thread")]
async fn an_import_waits_while_more_than_a_thousand_events_are_in_the_queue() {
    const WAITING: usize = 1_001;
    let office = Office::open().await;
    let address = Address::parse(&office.vhost.url()).unwrap();
    let publisher = Publisher::start(address.clone(), Options::named("test"));
    publisher
        .status()
        .wait_for(broker::Status::is_ready)
        .await
        .unwrap();
    let mut calls = JoinSet::new();
    for number in 0..WAITING {
        let (publisher, id) = (publisher.clone(), format!("direct/{number}"));
        calls.spawn(async move {
            let (kind, body) = ("reservation_confirmed".to_owned(), Vec::new());
            let message = Outgoing {
                queue: Queue::Events,
                message_id: id,
                kind,
                cause: None,
                trace: None,
                body,
            };
            publisher.publish(message).await.unwrap();
        });
    }
    calls.join_all().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bookings.jsonl");
    fs::write(&file, reservation("1", "BK-1").to_string()).unwrap();

    let (child, mut told) = start(&office, &file);
    let waits = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        while !line.starts_with("waiting: ") {
            line.clear();
            assert!(told.read_line(&mut line).unwrap() > 0, "it did not wait");
        }
        (line, told)
    });
    let (line, _told) = waits.await.unwrap();
    let mut consumer = Consumer::new(address, Queue::Events, 2_000, publisher);
    let mut taken = Vec::new();
    while taken.len() <= WAITING {
        let batch = consumer.next_batch(2_000).await;
        taken.extend(batch.iter().map(|delivery| delivery.message_id.clone()));
        consumer.settle_all_done(batch).await;
    }

    assert_eq!(line, "waiting: 1001 events in the queue\n");
    assert_eq!(taken.last().map(String::as_str), Some("import/1"));
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(said, "1 line: 1 event imported, 0 there already, 0 lines wrong\n");
}
