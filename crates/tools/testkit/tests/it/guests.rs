//! A guest who asks for their data and to be forgotten. `crates/processor/tests` shows what arrives after an erasure.

use domain::message::MessageState;
use serde_json::{Value, json};
use testkit::world::{Event, NUMBER, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION};

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

// shows: B126, B154, T30
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

    let shown = desk(&world, "bookings show azure-bay BK-1 --reveal --json").await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let turns = shown["conversation"].as_array().unwrap();
    let turn = |index: usize| (&turns[index]["by"], &turns[index]["kind"], &turns[index]["text"]);
    let none = &Value::Null;
    assert_eq!(turns.len(), 2, "{turns:?}");
    assert_eq!(
        turn(0),
        (&"resort".into(), &"reservation_confirmation".into(), none)
    );
    assert_eq!(turn(1), (&"guest".into(), none, &"Is the pool heated?".into()));
    let masked = desk(&world, "bookings show azure-bay BK-1 --json").await;
    assert!(
        !masked.contains("conversation") && !masked.contains("pool"),
        "{masked}"
    );

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
    let shown = desk(&world, "bookings show azure-bay BK-1 --reveal --json").await;
    assert!(!shown.contains("pool"), "{shown}");
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
