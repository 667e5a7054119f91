//! Servers that lose what they held: Postgres is restored to an earlier moment while RabbitMQ and WhatsApp went on, and a queue
//! is lost while Postgres goes on. The steps are those of `docs/operations.md`.

use std::fs;

use chrono::{SecondsFormat, Utc};
use domain::message::MessageState::{Queued, Read, Unknown};
use serde_json::Value;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION, EVE, REMINDER_1};

const BACK_UP: &str = "CREATE SCHEMA backup; \
    DO $$ DECLARE name text; BEGIN FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
    EXECUTE format('CREATE TABLE backup.%1$I AS TABLE public.%1$I', name); END LOOP; END $$";

/// Without triggers and references: it puts every row back, whatever was written since. The audit trail allows no deletion and
/// plays no part.
const RESTORE: &str = "SET session_replication_role = replica; \
    DO $$ DECLARE name text; BEGIN FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'backup' \
    AND tablename <> 'audit' LOOP EXECUTE format('DELETE FROM public.%1$I', name); \
    EXECUTE format('INSERT INTO public.%1$I OVERRIDING SYSTEM VALUE TABLE backup.%1$I', name); END LOOP; END $$";

async fn doubt_what_was_due_by(world: &World, due_by: &str) -> String {
    let ended = world.desk(&format!("messages doubt --due-by {due_by}")).await;
    ended.check(0);
    ended.stdout
}

/// The bookings of the events that `ingest` has accepted and that are not stored.
async fn lost_events(world: &World) -> Vec<String> {
    let log = &world.logs_by_program()["ingest"];
    let ended = world.desk_saying("ledger check --json --accepted -", log).await;
    let found: Value = serde_json::from_str(&ended.stdout).unwrap();
    let findings = found["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["trouble"] == "accepted_event_missing")
        .map(|finding| finding["booking"].as_str().unwrap().to_owned())
        .collect()
}

async fn import(world: &World, event: &Event) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lost.jsonl");
    fs::write(&path, event.bytes()).unwrap();
    let ended = world.desk(&format!("bookings import {}", path.display())).await;
    ended.check(0);
}

// shows: B250, B251, B252
#[tokio::test(flavor = "multi_thread")]
async fn after_postgres_was_restored_to_a_moment_nothing_is_sent_twice_and_lost_events_are_named() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_senders();
    world.post(&Event::abandoned("BK-1", ADA)).await;
    world.until_state("BK-1", REMINDER_1, Queued).await;
    world.database().execute(BACK_UP).await;
    world.start_sender().await;
    world.until_state("BK-1", REMINDER_1, Read).await;
    let lost = Event::confirmed("BK-2", BOB);
    world.post(&lost).await;
    world.until_state("BK-2", CONFIRMATION, Read).await;
    world.kill_senders();
    world.kill_processors();
    let lost_at = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);

    world.database().execute(RESTORE).await;
    assert_eq!(
        doubt_what_was_due_by(&world, &lost_at).await,
        "now unknown: 1 message\n"
    );
    world.start_processor().await;
    assert_eq!(lost_events(&world).await, ["azure-bay/BK-2"]);
    import(&world, &lost).await;
    world.until_events("BK-2", 1).await;
    doubt_what_was_due_by(&world, &lost_at).await;
    world.start_sender().await;

    // What comes now is sent, so the sender has looked at everything that was due before.
    world.post(&Event::confirmed("BK-3", EVE)).await;
    world.until_state("BK-3", CONFIRMATION, Read).await;
    assert_eq!(world.received_by(ADA).await.len(), 1);
    assert_eq!(world.names_received_by(BOB).await, ["confirmed"]);
    assert_eq!(
        world.message("BK-1", REMINDER_1).await.unwrap().existing.state,
        Unknown
    );
}

// shows: B252
#[tokio::test(flavor = "multi_thread")]
async fn events_that_a_lost_queue_held_are_named_and_may_be_sent_again() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, Read).await;
    world.kill_processors();
    let lost = Event::confirmed("BK-2", BOB);
    world.post(&lost).await;

    world
        .vhost()
        .api("DELETE", "queues", "/events/contents", None)
        .await;
    world.start_processor().await;
    assert_eq!(lost_events(&world).await, ["azure-bay/BK-2"]);
    world.post(&lost).await;
    world.until_state("BK-2", CONFIRMATION, Read).await;

    assert_eq!(lost_events(&world).await, Vec::<String>::new());
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
    assert_eq!(world.names_received_by(BOB).await, ["confirmed"]);
}
