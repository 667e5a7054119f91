//! The audit trail: every action is recorded with its person and reason, and without personal data.

use domain::dead_letter::DeadLetterReason::{CannotBeApplied, OutcomeUnknown, Refused};
use serde_json::{Value, json};

use crate::letters::Office;
use crate::program::{KEYS, desk};

/// Who, what, about which letter, in detail, and why.
fn told(row: &Value) -> Vec<Value> {
    ["actor", "action", "letter", "details", "reason"]
        .map(|field| row[field].clone())
        .to_vec()
}

/// The newest row.
async fn last(office: &Office) -> Value {
    office.trail().await.remove(0)
}

// shows: B106, B117
#[tokio::test]
async fn each_decision_about_a_letter_is_written_down() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();

    for (command, row) in [
        (
            format!("letters edit {id} --phone 6912345670 --note misheard"),
            json!(["anna", "phone_corrected", id, "", "misheard"]),
        ),
        (
            format!("letters show {id} --reveal --note complaint"),
            json!(["anna", "letter_revealed", id, "", "complaint"]),
        ),
        (
            format!("letters retry {id}"),
            json!(["anna", "letter_retried", id, "", null]),
        ),
    ] {
        office.by_anna(&command).await.check(0);
        let written = last(&office).await;
        assert_eq!(json!(told(&written)), row);
        assert_eq!(written["booking"], "BK-1001", "{written}");
    }
    office.reminder_is_dead_lettered(OutcomeUnknown).await;
    let id = office.list("").await[0]["id"].clone();
    office.letters(&format!("settle {id} --not-sent")).await.check(0);
    let row = json!(["anna", "letter_settled", id, "not_sent", null]);
    assert_eq!(json!(told(&last(&office).await)), row);
    office.event_is_dead_lettered("evt_7", CannotBeApplied).await;
    office.event_is_dead_lettered("evt_8", CannotBeApplied).await;
    let letters = office.list("").await;
    let (one, other) = (&letters[0]["id"], &letters[1]["id"]);
    office
        .letters(&format!("close {one} --note test-data"))
        .await
        .check(0);
    let row = json!(["anna", "letter_closed", one, "", "test-data"]);
    assert_eq!(json!(told(&last(&office).await)), row);
    office
        .letters(&format!("retry {other} --note again"))
        .await
        .check(0);
    let row = json!(["anna", "letter_retried", other, "", "again"]);
    assert_eq!(json!(told(&last(&office).await)), row);
}

// shows: B117
#[tokio::test]
async fn many_letters_that_are_retried_have_a_row_each_and_one_reason() {
    let office = Office::open().await;
    for number in 0..3 {
        office
            .event_is_dead_lettered(&format!("evt_{number}"), CannotBeApplied)
            .await;
    }
    let before = office.trail().await.len();

    office.letters("retry --all --note migrated").await.check(0);

    let trail = office.trail().await;
    assert_eq!(trail.len(), before + 3);
    let letters: Vec<&Value> = trail[..3].iter().map(|row| &row["letter"]).collect();
    assert_eq!(letters, [&json!(3), &json!(2), &json!(1)]);
    assert!(trail[..3].iter().all(|row| row["reason"] == "migrated"));
}

// shows: B117
#[tokio::test]
async fn a_hold_of_whatsapp_is_listed_with_its_number_and_cause_and_ends_when_the_number_is_resumed() {
    const NUMBER: &str = "106540352242922";
    let office = Office::open().await;
    let laid = format!(
        "INSERT INTO holds (key, scope, number, reason, until, pause_ms) VALUES \
         ('account number={NUMBER}', 'account', '{NUMBER}', '131031', now() + interval '1 hour', 3600000), \
         ('number number={NUMBER}', 'number', '{NUMBER}', 'HTTP 403, text/html', now() + interval '1 hour', 3600000)"
    );
    office.database.execute(&laid).await;

    let listed = office.by_anna("holds").await;
    let resumed = office.by_anna(&format!("resume --number {NUMBER}")).await;

    let stdout = &listed.check(0).stdout;
    for shown in [NUMBER, "131031", "answers that are not WhatsApp's", "HTTP 403"] {
        assert!(stdout.contains(shown), "{shown} in {stdout}");
    }
    assert!(resumed.check(0).stdout.contains(NUMBER), "{resumed:?}");
    assert!(
        office
            .by_anna("holds --json")
            .await
            .json()
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn pausing_and_resuming_are_written_down_with_what_they_cover() {
    let office = Office::open().await;
    let key = "paused resort=azure-bay kind=reminder_1";

    office
        .by_anna("pause --resort azure-bay --kind reminder_1 --note flooded")
        .await
        .check(0);
    let paused = last(&office).await;
    let again = office
        .by_anna("pause --resort azure-bay --kind reminder_1 --note flooded")
        .await;
    let held = office.by_anna("holds --json").await;
    let revealed = office.by_anna("holds --json --reveal --note shift").await;
    office.by_anna("resume --all --note dry").await.check(0);

    assert_eq!(
        json!(told(&paused)),
        json!(["anna", "paused", null, key, "flooded"])
    );
    assert_eq!(paused["resort"], "azure-bay");
    assert!(again.check(0).stdout.contains("by anna since"), "{again:?}");
    assert!(again.stdout.contains("desk holds --reveal"), "{again:?}");
    assert!(!again.stdout.contains("flooded"), "{again:?}");
    assert_eq!(held.json()[0]["reason"], "•••");
    assert!(held.stderr.contains("--reveal"), "{held:?}");
    assert_eq!(revealed.json()[0]["reason"], "flooded");
    let trail = office.trail().await;
    let row = json!(["anna", "resumed", null, key, "dry"]);
    assert_eq!(json!(told(&trail[0])), row);
    let row = json!(["anna", "holds_revealed", null, "", "shift"]);
    assert_eq!(json!(told(&trail[1])), row);
    assert_eq!(trail[2], paused, "who paused in vain left no row");
}

// shows: B117, T24
#[tokio::test]
async fn a_look_at_a_guest_is_written_down_before_anything_is_shown() {
    let office = Office::open().await;
    let reveal = "bookings show azure-bay BK-1001 --reveal";

    office.by_anna("bookings show azure-bay BK-1001").await.check(0);
    assert_eq!(last(&office).await["action"], "staff_added");
    let shown = office.by_anna(reveal).await;
    assert!(shown.check(0).stdout.contains("Ada Lovelace"), "{shown:?}");
    assert_eq!(last(&office).await["action"], "booking_revealed");
    office
        .database
        .execute("ALTER TABLE audit ADD CHECK (action = 'nothing more') NOT VALID")
        .await;
    let unwritten = office.by_anna(reveal).await;

    assert!(
        unwritten
            .check(1)
            .stderr
            .contains("cannot write into the audit trail"),
        "{unwritten:?}"
    );
    assert_eq!(unwritten.stdout, "");
}

// shows: B118
#[tokio::test]
async fn what_is_refused_or_only_tried_out_leaves_no_row() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();
    let before = office.trail().await;

    for (command, code) in [
        (format!("letters edit {id} --phone +3069123"), 1),
        ("letters settle 77 --sent".to_owned(), 1),
        ("letters show 77 --reveal".to_owned(), 1),
        ("letters retry --all --dry-run".to_owned(), 0),
        ("bookings show azure-bay BK-9 --reveal".to_owned(), 1),
        ("resume --all".to_owned(), 1),
        ("staff add ben".to_owned(), 1),
    ] {
        let ended = office.by_anna(&command).await;
        ended.check(code);
    }

    assert_eq!(office.trail().await, before);
}

// shows: T27
#[tokio::test]
async fn nothing_of_a_guest_lies_in_the_database_after_people_have_spoken_of_them() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();
    for command in [
        &format!("letters show {id} --reveal --note Lovelace"),
        &format!("letters edit {id} --phone +306912345670 --note Lovelace"),
        "pause --resort azure-bay --note Lovelace",
        "bookings show azure-bay BK-1001 --reveal --note +306912345678",
        &format!("letters close {id} --note Lovelace"),
    ] {
        office.by_anna(command).await.check(0);
    }

    let tables = office.database.contents().await;

    assert!(tables.contains("booking_revealed") && tables.contains("BK-1001"));
    for needle in ["Ada", "Lovelace", "6912345678", "6912345670"] {
        let hex: String = needle.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!tables.contains(needle) && !tables.contains(&hex), "{needle}");
    }
    for hiding in [
        &format!("letters show {id}"),
        "letters list --closed --json",
        "bookings show azure-bay BK-1001 --json",
        "holds",
        "audit list",
    ] {
        let shown = office.by_anna(hiding).await;
        assert!(!shown.check(0).stdout.contains("Lovelace"), "{shown:?}");
        assert!(shown.stdout.contains("•••"), "{shown:?}");
    }
    let read = office.letters(&format!("show {id} --reveal")).await;
    assert!(read.check(0).stdout.contains("Lovelace"), "{read:?}");
}

// shows: T24
#[tokio::test]
async fn who_reads_why_others_acted_is_written_down_before_anything_is_shown() {
    let office = Office::open().await;
    office
        .by_anna("bookings show azure-bay BK-1001 --reveal --note Lovelace")
        .await
        .check(0);

    let hidden = office.by_anna("audit list").await;
    let without_token = desk(
        &["audit", "list", "--reveal"],
        &[("DATABASE_URL", &office.database.url()), ("BELLHOP_KEYS", KEYS)],
        "",
    )
    .await;
    let shown = office
        .by_anna("audit list --booking azure-bay BK-1001 --reveal --note review")
        .await;

    assert!(hidden.check(0).stderr.contains("--reveal"), "{hidden:?}");
    assert!(!hidden.stdout.contains("Lovelace"), "{hidden:?}");
    assert_eq!(without_token.check(2).stdout, "");
    assert!(shown.check(0).stdout.contains("Lovelace"), "{shown:?}");
    let rows = office.by_anna("audit list --json --reveal").await.json();
    let row = json!(["anna", "audit_revealed", null, "", "review"]);
    assert_eq!(json!(told(&rows[0])), row);
    assert_eq!(rows[0]["booking"], "BK-1001");
}

// shows: B119
#[tokio::test]
async fn the_trail_is_listed_by_person_action_booking_and_time() {
    let office = Office::open().await;
    office.reminder_is_dead_lettered(Refused).await;
    let id = office.list("").await[0]["id"].clone();
    office
        .letters_by("ben", &format!("show {id} --reveal"))
        .await
        .check(0);
    office.by_anna("pause --kind review_request").await.check(0);
    let list = async |more: &str| {
        let ended = office.by_anna(&format!("audit list --json {more}")).await;
        let rows = ended.json().as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["action"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };

    assert_eq!(
        list("").await,
        ["paused", "letter_revealed", "staff_added", "staff_added"]
    );
    assert_eq!(list("--who ben").await, ["letter_revealed"]);
    assert_eq!(list("--action paused").await, ["paused"]);
    assert_eq!(list("--booking azure-bay BK-1001").await, ["letter_revealed"]);
    assert_eq!(list("--since 1h --most 1").await, ["paused"]);
    assert!(list("--since 2999-01-01").await.is_empty());
    let twice = "audit list --booking azure-bay BK-1001 --booking azure-bay BK-1002";
    office.by_anna(twice).await.check(2);
    let text = office.by_anna("audit list").await;
    let line = format!("ben   letter_revealed  azure-bay/BK-1001, letter {id}");
    assert!(text.check(0).stdout.contains(&line), "{text:?}");
}
