//! Programs that die just before and just behind each step that reaches outside of them: afterwards the books are the same
//! as if nothing had happened.
//!
//! The points are named where they stand in the programs; `service::crash` tells how a process dies at one.

use std::collections::BTreeSet;

use domain::message::MessageState::{Dead, Held, Read};
use serde_json::{Value, json};
use testkit::world::{Event, ResortFile, World};

use crate::house::{before_tests, read, shipped_files};
use crate::scene::{CONFIRMATION, REMINDER_1};

const INGEST: &[&str] = &[
    "ingest.event.checked",
    "ingest.event.confirmed",
    "ingest.updates.checked",
    "ingest.updates.confirmed",
];
const ON_A_GUESTS_WAY: &[&str] = &[
    "processor.events.written",
    "processor.events.committed",
    "processor.events.acknowledged",
    "processor.wake_ups.written",
    "processor.wake_ups.committed",
    "processor.relay.put_off",
    "processor.relay.confirmed",
    "processor.reports.written",
    "processor.reports.committed",
];
const LETTERS_OF_EVENTS: &[&str] = &["processor.letters.due", "processor.letters.confirmed"];
const LETTERS_OF_MESSAGES: &[&str] = &[
    "processor.message_letters.due",
    "processor.message_letters.confirmed",
    "processor.message_letters.marked",
];
const SUSPECTED: &str = "processor.suspects.noted";
const WITHOUT_A_CALL: &[&str] = &["sender.claims.committed", "sender.call.begins"];
const AROUND_A_CALL: &[&str] = &[
    "sender.claims.written",
    "sender.call.answered",
    "sender.results.written",
    "sender.results.committed",
    "sender.ids.acknowledged",
];
const SILENCE: &[&str] = &[
    "sender.lost_calls.committed",
    "sender.silence.written",
    "sender.silence.committed",
];
const UNSENT: &[&str] = &["sender.unsent.written", "sender.unsent.committed"];
const HOLDS: &[&str] = &["sender.holds.written", "sender.holds.committed"];
const RELEASED: &str = "sender.claims.released";
const DRAINING: &[&str] = &[
    "desk.letters.written",
    "desk.letters.committed",
    "desk.letters.acknowledged",
];
const RETRYING_A_MESSAGE: &[&str] = &["desk.message.written", "desk.message.committed"];
const RETRYING_AN_EVENT: &[&str] = &["desk.event.confirmed", "desk.event.marked"];

fn tried() -> BTreeSet<String> {
    let lists = [
        INGEST,
        ON_A_GUESTS_WAY,
        LETTERS_OF_EVENTS,
        LETTERS_OF_MESSAGES,
        &[SUSPECTED],
        WITHOUT_A_CALL,
        AROUND_A_CALL,
        SILENCE,
        UNSENT,
        HOLDS,
        &[RELEASED],
        DRAINING,
        RETRYING_A_MESSAGE,
        RETRYING_AN_EVENT,
    ];
    lists.into_iter().flatten().map(|&name| name.to_owned()).collect()
}

/// `processor.events.committed` and its like.
fn is_point(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let word =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
    let programs = ["ingest", "processor", "sender", "desk"];
    parts.len() == 3 && programs.contains(&parts[0]) && parts.iter().all(word)
}

#[test]
fn every_crash_point_in_the_programs_is_tried_here_and_no_other() {
    let mut named = BTreeSet::new();
    for path in shipped_files() {
        let text = read(&path);
        let literals = before_tests(&text).split('"').filter(|literal| is_point(literal));
        named.extend(literals.map(str::to_owned));
    }

    assert_eq!(named, tried());
}

fn guest(number: usize) -> (String, String) {
    (format!("BK-{number}"), format!("+3069{number:08}"))
}

/// The point at which a program is to die, as it is told.
fn dying_at(point: &str) -> [(&str, &str); 1] {
    [("BELLHOP_CRASH_AT", point)]
}

/// Ids that were put off before they were handed out are due again.
async fn half_an_hour_goes_by(world: &World) {
    let due = "UPDATE messages SET publish_at = clock_timestamp() WHERE state = 'queued' AND publish_at IS NOT NULL";
    world.database().execute(due).await;
}

/// A guest who got exactly these messages, after so many events, each applied once.
async fn check_guest(world: &World, number: usize, events: usize, messages: &[&str]) {
    let (booking, phone) = guest(number);
    assert_eq!(world.until_events(&booking, events).await, events, "{booking}");
    assert_eq!(world.names_received_by(&phone).await, messages, "{booking}");
}

/// Nothing hangs, nothing was given up.
async fn check_books(world: &World) {
    world.desk("ledger check --margin 10s").await.check(0);
    let depths = world.depths().await;
    assert_eq!((depths.dead_events, depths.dead_messages), (0, 0));
    assert_eq!(world.letters("").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_that_dies_around_a_publication_is_asked_again_and_each_event_counts_once() {
    let mut world = World::start(&ResortFile::patient()).await;
    let (events, updates) = INGEST.split_at(2);
    for (number, point) in events.iter().enumerate() {
        let (booking, phone) = guest(number);
        let event = Event::confirmed(&booking, &phone);
        world.replace("ingest", &dying_at(point)).await;
        assert!(world.try_to_send(&event).await.is_none(), "nobody answered");
        world.until_dead("ingest", point).await;
        world.replace("ingest", &[]).await;
        world.post(&event).await;
        world.until_state(&booking, CONFIRMATION, Read).await;
    }
    for (number, point) in updates.iter().enumerate() {
        world.replace("ingest", &dying_at(point)).await;
        let text = json!({ "from": guest(number).1, "text": "hello" });
        world.tell_sandbox("inbound", &text).await;
        world.until_dead("ingest", point).await;
        world.replace("ingest", &[]).await;
        world.until_guests_heard(i64::try_from(number).unwrap() + 1).await;
    }

    for number in 0..events.len() {
        check_guest(&world, number, 1, &["confirmed"]).await;
    }
    let heard = "SELECT count(*) AS count FROM events WHERE event_type = 'whatsapp_message'";
    assert_eq!(world.database().count(heard).await, 2);
    check_books(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_dies_at_any_step_of_a_guests_way_changes_nothing_about_it() {
    let resort = ResortFile {
        abandoned_after: "300ms".to_owned(),
        ..ResortFile::patient()
    };
    let mut world = World::start(&resort).await;
    for (number, point) in ON_A_GUESTS_WAY.iter().enumerate() {
        let (booking, phone) = guest(number);
        world.replace("processor", &dying_at(point)).await;
        world.post(&Event::started(&booking, &phone)).await;
        world.until_dead("processor", point).await;
        world.replace("processor", &[]).await;
        half_an_hour_goes_by(&world).await;
        world.until_state(&booking, REMINDER_1, Read).await;
    }

    for (number, _) in ON_A_GUESTS_WAY.iter().enumerate() {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }

    for (number, _) in ON_A_GUESTS_WAY.iter().enumerate() {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
        check_guest(&world, number, 2, &["reminder_1", "confirmed"]).await;
    }
    check_books(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_dies_around_a_call_sends_nothing_twice() {
    let mut world = World::start(&ResortFile::patient()).await;
    for (number, point) in AROUND_A_CALL.iter().enumerate() {
        let (booking, phone) = guest(number);
        world.replace("sender", &dying_at(point)).await;
        world.post(&Event::confirmed(&booking, &phone)).await;
        world.until_dead("sender", point).await;
        world.replace("sender", &[]).await;
        world.until_state(&booking, CONFIRMATION, Read).await;
    }

    for (number, _) in AROUND_A_CALL.iter().enumerate() {
        check_guest(&world, number, 1, &["confirmed"]).await;
    }
    check_books(&world).await;
}

/// A sender dies at `point`, between its claim and its call, and others at `then` while they find out what became of it.
async fn check_without_a_call(point: &str, then: &[&str]) {
    let soon = [
        ("SENDER_UNKNOWN_AFTER", "2s"),
        ("SENDER_SILENCE_AFTER", "8s"),
        ("SENDER_SILENCE_WITHIN", "8s"),
    ];
    let mut world = World::start_with(&ResortFile::patient(), &soon).await;
    world.replace("sender", &dying_at(point)).await;
    world.post(&Event::confirmed("BK-0", &guest(0).1)).await;
    world.until_dead("sender", point).await;
    world.replace("sender", &[]).await;
    for number in 1..=5 {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }
    for number in 1..=5 {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
    }
    assert!(world.received_by(&guest(0).1).await.is_empty());

    for point in then {
        world.replace("sender", &dying_at(point)).await;
        world.until_dead("sender", point).await;
    }
    world.replace("sender", &[]).await;

    let sent = world.until_state("BK-0", CONFIRMATION, Read).await;
    assert_eq!(sent.existing.attempts, 2);
    for number in 0..=5 {
        check_guest(&world, number, 1, &["confirmed"]).await;
    }
    check_books(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_sender_dies_behind_its_claim_goes_once() {
    check_without_a_call(WITHOUT_A_CALL[0], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_that_die_while_they_look_for_lost_calls_change_nothing_about_them() {
    check_without_a_call(WITHOUT_A_CALL[1], SILENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_dies_while_it_puts_a_message_aside_leaves_it_aside() {
    let resort = ResortFile {
        templates: String::new(),
        ..ResortFile::patient()
    };
    let mut world = World::start(&resort).await;
    for (number, point) in UNSENT.iter().enumerate() {
        let (booking, phone) = guest(number);
        world.replace("sender", &dying_at(point)).await;
        world.post(&Event::confirmed(&booking, &phone)).await;
        world.until_dead("sender", point).await;
        world.replace("sender", &[]).await;
        let held = world.until_state(&booking, CONFIRMATION, Held).await;
        assert_eq!(held.reason.as_deref(), Some("template_missing"));
    }

    check_books(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_dies_while_it_lets_held_messages_go_lets_each_go_once() {
    let mut world = World::start(&ResortFile::patient()).await;
    world
        .tell_sandbox("failures", &json!({ "answer": { "error": 190 } }))
        .await;
    for number in 0..5 {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }
    world.until_in_state(Held, 4).await;

    for point in HOLDS {
        world.replace("sender", &dying_at(point)).await;
        world.until_dead("sender", point).await;
    }
    world.heal_sandbox().await;
    world.replace("sender", &[]).await;

    for number in 0..5 {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
        check_guest(&world, number, 1, &["confirmed"]).await;
    }
    check_books(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_dies_behind_giving_back_a_late_claim_has_given_it_back() {
    let mut world = World::start(&ResortFile::patient()).await;
    let slow = "CREATE FUNCTION dawdle() RETURNS trigger AS $$ BEGIN \
         IF new.state = 'sending' AND new.attempts = 1 THEN PERFORM pg_sleep(2.2); END IF; RETURN new; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER dawdle BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION dawdle()";
    world.database().execute(slow).await;
    world.replace("sender", &dying_at(RELEASED)).await;
    world.post(&Event::confirmed("BK-0", &guest(0).1)).await;

    world.until_dead("sender", RELEASED).await;
    world.replace("sender", &[]).await;

    world.until_state("BK-0", CONFIRMATION, Read).await;
    check_guest(&world, 0, 1, &["confirmed"]).await;
    check_books(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_can_read_has_one_letter_wherever_its_processor_dies() {
    let mut world = World::start(&ResortFile::patient()).await;
    for point in LETTERS_OF_EVENTS {
        world.replace("processor", &dying_at(point)).await;
        world
            .vhost()
            .publish("events", &format!("no envelope: {point}"))
            .await;
        world.until_dead("processor", point).await;
        world.replace("processor", &[]).await;
    }
    world
        .until("all are given up, the second one twice", async || {
            (world.depths().await.dead_events > 2).then_some(())
        })
        .await;

    let letters = world.letters("--kind events").await;

    assert_eq!(letters.len(), LETTERS_OF_EVENTS.len(), "{letters:?}");
    assert_eq!(letters[0]["reason"], json!("undecodable"));
    world.desk("ledger check --margin 10s").await.check(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_message_has_one_letter_and_a_retry_sends_it_once_wherever_processors_and_desks_die() {
    let mut world = World::start(&ResortFile::patient()).await;
    let refused = json!({ "answer": { "error": 131_026 } });
    world.tell_sandbox("failures", &refused).await;
    for (number, point) in LETTERS_OF_MESSAGES.iter().enumerate() {
        let (booking, phone) = guest(number);
        world.replace("processor", &dying_at(point)).await;
        world.post(&Event::confirmed(&booking, &phone)).await;
        world.until_dead("processor", point).await;
        world.replace("processor", &[]).await;
        world.until_state(&booking, CONFIRMATION, Dead).await;
    }
    world
        .until("all letters are published", async || {
            let due = "SELECT count(*) AS count FROM messages WHERE letter_due";
            (world.database().count(due).await == 0).then_some(())
        })
        .await;
    world.heal_sandbox().await;

    for point in DRAINING {
        let died = world.desk_with("letters list", &dying_at(point)).await;
        assert_eq!(died.code, None, "{died:?}");
        assert!(died.stderr.contains(point), "{died:?}");
    }
    let letters = world.letters("--kind messages").await;
    assert_eq!(letters.len(), LETTERS_OF_MESSAGES.len());
    for (letter, point) in letters.iter().zip(RETRYING_A_MESSAGE) {
        let retry = format!("letters retry {}", letter["id"]);
        let died = world.desk_with(&retry, &dying_at(point)).await;
        assert!(died.code.is_none() && died.stderr.contains(point), "{died:?}");
    }
    world.desk("letters retry --all").await;

    for (number, _) in LETTERS_OF_MESSAGES.iter().enumerate() {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
        check_guest(&world, number, 1, &["confirmed"]).await;
    }
    world.desk("ledger check --margin 10s").await.check(0);
    assert!(world.letters("--open").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_five_processors_died_over_is_applied_once_wherever_the_desk_dies_over_its_letter() {
    let mut world = World::start(&ResortFile::patient()).await;
    world
        .replace("processor", &dying_at("processor.events.written"))
        .await;
    world.post(&Event::confirmed("BK-0", &guest(0).1)).await;
    world.until_dead("processor", "processor.events.written").await;
    for point in ["processor.events.written", SUSPECTED, SUSPECTED, SUSPECTED] {
        world.replace("processor", &dying_at(point)).await;
        world.until_dead("processor", point).await;
    }
    world.replace("processor", &[]).await;
    world
        .until("the event is given up", async || {
            (world.depths().await.dead_events == 1).then_some(())
        })
        .await;
    let letter = world.letters("--kind events").await.remove(0);
    assert_eq!(letter["reason"], json!("crashed"));

    let retry = format!("letters retry {}", letter["id"]);
    for point in RETRYING_AN_EVENT {
        let died = world.desk_with(&retry, &dying_at(point)).await;
        assert!(died.code.is_none() && died.stderr.contains(point), "{died:?}");
    }

    let trail = world.desk("audit list --json --action letter_retried").await;
    let rows: Value = serde_json::from_str(&trail.check(0).stdout).unwrap();
    let deeds = rows.as_array().unwrap().len();
    assert_eq!(
        deeds,
        RETRYING_AN_EVENT.len(),
        "a row for each time that it was published"
    );
    world.until_state("BK-0", CONFIRMATION, Read).await;
    check_guest(&world, 0, 1, &["confirmed"]).await;
    assert!(world.letters("--open").await.is_empty());
    world.desk("ledger check --margin 10s").await.check(0);
}
