//! Guests ask for their data, for no more messages, to be forgotten; and what was held long enough goes by itself.

use chrono::TimeDelta;
use domain::message::MessageState;
use serde_json::{Value, json};
use testkit::world::{Event, NUMBER, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION, REMINDER_1, waiting_reminder};

/// What Ada is known by.
const ADAS: [&str; 5] = [
    "Ada",
    "Lovelace",
    "6912345678",
    "book.example",
    "Is the pool heated",
];

async fn desk(world: &World, arguments: &str) -> String {
    world.desk(arguments).await.check(0).stdout.clone()
}

async fn export(world: &World, whom: &str) -> Value {
    serde_json::from_str(&desk(world, &format!("guests export {whom}")).await).unwrap()
}

/// So many raw events have their bodies.
async fn raw_bodies(world: &World) -> i64 {
    let database = world.database();
    database
        .count("SELECT count(*) AS count FROM events WHERE sealed_body IS NOT NULL")
        .await
}

/// Ada booked, got her confirmation, and wrote; WhatsApp has told everything.
async fn ada_was_here(world: &World) {
    world.post(&Event::started("CART-1", ADA)).await;
    world.until_events("CART-1", 1).await;
    world
        .post(
            &Event::confirmed("BK-1", ADA)
                .with("/guest/name", "Ada Lovelace")
                .from_cart("CART-1"),
        )
        .await;
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    let says = json!({ "from": ADA, "text": "Is the pool heated?", "name": "Ada Lovelace", "phone_number_id": NUMBER });
    world.tell_sandbox("inbound", &says).await;
    world.until_guests_heard(1).await;
    world.until_reports(3).await;
}

// shows: B126, T30
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_was_erased_is_found_nowhere_and_the_books_are_clean() {
    let world = World::start(&ResortFile::patient()).await;
    ada_was_here(&world).await;
    world.post(&Event::confirmed("BK-2", BOB)).await;
    world.until_state("BK-2", CONFIRMATION, MessageState::Read).await;
    world.until_reports(6).await;
    let before = export(&world, &format!("--phone {ADA}")).await.to_string();
    for known in ADAS {
        assert!(before.contains(known), "{known} is missing in {before}");
    }

    let said = desk(&world, &format!("guests erase --phone {ADA}")).await;

    assert!(
        said.contains("azure-bay/BK-1") && !said.contains("6912345678"),
        "{said}"
    );
    for whom in [
        format!("--phone {ADA}"),
        "--booking azure-bay BK-1".to_owned(),
        "--booking azure-bay CART-1".to_owned(),
    ] {
        let mut after = export(&world, &whom).await;
        after["of"].take();
        for known in ADAS {
            assert!(!after.to_string().contains(known), "{known} is in {after}");
        }
    }
    for booking in ["BK-1", "CART-1"] {
        let kept = world.booking(booking).await.unwrap();
        assert!(kept.facts.is_without_guest());
    }
    // Bob's event and three reports.
    assert_eq!(raw_bodies(&world).await, 4);
    let shown = desk(&world, "bookings show azure-bay BK-1").await;
    assert!(
        shown.contains("confirmed") && shown.contains("the guest was erased"),
        "{shown}"
    );
    let again = desk(&world, &format!("guests erase --phone {ADA}")).await;
    assert!(again.contains("nothing is held"), "{again}");
    desk(&world, "ledger check").await;
    assert!(!world.logs().contains("6912345678"));
}

// shows: B128
#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_before_and_arrives_after_is_stripped_and_what_is_accepted_later_is_kept() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_processors();
    world
        .post(&Event::abandoned("BK-1", ADA).with("/guest/name", "Ada Lovelace"))
        .await;
    world
        .post(&Event::confirmed("BK-2", BOB).with("/guest/name", "Bob"))
        .await;
    let stop = json!({ "from": ADA, "text": "STOP", "phone_number_id": NUMBER });
    world.tell_sandbox("inbound", &stop).await;
    world
        .until("three events wait", async || {
            (world.depths().await.events == 3).then_some(())
        })
        .await;

    desk(&world, &format!("guests erase --phone {ADA}")).await;
    desk(&world, "guests erase --booking azure-bay BK-2").await;
    world.start_processor().await;
    world.until_events("BK-1", 1).await;
    world.until_events("BK-2", 1).await;
    world.until_guests_heard(1).await;

    for booking in ["BK-1", "BK-2"] {
        assert!(
            world.booking(booking).await.unwrap().facts.is_without_guest(),
            "{booking}"
        );
        assert_eq!(world.messages(booking).await.len(), 0, "{booking}");
    }
    assert_eq!(raw_bodies(&world).await, 0);
    let windows = "SELECT count(*) AS count FROM conversations";
    assert_eq!(world.database().count(windows).await, 0);
    world.post(&Event::abandoned("BK-3", ADA)).await;
    world.post(&Event::new("guest_checked_in", "BK-2").of(BOB)).await;
    // The wish outlives the guest.
    world.until_state("BK-3", REMINDER_1, MessageState::Skipped).await;
    world.until_events("BK-2", 2).await;
    assert!(world.booking("BK-2").await.unwrap().facts.tells_of_guest());
    assert_eq!(raw_bodies(&world).await, 2);
    assert!(world.received_by_anyone().await.is_empty());
}

// shows: B127
#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_flight_finishes_and_its_report_does_not_bring_the_guest_back() {
    let world = World::start(&ResortFile::patient()).await;
    let slow = json!({ "times": 1, "answer": { "after_ms": 3_000 }, "notify": { "after_ms": 3_000 } });
    world.tell_sandbox("failures", &slow).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world
        .until_state("BK-1", CONFIRMATION, MessageState::Sending)
        .await;

    desk(&world, "guests erase --booking azure-bay BK-1").await;
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    world.until_reports(3).await;

    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
    assert!(world.booking("BK-1").await.unwrap().facts.is_without_guest());
    assert_eq!(raw_bodies(&world).await, 0);
}

// shows: B127
#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_waits_does_not_go_once_its_guest_is_erased_or_wants_no_more() {
    let world = World::start(&ResortFile::patient()).await;
    waiting_reminder(&world, &Event::abandoned("BK-1", ADA), "BK-1", ADA).await;
    waiting_reminder(&world, &Event::abandoned("BK-2", BOB), "BK-2", BOB).await;

    desk(&world, &format!("guests erase --phone {ADA}")).await;
    let stopped = desk(&world, "guests stop --booking azure-bay BK-2").await;

    let erased = world
        .until_state("BK-1", REMINDER_1, MessageState::Withdrawn)
        .await;
    assert_eq!(erased.reason.as_deref(), Some("erased"));
    let unwanted = world
        .until_state("BK-2", REMINDER_1, MessageState::Withdrawn)
        .await;
    assert_eq!(unwanted.reason.as_deref(), Some("opted_out"));
    assert!(
        stopped.contains("azure-bay") && !stopped.contains("6912345679"),
        "{stopped}"
    );
    let again = desk(&world, "guests stop --booking azure-bay BK-2").await;
    assert!(again.contains("knew that already"), "{again}");
}

// shows: B135, T30
#[tokio::test(flavor = "multi_thread")]
async fn old_raw_events_and_old_guests_go_by_themselves_and_young_ones_stay() {
    let terms = "[retention]\nraw_events = \"10d\"\nguests = \"100d\"\n";
    let mut world = World::start(&ResortFile {
        sections: terms.to_owned(),
        ..ResortFile::patient()
    })
    .await;
    for (booking, phone) in [("BK-old", ADA), ("BK-young", BOB), ("BK-new", BOB)] {
        world
            .post(&Event::confirmed(booking, phone).ago(TimeDelta::days(5)))
            .await;
        world.until_events(booking, 1).await;
    }
    world.kill_processors();
    for (booking, days) in [("BK-old", 101), ("BK-young", 50)] {
        world
            .database()
            .execute(&format!(
                "UPDATE events SET received_at = received_at - interval '{days} days' WHERE booking_key = 'azure-bay/{booking}'; \
                 UPDATE bookings SET created_at = created_at - interval '{days} days' WHERE id = '{booking}'"
            ))
            .await;
    }

    world.start_processor().await;

    world
        .until("the old guest is gone", async || {
            let old = world.booking("BK-old").await?;
            old.facts.is_without_guest().then_some(())
        })
        .await;
    let emptied =
        "SELECT count(*) AS count FROM events WHERE sealed_body IS NULL AND booking_key IS NOT NULL";
    assert_eq!(world.database().count(emptied).await, 2);
    for booking in ["BK-young", "BK-new"] {
        assert!(
            world.booking(booking).await.unwrap().facts.tells_of_guest(),
            "{booking}"
        );
    }
    assert!(world.logs().contains("guest erased: their time is over"));
}
