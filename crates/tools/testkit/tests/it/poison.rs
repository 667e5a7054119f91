//! Events that bring their handlers or processors down, and faults that are not the event's own.

use std::time::Duration;

use domain::message::MessageState::Read;
use futures_util::future::join_all;
use serde_json::json;
use testkit::program::has_line;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION};

/// While it is there, recording the events of some booking takes for ever.
const TAR_PIT: &str = "CREATE FUNCTION stick() RETURNS trigger AS $$ BEGIN \
     IF new.booking_key = 'azure-bay/BK-1' THEN PERFORM pg_sleep(9); END IF; RETURN new; END $$ LANGUAGE plpgsql; \
     CREATE TRIGGER stick BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION stick()";

async fn until_stuck(world: &World) {
    world
        .until("a processor is in the middle of the event", async || {
            (world
                .database()
                .count(&format!("{STUCK} AND wait_event = 'PgSleep'"))
                .await
                > 0)
            .then_some(())
        })
        .await;
}

const STUCK: &str = "SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database()";

/// As if the event had brought its processor down.
async fn the_processor_goes_down(world: &mut World) {
    until_stuck(world).await;
    world.kill_processors();
    // Postgres would not notice before the end of the statement.
    world
        .database()
        .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'")
        .await;
    world.start_processor().await;
}

// shows: G9
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_brings_its_processors_down_is_a_letter_after_three_crashes_alone() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.database().execute(TAR_PIT).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;

    // Twice in a batch, thrice alone.
    for _ in 0..5 {
        the_processor_goes_down(&mut world).await;
    }

    world
        .until("the event is given up", async || {
            (world.depths().await.dead_events == 1).then_some(())
        })
        .await;
    world.post(&Event::confirmed("BK-2", BOB)).await;
    world.until_state("BK-2", CONFIRMATION, Read).await;
    let letter = world.letters("--kind events").await.remove(0);
    assert_eq!(
        (&letter["reason"], &letter["attempts"]),
        (&json!("crashed"), &json!(3))
    );

    world.database().execute("DROP TRIGGER stick ON events").await;
    world
        .desk(&format!("letters retry {}", letter["id"]))
        .await
        .check(0);
    world.until_state("BK-1", CONFIRMATION, Read).await;
}

async fn until_nothing_is_suspected(world: &World) {
    let suspects = "SELECT count(*) AS count FROM suspects";
    world
        .until("nothing is suspected any more", async || {
            (world.database().count(suspects).await == 0).then_some(())
        })
        .await;
}

// shows: G2
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_suspected_wrongly_is_applied_alone_and_forgotten() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.database().execute(TAR_PIT).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    for _ in 0..3 {
        the_processor_goes_down(&mut world).await;
    }
    until_stuck(&world).await;

    world
        .database()
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event = 'PgSleep'; DROP TRIGGER stick ON events",
        )
        .await;

    world.until_state("BK-1", CONFIRMATION, Read).await;
    until_nothing_is_suspected(&world).await;
    assert_eq!(world.depths().await.dead_events, 0);
}

// shows: G9
#[tokio::test(flavor = "multi_thread")]
async fn the_neighbours_of_a_refused_event_do_not_wait_for_its_retries() {
    let world = World::start(&ResortFile::patient()).await;
    world
        .database()
        .execute("ALTER TABLE bookings ADD CONSTRAINT refused CHECK (id <> 'BK-0')")
        .await;

    let events: Vec<Event> = (0..20)
        .map(|number| Event::confirmed(&format!("BK-{number}"), &format!("+3069123457{number:02}")))
        .collect();
    let begun = std::time::Instant::now();
    join_all(events.iter().map(|event| world.post(event))).await;
    for number in 1..20 {
        world
            .until_state(&format!("BK-{number}"), CONFIRMATION, Read)
            .await;
    }

    let neighbours_took = begun.elapsed();
    world
        .until("the event is given up", async || {
            (world.depths().await.dead_events == 1).then_some(())
        })
        .await;
    assert!(
        begun.elapsed() >= Duration::from_secs(15),
        "three retries, 5 s apart"
    );
    assert!(
        neighbours_took < Duration::from_secs(15),
        "{neighbours_took:?}: they were not waiting for it"
    );
}

/// An operator bounds the queue of dead events. RabbitMQ 3.10 takes messages again only while there still is a bound.
async fn holds_at_most(world: &World, letters: u32) {
    let policy = json!({ "pattern": "^dead[.]events$", "apply-to": "queues",
        "definition": { "max-length": letters, "overflow": "reject-publish" } });
    world.vhost().api("PUT", "policies", "/bound", Some(policy)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_finds_no_place_is_tried_again_without_haste_and_nobody_waits_for_it() {
    let world = World::start(&ResortFile::patient()).await;
    holds_at_most(&world, 1).await;
    let refusals = || world.logs().matches("letter could not be published").count();
    let mut bad = 0;
    world
        .until("the queue of the dead takes no more", async || {
            world
                .vhost()
                .publish("events", &format!("no envelope: {bad}"))
                .await;
            bad += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
            (refusals() > 0).then_some(())
        })
        .await;

    let begun = std::time::Instant::now();
    let before = refusals();
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, Read).await;
    world
        .until("it was tried again", async || (refusals() > before).then_some(()))
        .await;
    let rounds = begun.elapsed().as_secs_f64().ceil() + 1.0;
    assert!(
        refusals() - before <= bad * rounds as usize,
        "each is tried once a second"
    );

    holds_at_most(&world, 1_000).await;
    world
        .until("all are given up", async || {
            (world.letters("--kind events").await.len() == bad).then_some(())
        })
        .await;
}

// shows: G9
#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_letter_finds_no_place_after_crashes_is_not_tried_again_by_the_next_processor() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.database().execute(TAR_PIT).await;
    world
        .post(&Event::confirmed("BK-1", ADA).with("/id", "evt_bad"))
        .await;
    the_processor_goes_down(&mut world).await;
    until_stuck(&world).await;
    world.kill_processors();
    let nobody = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event = 'PgSleep'";
    world.database().execute(nobody).await;
    // As if it had been alone thrice, while the queue of the dead was full.
    let noted = "INSERT INTO suspects (key, begun, begun_at) VALUES ('direct/evt_bad', 3, now())";
    world.database().execute(noted).await;
    for number in 0..3 {
        world
            .vhost()
            .publish("dead.events", &format!("no envelope: {number}"))
            .await;
    }
    holds_at_most(&world, 1).await;

    for tries in [1, 2] {
        world.start_processor().await;
        world
            .until("its letter finds no place", async || {
                let logs = world.logs();
                let given_up = logs.matches(r#""alert":"event_poisonous""#).count();
                (given_up == tries && has_line(&logs, "dead_letter_unpublished")).then_some(())
            })
            .await;
        assert!(!world.has_logged("event_applied_alone"));
        world.kill_processors();
    }

    holds_at_most(&world, 1_000).await;
    world.start_processor().await;
    until_nothing_is_suspected(&world).await;
    let letters = world.letters("--kind events").await;
    assert!(letters.iter().any(|letter| letter["reason"] == json!("crashed")));
}

// shows: G9
#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_is_stopped_in_an_outage_leaves_no_suspicion_behind() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.database().execute(TAR_PIT).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    for _ in 0..2 {
        the_processor_goes_down(&mut world).await;
    }
    world
        .until("it is tried alone", async || {
            world.has_logged("event_applied_alone").then_some(())
        })
        .await;
    until_stuck(&world).await;

    world.database().shut().await;
    world.signal("processor", "TERM");
    world
        .until("the processor tries to note that it lived", async || {
            world
                .logs()
                .contains("delete the marker of a suspicious event")
                .then_some(())
        })
        .await;
    world.database().open().await;

    until_nothing_is_suspected(&world).await;
}

/// A fault of the database that is mended after a while costs no event a retry.
async fn check(breaks: &str, mends: &str) {
    let world = World::start(&ResortFile::patient()).await;
    world.database().execute(breaks).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.post(&Event::confirmed("BK-2", BOB)).await;
    world
        .until(
            "the processor has found the database at fault, again and again",
            async || {
                let found = world.logs().matches(r#""step":"canary""#).count();
                (found >= 4).then_some(())
            },
        )
        .await;
    world.database().execute(mends).await;

    for booking in ["BK-1", "BK-2"] {
        world.until_state(booking, CONFIRMATION, Read).await;
    }
    assert!(!world.has_logged("event_refused"));
    assert_eq!(world.depths().await.dead_events, 0);
}

// shows: G7
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_column_is_charged_to_no_event() {
    check(
        "ALTER TABLE events RENAME COLUMN request_id TO gone",
        "ALTER TABLE events RENAME COLUMN gone TO request_id",
    )
    .await;
}

// shows: G7
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_charged_to_no_event() {
    check(
        "CREATE FUNCTION disk_is_full() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no space left on device' \
         USING ERRCODE = 'disk_full'; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER disk_is_full BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION disk_is_full()",
        "DROP TRIGGER disk_is_full ON bookings",
    )
    .await;
}
