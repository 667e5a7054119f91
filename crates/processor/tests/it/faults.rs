//! Faults of events, and faults of Postgres that are not the event's own.

use std::time::Duration;

use domain::message::MessageState::Queued;
use domain::plan::Status;

use crate::logs;
use crate::scene::{ADA, BOB, CONFIRMATION, Scene};
use crate::webhook::Webhook;

fn twenty() -> Vec<Webhook> {
    (0..20)
        .map(|number| Webhook::confirmed(&format!("BK-{number}"), &format!("+3069123457{number:02}")))
        .collect()
}

#[tokio::test]
async fn a_refused_event_hurts_itself_alone() {
    let scene = Scene::new().await;
    scene
        .sql("ALTER TABLE bookings ADD CONSTRAINT refused CHECK (id <> 'BK-7')")
        .await;

    let outcomes = scene.arrive(&twenty()).await;

    for (number, outcome) in outcomes.iter().enumerate() {
        let expected = if number == 7 { "refused" } else { "committed" };
        assert_eq!(*outcome, expected, "{number}");
    }
    assert_eq!(scene.count("bookings").await, 19);
    assert_eq!(scene.count("messages WHERE state = 'queued'").await, 19);
    assert_eq!(scene.events("BK-7").await, 0);
}

#[tokio::test]
async fn an_event_whose_rows_are_locked_waits_at_no_cost_and_its_neighbours_do_not() {
    let scene = Scene::new().await;
    scene.arrive(&twenty()).await;
    let lock = scene
        .database
        .hold("SELECT 1 FROM bookings WHERE id = 'BK-3' FOR UPDATE")
        .await;

    let again = twenty();
    let outcomes = scene.arrive(&again).await;

    for (number, outcome) in outcomes.iter().enumerate() {
        let expected = if number == 3 { "locked" } else { "committed" };
        assert_eq!(*outcome, expected, "{number}");
    }
    drop(lock);
    assert_eq!(scene.arrive(&again[3..4]).await, ["committed"]);
}

/// A fault of the database costs no event a try: the batch waits until it is mended.
async fn costs_nothing(breaks: &str, mends: &str) {
    logs::begin();
    let scene = Scene::new().await;
    scene.sql(breaks).await;
    let events = [Webhook::confirmed("BK-1", ADA), Webhook::confirmed("BK-2", BOB)];

    let mending = async {
        let refused = || {
            let failures = logs::events("postgres_failed");
            failures.iter().filter(|line| line["step"] == "canary").count()
        };
        while refused() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        scene.sql(mends).await;
    };
    let (outcomes, ()) = tokio::join!(scene.arrive(&events), mending);

    assert_eq!(outcomes, ["committed", "committed"]);
    for booking in ["BK-1", "BK-2"] {
        assert_eq!(scene.state(booking, CONFIRMATION).await, (Queued, None));
    }
    assert!(logs::events("event_refused").is_empty());
    assert!(logs::events("batch_taken_apart").is_empty());
}

#[tokio::test]
async fn a_missing_column_is_charged_to_no_event() {
    costs_nothing(
        "ALTER TABLE events RENAME COLUMN request_id TO gone",
        "ALTER TABLE events RENAME COLUMN gone TO request_id",
    )
    .await;
}

#[tokio::test]
async fn a_full_disk_is_charged_to_no_event() {
    costs_nothing(
        "CREATE FUNCTION disk_is_full() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no space left on device' \
         USING ERRCODE = 'disk_full'; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER disk_is_full BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION disk_is_full()",
        "DROP TRIGGER disk_is_full ON bookings",
    )
    .await;
}

#[tokio::test]
async fn after_a_long_outage_the_rest_of_a_batch_is_not_tried() {
    logs::begin();
    let scene = Scene::new().await;
    // The first statement is refused for its data, the canary goes through, and from then on the disk is full.
    scene
        .sql(
            "CREATE SEQUENCE tries; \
             CREATE FUNCTION fill_disk() RETURNS trigger AS $$ DECLARE try bigint := nextval('tries'); BEGIN \
             IF try = 1 THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation'; END IF; \
             IF try > 2 THEN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END IF; \
             RETURN NULL; END $$ LANGUAGE plpgsql; \
             CREATE TRIGGER fill_disk BEFORE INSERT ON bookings FOR EACH STATEMENT EXECUTE FUNCTION fill_disk()",
        )
        .await;

    let outcomes = scene.arrive(&twenty()).await;

    assert_eq!(outcomes, ["not_tried"; 20]);
    assert_eq!(logs::events("batch_taken_apart").len(), 1);
    let failures = logs::events("postgres_failed");
    let outages = failures.iter().filter(|line| line["failures"] == "1").count();
    assert_eq!(outages, 1, "only the first part waits for the end of the outage");
}

#[tokio::test]
async fn the_canary_leaves_nothing_behind() {
    let scene = Scene::new().await;
    scene
        .sql("ALTER TABLE bookings ADD CONSTRAINT refused CHECK (id <> 'BK-1')")
        .await;

    assert_eq!(
        scene.arrive(&[Webhook::confirmed("BK-1", ADA)]).await,
        ["refused"]
    );

    for table in ["events", "bookings", "messages", "guest_names"] {
        assert_eq!(scene.count(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_deadlock_with_another_transaction_is_tried_again() {
    let scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    // The first try fails as one whose transaction Postgres ended to resolve a deadlock.
    scene
        .sql(
            "CREATE SEQUENCE tries; CREATE FUNCTION lose_once() RETURNS trigger AS $$ BEGIN \
             IF nextval('tries') = 1 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected'; END IF; \
             RETURN new; END $$ LANGUAGE plpgsql; \
             CREATE TRIGGER lose_once BEFORE UPDATE ON bookings FOR EACH ROW EXECUTE FUNCTION lose_once()",
        )
        .await;

    let outcome = scene
        .arrive(&[Webhook::new(domain::event::EventType::GuestCheckedIn, "BK-1")])
        .await;

    assert_eq!(outcome, ["committed"]);
    assert_eq!(scene.booking("BK-1").await.status, Status::CheckedIn);
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_left_to_it_and_the_neighbours_are_applied() {
    let scene = Scene::new().await;
    scene
        .arrive(&[Webhook::confirmed("BK-1", ADA), Webhook::confirmed("BK-2", BOB)])
        .await;
    scene
        .sql("UPDATE messages SET state = 'tomorrow' WHERE booking_key = 'azure-bay/BK-1'")
        .await;

    let check_in = |booking| Webhook::new(domain::event::EventType::GuestCheckedIn, booking);
    let outcomes = scene.arrive(&[check_in("BK-1"), check_in("BK-2")]).await;

    assert_eq!(outcomes, ["not_for_us", "committed"]);
    assert_eq!(scene.events("BK-1").await, 1);
}

#[tokio::test]
async fn a_booking_that_is_sealed_under_an_unknown_key_is_left_to_another_processor() {
    let scene = Scene::new().await;
    scene.happens(&Webhook::confirmed("BK-1", ADA)).await;
    let other_keys = "second:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=,\
                      first:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,\
                      lookup:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
    let other = scene.other_processor(other_keys);
    let modified = Webhook::new(domain::event::EventType::ReservationModified, "BK-1");
    assert_eq!(other.apply(&[scene.envelope(&modified)]).await, ["committed"]);

    let outcomes = scene
        .arrive(&[Webhook::new(domain::event::EventType::GuestCheckedIn, "BK-1")])
        .await;

    assert_eq!(outcomes, ["not_for_us"]);
}

#[tokio::test]
async fn no_line_of_the_log_names_the_guest() {
    logs::begin();
    let scene = Scene::new().await;
    scene
        .sql("ALTER TABLE bookings ADD CONSTRAINT refused CHECK (id <> 'BK-1')")
        .await;

    let named = |booking| Webhook::confirmed(booking, ADA).named("Ada Lovelace");
    scene.arrive(&[named("BK-1"), named("BK-2")]).await;

    assert_eq!(logs::events("event_settled").len(), 1);
    let all = logs::all();
    assert!(!all.contains("6912345678") && !all.contains("Lovelace"), "{all}");
}
