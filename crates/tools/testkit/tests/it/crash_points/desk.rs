//! Desks that die around a decision and around emptying the dead queues: who asks once more finds it done, or does it.

use domain::message::MessageState::{Dead, Read};
use serde_json::{Value, json};
use testkit::world::{Event, ResortFile, World};

use super::processor::bring_three_down;
use super::{LEDGER_CHECK, check_guest, dying_at, guest};
use crate::scene::{CONFIRMATION, dead_messages_at_once, each_guest_gets_one_message};

pub(super) const TRIED: &[&[&str]] = &[
    DRAINING,
    DECIDING,
    RETRYING_AN_EVENT,
    WORKING,
    PREVIEWING,
    IMPORTING,
];

const DRAINING: &[&str] = &[
    "desk.letters.written",
    "desk.letters.committed",
    "desk.letters.acknowledged",
];
const DECIDING: &[&str] = &["desk.decision.written", "desk.decision.committed"];
const RETRYING_AN_EVENT: &[&str] = &["desk.event.read", "desk.event.confirmed"];
const WORKING: &[&str] = &["desk.job.claimed", "desk.job.decided", "desk.job.finished"];
const PREVIEWING: &[&str] = &["desk.preview.called"];

const IMPORTING: &[&str] = &["desk.import.read", "desk.import.confirmed"];

/// Every decision of a person, and the rows that there are once it was made.
const DECISIONS: [(&str, &str); 10] = [
    (
        "letters assign 6 --to anna",
        "letters WHERE assigned_to IS NOT NULL",
    ),
    (
        "letters close 1 --note test",
        "letters WHERE id = 1 AND state = 'closed'",
    ),
    (
        "letters settle 2 --sent",
        "letters WHERE id = 2 AND state = 'settled'",
    ),
    (
        "letters edit 3 --phone +306912345678",
        "audit WHERE action = 'phone_corrected'",
    ),
    ("letters retry 4", "letters WHERE id = 4 AND state = 'retried'"),
    (
        "guests answer --booking azure-bay BK-0 --template reservation_confirmation \
         --id 0198f2c4-0000-7000-8000-000000000001",
        "answers",
    ),
    ("pause --resort azure-bay", "holds"),
    ("resume --all", "audit WHERE action = 'resumed'"),
    (
        "guests stop --booking azure-bay BK-4",
        "guests WHERE opted_out_at IS NOT NULL",
    ),
    (
        "guests erase --booking azure-bay BK-5",
        "audit WHERE action = 'guest_erased'",
    ),
];

/// Runs a command that dies there.
async fn die(world: &World, command: &str, point: &str) {
    let died = world.desk_with(command, &dying_at(point)).await;
    assert!(died.code.is_none() && died.stderr.contains(point), "{died:?}");
}

/// Guests whose confirmations WhatsApp refused for good, each a dead letter in its queue.
async fn dead_messages(guests: usize) -> World {
    let world = World::start(&ResortFile::patient()).await;
    let refused = json!({ "answer": { "error": 131_026 } });
    world.tell_sandbox("failures", &refused).await;
    for number in 0..guests {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
        world.until_state(&booking, CONFIRMATION, Dead).await;
    }
    let all = async || (world.depths().await.dead_messages == u32::try_from(guests).unwrap()).then_some(());
    world.until("all letters are published", all).await;
    world.heal_sandbox().await;
    world
}

// shows: G16
#[tokio::test(flavor = "multi_thread")]
async fn letters_that_a_desk_dies_over_are_taken_in_once_and_retried_once() {
    let world = dead_messages(3).await;

    a_decision_that_postgres_refuses_does_not_pass_the_point_behind_its_commit(&world).await;
    letters_are_taken_in_once_and_retried_once_wherever_the_desk_dies(&world).await;
}

async fn letters_are_taken_in_once_and_retried_once_wherever_the_desk_dies(world: &World) {
    for point in DRAINING {
        die(world, "letters list", point).await;
    }
    let letters = world.letters("--kind messages").await;
    assert_eq!(letters.len(), 3);
    for (letter, point) in letters.iter().zip(DECIDING) {
        die(world, &format!("letters retry {}", letter["id"]), point).await;
    }
    world.desk("letters retry --all").await;

    for number in 0..3 {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
        check_guest(world, number, 1, &["confirmed"]).await;
    }
    world.desk(LEDGER_CHECK).await.check(0);
    assert!(world.letters("--open").await.is_empty());
}

/// The desk that carries the job out was silent for too long.
async fn the_lease_runs_out(world: &World) {
    let over = "UPDATE letter_jobs SET lease_until = clock_timestamp() WHERE state = 'running'";
    world.database().execute(over).await;
}

async fn the_job(world: &World) -> Value {
    let ended = world.desk("letters jobs --json").await;
    let jobs: Value = serde_json::from_str(&ended.check(0).stdout).unwrap();
    jobs[0].clone()
}

// shows: B193
#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_at_another_desk_and_sends_and_counts_each_letter_once_wherever_the_desk_dies() {
    const LETTERS: usize = 120;
    let world = dead_messages_at_once(LETTERS).await;
    world.letters("").await;
    world.desk("letters retry --all --background").await.check(0);
    let database = world.database();

    for point in [WORKING, DECIDING].concat() {
        if point == "desk.job.decided" || point == "desk.job.finished" {
            continue;
        }
        die(&world, "letters jobs --work", point).await;
        the_lease_runs_out(&world).await;
    }
    let begun = the_job(&world).await;
    assert_eq!((&begun["state"], &begun["done"]), (&json!("running"), &json!(1)));
    for point in ["desk.job.decided", "desk.job.finished"] {
        die(&world, "letters jobs --work", point).await;
        the_lease_runs_out(&world).await;
    }
    world.desk("letters jobs --work").await.check(0);

    let job = the_job(&world).await;
    assert_eq!(
        (&job["state"], &job["done"], &job["decided"], &job["total"]),
        (&json!("done"), &json!(120), &json!(120), &json!(120))
    );
    let retried = "SELECT count(*) AS count FROM audit WHERE action = 'letter_retried'";
    assert_eq!(database.count(retried).await, 120);
    each_guest_gets_one_message(&world, LETTERS).await;
    world.desk(LEDGER_CHECK).await.check(0);
}

// shows: G3
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_with_its_row_in_the_audit_trail_or_not_at_all_wherever_the_desk_dies() {
    let world = dead_messages(6).await;
    world.letters("").await;
    let database = world.database();
    let rows = async |of: &str| {
        database
            .count(&format!("SELECT count(*) AS count FROM {of}"))
            .await
    };

    for (command, made) in DECISIONS {
        let before = rows("audit").await;
        die(&world, command, DECIDING[0]).await;
        let undone = (rows(made).await, rows("audit").await);
        die(&world, command, DECIDING[1]).await;
        let done = (rows(made).await, rows("audit").await);

        assert_eq!(undone, (0, before), "{command}");
        assert_eq!(done, (1, before + 1), "{command}");
    }

    world.desk(LEDGER_CHECK).await.check(0);
}

async fn a_decision_that_postgres_refuses_does_not_pass_the_point_behind_its_commit(world: &World) {
    world.database().set("default_transaction_read_only", "on").await;

    let refused = world
        .desk_with("pause --resort azure-bay", &dying_at("desk.decision.committed"))
        .await;

    world.database().set("default_transaction_read_only", "off").await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
}

// shows: T26
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_applied_once_wherever_the_desk_dies_over_its_letter() {
    let mut world = World::start(&ResortFile::patient()).await;
    bring_three_down(&mut world, 0).await;
    let letter = world.letters("--kind events").await.remove(0);

    let retry = format!("letters retry {}", letter["id"]);
    for point in [DECIDING, RETRYING_AN_EVENT].concat() {
        die(&world, &retry, point).await;
    }
    world.desk(&retry).await.check(0);

    // Everything but the first death comes behind the row that announces the deed.
    let trail = world.desk("audit list --json --action letter_retried").await;
    let rows: Value = serde_json::from_str(&trail.check(0).stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 4);
    world.until_state("BK-0", CONFIRMATION, Read).await;
    check_guest(&world, 0, 1, &["confirmed"]).await;
    assert!(world.letters("--open").await.is_empty());
    world.desk(LEDGER_CHECK).await.check(0);
}

// shows: G3, T33
#[tokio::test(flavor = "multi_thread")]
async fn a_preview_that_went_is_in_the_audit_trail_wherever_the_desk_dies_and_the_ledger_does_not_know_it() {
    let (_, tester) = guest(0);
    let resort = ResortFile {
        top: format!("test_numbers = [\"{tester}\"]"),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;
    let command = format!("preview azure-bay reservation_confirmation --to {tester}");
    let database = world.database();
    let recorded_and_received = async || {
        let recorded = "SELECT count(*) AS count FROM audit WHERE action = 'preview_sent'";
        let received = world.received_by(&tester).await;
        (database.count(recorded).await, received.len())
    };

    die(&world, &command, DECIDING[0]).await;
    let unrecorded = recorded_and_received().await;
    die(&world, &command, DECIDING[1]).await;
    let uncalled = recorded_and_received().await;
    die(&world, &command, PREVIEWING[0]).await;
    let called = recorded_and_received().await;
    world.desk(&command).await.check(0);
    let done = recorded_and_received().await;

    assert_eq!(
        [unrecorded, uncalled, called, done],
        [(0, 0), (1, 0), (2, 1), (3, 2)]
    );
    // Sent, delivered and read of each.
    world.until_reports(6).await;
    let messages = database.count("SELECT count(*) AS count FROM messages").await;
    assert_eq!(messages, 0);
    assert!(world.letters("").await.is_empty());
    world.desk(LEDGER_CHECK).await.check(0);
}

// shows: B173
#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_dies_goes_on_when_it_is_run_again_wherever_the_desk_dies() {
    let world = World::start(&ResortFile::patient()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bookings.jsonl");
    let lines: String = (0..250)
        .map(|number| {
            let (booking, phone) = guest(number);
            let event = json!({
                "type": "reservation_confirmed", "occurred_at": "2026-01-05T10:00:00Z", "resort": "azure-bay",
                "booking": { "id": booking, "check_in": "2090-06-01", "check_out": "2090-06-08" }, "guest": { "phone": phone },
            });
            format!("{event}\n")
        })
        .collect();
    std::fs::write(&file, lines).unwrap();
    let import = format!("bookings import {} --per-minute 100000 --json", file.display());

    for point in [DECIDING, IMPORTING].concat() {
        die(&world, &import, point).await;
    }
    let ended = world.desk(&import).await;

    let tally: Value = serde_json::from_str(&ended.check(0).stdout).unwrap();
    assert_eq!(
        (&tally["lines"], &tally["events"], &tally["bad"]),
        (&json!(250), &json!(250), &json!(0))
    );
    for number in [0, 99, 100, 249] {
        check_guest(&world, number, 1, &[]).await;
    }
    world.desk(LEDGER_CHECK).await.check(0);
}
