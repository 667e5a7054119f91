//! Programs and servers that stand still for a while, refuse for a while, or are in each other's way: nothing is charged to
//! an event, nothing is sent twice.

use std::ops::Range;
use std::time::{Duration, Instant};

use domain::message::MessageState::{self, Queued, Read, Sending, Sent, Unknown};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::database::Held;
use testkit::program::{Program, has_line};
use testkit::world::{Event, Message, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION};

/// Silence counts after 8 s; neighbours are the calls of these 8 s.
const SOON: &[(&str, &str)] = &[("SENDER_UNKNOWN_AFTER", "2s"), ("SENDER_SILENCE_AFTER", "8s")];

fn guest(number: usize) -> (String, String) {
    (format!("BK-{number}"), format!("+3069{number:08}"))
}

async fn others_are_confirmed(world: &World, numbers: Range<usize>) {
    for number in numbers.clone() {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }
    for number in numbers {
        until_read(world, &guest(number).0).await;
    }
}

/// Waits until a confirmation is read. Makes ids due again that a stopped process holds.
async fn until_read(world: &World, booking: &str) -> Message {
    let again = "UPDATE messages SET publish_at = clock_timestamp() WHERE state = 'queued'";
    let what = format!("the confirmation of {booking} is read");
    world
        .until(&what, async || {
            let found = world.message(booking, CONFIRMATION).await;
            if let Some(read) = found.filter(|message| message.existing.state == Read) {
                return Some(read);
            }
            world.database().execute(again).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        })
        .await
}

/// A sender is stopped after its claim until another one has sent its message by evidence; then it continues.
async fn check_still_at(point: &str) {
    let mut world = World::start_with(&ResortFile::patient(), SOON).await;
    world.replace("sender", &[("BELLHOP_STALL_AT", point)]).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_still("sender").await;
    world.start_also("sender", &[]).await;
    others_are_confirmed(&world, 10..15).await;
    let sent = until_read(&world, "BK-1").await;
    assert_eq!(sent.existing.attempts, 2);

    world.signal("sender", "CONT");

    world
        .until("the one that stood still gives its claim up", async || {
            world.has_logged("claim_released").then_some(())
        })
        .await;
    others_are_confirmed(&world, 20..25).await;
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
    let message = world.message("BK-1", CONFIRMATION).await.unwrap();
    assert_eq!((message.existing.state, message.existing.attempts), (Read, 2));
    world.desk("ledger check").await.check(0);
}

// shows: G21
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_stands_still_behind_its_claim_does_not_call_any_more() {
    check_still_at("sender.claims.committed").await;
}

// shows: G21
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_stands_still_right_before_its_call_does_not_call_any_more() {
    check_still_at("sender.call.begins").await;
}

// shows: G21
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_stands_still_in_the_middle_of_a_call_finds_it_settled() {
    let world = World::start_with(&ResortFile::patient(), SOON).await;
    let slow = json!({ "when": { "to": ADA }, "times": 1, "answer": { "after_ms": 1_000 },
        "notify": { "after_ms": 3_500 } });
    world.tell_sandbox("failures", &slow).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world
        .until("the call has begun", async || {
            (!world.calls().await.is_empty()).then_some(())
        })
        .await;

    world.signal("sender", "STOP");
    world.until_still("sender").await;
    // It is not waited for: before it is ready, the one that stands still must have counted as gone.
    let _other = world.started("sender", &[]).await;
    world.until_state("BK-1", CONFIRMATION, Unknown).await;
    world.until_state("BK-1", CONFIRMATION, Read).await;
    world.signal("sender", "CONT");
    others_are_confirmed(&world, 20..25).await;

    let message = world.message("BK-1", CONFIRMATION).await.unwrap();
    assert_eq!((message.existing.state, message.existing.attempts), (Read, 1));
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: G8
#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_stands_still_in_its_transaction_holds_up_its_bookings_only_and_charges_nobody() {
    let mut world = World::start(&ResortFile::patient()).await;
    let still = [("BELLHOP_STALL_AT", "processor.events.written")];
    world.replace("processor", &still).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_still("processor").await;
    world.start_also("processor", &[]).await;

    // Postgres ends an idle transaction after 15 s; until then others wait for the booking.
    let late = Event::new("guest_checked_in", "BK-1").of(ADA);
    world.post(&late).await;
    world.post(&Event::confirmed("BK-2", BOB)).await;
    world.until_state("BK-2", CONFIRMATION, Read).await;
    world.until_events("BK-1", 1).await;
    world.signal("processor", "CONT");

    assert_eq!(world.until_events("BK-1", 2).await, 2);
    world.until_state("BK-1", CONFIRMATION, Read).await;
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
    assert!(!world.has_logged("event_refused"));
    assert_eq!(world.depths().await.dead_events, 0);
}

/// As many as a processor takes at once.
const BATCH: usize = 200;

const EVENTS: &str = "SELECT count(*) AS count FROM events WHERE event_type = 'reservation_confirmed'";

/// Confirmations of bookings, which wait in the queue.
async fn confirmations_wait(world: &mut World, numbers: Range<usize>) {
    world.kill_processors();
    let events: Vec<_> = numbers
        .map(guest)
        .map(|(booking, phone)| Event::confirmed(&booking, &phone))
        .collect();
    join_all(events.iter().map(|event| world.post(event))).await;
}

// shows: G8
#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_somebody_else_has_locked_waits_at_no_cost_and_its_neighbours_go() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.post(&Event::started("BK-1", &guest(1).1)).await;
    world.until_events("BK-1", 1).await;
    let lock = world
        .database()
        .hold("SELECT 1 FROM bookings WHERE id = 'BK-1' FOR UPDATE");
    let lock = lock.await;
    confirmations_wait(&mut world, 1..BATCH + 1).await;

    world.start_processor().await;
    let begun = Instant::now();

    let neighbours = i64::try_from(BATCH - 1).unwrap();
    world
        .until("the neighbours are applied", async || {
            (world.database().count(EVENTS).await == neighbours).then_some(())
        })
        .await;
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(12),
        "{took:?}: one wait of 3 s, not one for each half"
    );
    world
        .until("it was tried alone, again and again", async || {
            let tries = world.logs().matches("another transaction holds what").count();
            (tries > 1).then_some(())
        })
        .await;
    drop(lock);

    world.until_state("BK-1", CONFIRMATION, Read).await;
    assert!(!world.has_logged("event_refused"));
    assert_eq!(world.depths().await.dead_events, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_locked_when_it_is_to_be_claimed_goes_once_the_lock_is_gone() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_senders();
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, Queued).await;
    let lock = world.database().hold("SELECT 1 FROM messages FOR UPDATE").await;
    world.start_sender().await;
    world
        .until("the claim was given up", async || {
            world
                .logs()
                .contains(r#""event":"postgres_contention""#)
                .then_some(())
        })
        .await;

    drop(lock);

    let sent = until_read(&world, "BK-1").await;
    assert_eq!(sent.existing.attempts, 1);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

/// Ten confirmations that one sender calls for, and the booking of one of them, which another transaction has locked.
async fn one_of_ten_is_locked_during_its_call(notify: Value) -> (World, Program, String, Held) {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_senders();
    for number in 0..10 {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }
    world
        .until("all ids are on the queue", async || {
            (world.depths().await.messages >= 10).then_some(())
        })
        .await;
    let slow = json!({ "answer": { "after_ms": 8_000 }, "notify": notify });
    world.tell_sandbox("failures", &slow).await;
    // A claim does not touch the booking. Locked only later, it could have been reported on by then.
    let locked = guest(0).0;
    let lock = format!("SELECT 1 FROM bookings WHERE id = '{locked}' FOR UPDATE");
    let lock = world.database().hold(&lock).await;
    let sender = world.started("sender", &[]).await;
    // One goes first, the others follow together.
    world
        .until("all calls have begun", async || {
            (world.calls().await.len() == 10).then_some(())
        })
        .await;
    (world, sender, locked, lock)
}

async fn until_others_are(world: &World, locked: &str, state: MessageState) {
    for number in 0..10 {
        let booking = guest(number).0;
        if booking != locked {
            world.until_state(&booking, CONFIRMATION, state).await;
        }
    }
}

// shows: G23
#[tokio::test(flavor = "multi_thread")]
async fn a_result_whose_booking_is_locked_waits_alone_and_is_recorded_in_the_end() {
    let (world, sender, locked, lock) = one_of_ten_is_locked_during_its_call(json!({ "statuses": [] })).await;

    until_others_are(&world, &locked, Sent).await;
    let waiting = world.message(&locked, CONFIRMATION).await.unwrap();
    assert_eq!(waiting.existing.state, Sending);
    drop(lock);

    let recorded = world.until_state(&locked, CONFIRMATION, Sent).await;
    assert_eq!(recorded.existing.attempts, 1);
    assert_eq!(world.received_by_anyone().await.len(), 10);
    drop(sender);
}

// shows: G23
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_cannot_record_a_result_stops_in_time_tells_and_leaves_it_to_whatsapps_report() {
    let (world, mut sender, locked, lock) = one_of_ten_is_locked_during_its_call(json!({})).await;
    until_others_are(&world, &locked, Read).await;

    assert_eq!(sender.stop().await.unwrap(), Some(0));

    assert!(has_line(&sender.log(), "result_lost"));
    drop(lock);
    let settled = world.until_state(&locked, CONFIRMATION, Read).await;
    assert_eq!(settled.existing.attempts, 1);
    assert_eq!(world.received_by_anyone().await.len(), 10);
}

// shows: G8
#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_waits_for_many_locks_stops_at_once() {
    let mut world = World::start(&ResortFile::patient()).await;
    for number in 0..40 {
        let (booking, phone) = guest(number);
        world.post(&Event::started(&booking, &phone)).await;
    }
    world
        .until("the bookings are there", async || {
            let bookings = "SELECT count(*) AS count FROM bookings";
            (world.database().count(bookings).await == 40).then_some(())
        })
        .await;
    let lock = world.database().hold("SELECT 1 FROM bookings FOR UPDATE").await;
    confirmations_wait(&mut world, 0..40).await;
    let mut processor = world.started("processor", &[]).await;
    world
        .until("the batch is taken apart", async || {
            has_line(&processor.log(), "batch_taken_apart").then_some(())
        })
        .await;

    let begun = Instant::now();
    let ended = processor.stop().await.unwrap();

    let took = begun.elapsed();
    assert_eq!(ended, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    drop(lock);
    world.start_processor().await;
    world
        .until("all are applied", async || {
            (world.database().count(EVENTS).await == 40).then_some(())
        })
        .await;
    assert_eq!(world.depths().await.dead_events, 0);
}

// shows: G7, G8
#[tokio::test(flavor = "multi_thread")]
async fn whatever_postgres_refuses_for_a_while_costs_no_event_a_try_and_sends_nothing_twice() {
    let world = World::start(&ResortFile::patient()).await;

    while_all_bookings_are_locked_no_event_is_charged_for_it(&world).await;
    an_event_that_gets_into_a_deadlock_with_somebody_else_is_applied_at_no_cost(&world).await;
    while_postgres_is_read_only_everything_waits_and_nothing_is_charged(&world).await;
    connections_to_postgres_that_end_in_the_middle_of_a_commit_lose_nothing_and_send_nothing_twice(&world)
        .await;
}

async fn while_all_bookings_are_locked_no_event_is_charged_for_it(world: &World) {
    let lock = world.database().hold("LOCK TABLE bookings").await;

    let events: Vec<_> = (100..110)
        .map(guest)
        .map(|(booking, phone)| Event::confirmed(&booking, &phone))
        .collect();
    join_all(events.iter().map(|event| world.post(event))).await;
    world
        .until("the processor has found the database at fault", async || {
            world.logs().contains(r#""step":"canary""#).then_some(())
        })
        .await;
    drop(lock);

    for number in 100..110 {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
    }
    assert!(!world.has_logged("event_refused"));
    assert_eq!(world.depths().await.dead_events, 0);
}

async fn an_event_that_gets_into_a_deadlock_with_somebody_else_is_applied_at_no_cost(world: &World) {
    world.post(&Event::started("BK-1", ADA)).await;
    world.until_events("BK-1", 1).await;
    let lock = "SELECT 1 FROM bookings WHERE id = 'BK-1' FOR UPDATE";
    let other = world.database().hold(lock).await;

    world
        .post(&Event::confirmed("BK-1", ADA).with("/id", "evt_crossing"))
        .await;
    let waiting = "SELECT count(*) AS count FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    world
        .until("the processor waits for the booking", async || {
            (world.database().count(waiting).await > 0).then_some(())
        })
        .await;
    // Now the other one waits for the event that the processor has just remembered: the session whose check runs first is the victim.
    let crossing = "INSERT INTO events (key, source, event_type, received_at, request_id, outcome, sealed_body) \
         VALUES ('direct/evt_crossing', 'direct', 'reservation_confirmed', now(), 'x', 'applied', '')";
    let other = other.go_on(crossing).await;
    let deadlocks = "SELECT deadlocks AS count FROM pg_stat_database WHERE datname = current_database()";
    world
        .until("there was a deadlock", async || {
            (world.database().count(deadlocks).await > 0).then_some(())
        })
        .await;
    drop(other);

    world.until_state("BK-1", CONFIRMATION, Read).await;
    assert_eq!(world.until_events("BK-1", 2).await, 2);
    assert!(!world.has_logged("event_refused"));
    assert_eq!(world.depths().await.dead_events, 0);
}

async fn while_postgres_is_read_only_everything_waits_and_nothing_is_charged(world: &World) {
    world.database().set("default_transaction_read_only", "on").await;

    for number in 200..205 {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }
    world
        .until("the processor has noticed", async || {
            world.logs().contains("read-only transaction").then_some(())
        })
        .await;
    world.database().set("default_transaction_read_only", "off").await;

    for number in 200..205 {
        world.until_state(&guest(number).0, CONFIRMATION, Read).await;
        assert_eq!(world.names_received_by(&guest(number).1).await, ["confirmed"]);
    }
    assert!(!world.has_logged("event_refused"));
    let depths = world.depths().await;
    assert_eq!((depths.dead_events, depths.dead_messages), (0, 0));
}

async fn connections_to_postgres_that_end_in_the_middle_of_a_commit_lose_nothing_and_send_nothing_twice(
    world: &World,
) {
    let slow = "CREATE FUNCTION linger() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN new; END $$ LANGUAGE plpgsql; \
         CREATE CONSTRAINT TRIGGER linger AFTER INSERT OR UPDATE ON messages DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION linger()";
    world.database().execute(slow).await;
    let cut = "SELECT count(pg_terminate_backend(pid)) AS count FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event = 'PgSleep' AND query ILIKE 'commit%'";
    for number in 300..330 {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }

    for _ in 0..4 {
        world
            .until("a commit is cut off", async || {
                (world.database().count(cut).await > 0).then_some(())
            })
            .await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.database().execute("DROP TRIGGER linger ON messages").await;

    for number in 300..330 {
        let (booking, phone) = guest(number);
        until_read(world, &booking).await;
        assert_eq!(world.names_received_by(&phone).await, ["confirmed"]);
    }
    let depths = world.depths().await;
    assert_eq!((depths.dead_events, depths.dead_messages), (0, 0));
}
