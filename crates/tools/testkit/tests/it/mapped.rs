//! A platform's own payloads through the whole system, also after a weekend with a broken mapping.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::world::{ResortFile, World};

const REQUEST: &str = include_str!("../../../../mapping/samples/lodgify/request.json");
const BOOKED: &str = include_str!("../../../../mapping/samples/lodgify/booking_new_status_booked.json");

/// Carts that are booked later, carts that are not, and bookings without a cart.
const CARTS_BOOKED: u32 = 60;
const CARTS_LEFT: u32 = 60;
const BOOKINGS: u32 = 80;

const SOURCE: &str = "resorts = ['azure-bay']\nplatform = 'lodgify'\nauth = { scheme = 'bearer', secrets = ['plain:letmein'] }\n\
                      rate_limit = { per_second = 1000, burst = 1000 }\n\
                      [map.booking]\nresume_url = \"'https://book.example/r/' ~ booking.id\"\n";

/// The platform renamed what the mapping looks for.
const BROKEN: &str = "id = 'booking.number'\n";

/// Lays down the source's file and has the ingest read it.
async fn write_source(world: &World, more: &str) {
    let folder = Path::new(world.variable("BELLHOP_CONFIG"));
    fs::write(folder.join("sources/lodgify.toml"), format!("{SOURCE}{more}")).unwrap();
    world.signal("ingest", "HUP");
}

fn phone(number: u32) -> String {
    format!("+3069123{number:05}")
}

fn payload(sample: &str, number: u32) -> Vec<u8> {
    let now = json!(chrono::Utc::now());
    let mut body: Value = serde_json::from_str(sample).unwrap();
    for (pointer, value) in [
        ("/booking/id", json!(number)),
        ("/booking/date_created", now.clone()),
        ("/current_order/date_agreed", now),
        ("/booking/source", json!("Manual")),
        ("/booking/date_arrival", json!("2027-05-21T00:00:00")),
        ("/booking/date_departure", json!("2027-05-24T00:00:00")),
        ("/guest/name", json!("Ada Lovelace")),
        ("/guest/phone_number", json!(phone(number))),
    ] {
        // A request has no order yet.
        if let Some(field) = body.pointer_mut(pointer) {
            *field = value;
        }
    }
    body.to_string().into_bytes()
}

/// Sends a payload until the source's file is known there, and returns the answer.
async fn post(world: &World, body: Vec<u8>) -> Value {
    world
        .until("the platform is answered", async || {
            let (status, answer) = world.send_as("/webhooks/lodgify", "letmein", body.clone()).await;
            (status == 200).then(|| serde_json::from_str(&answer).unwrap())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broken_mapping_could_not_read_is_applied_once_it_is_mended_and_nobody_is_reminded_of_what_they_booked()
 {
    let world = World::start(&ResortFile::default()).await;
    write_source(&world, BROKEN).await;
    let unmappable = json!({ "status": "accepted", "reason": "unmappable" });
    for number in 0..CARTS_BOOKED + CARTS_LEFT {
        assert_eq!(post(&world, payload(REQUEST, number)).await, unmappable);
    }
    for number in 0..CARTS_BOOKED {
        assert_eq!(post(&world, payload(BOOKED, number)).await, unmappable);
    }
    for number in 0..BOOKINGS {
        assert_eq!(post(&world, payload(BOOKED, 1_000 + number)).await, unmappable);
    }
    let all = (2 * CARTS_BOOKED + CARTS_LEFT + BOOKINGS) as usize;
    world
        .until("all are dead letters", async || {
            (world.letters("--reason unmappable --source lodgify").await.len() == all).then_some(())
        })
        .await;

    write_source(&world, "").await;
    let retry = "letters retry --all --reason unmappable --source lodgify";
    world.desk(&format!("{retry} --dry-run")).await.check(0);
    assert_eq!(world.letters("--reason unmappable").await.len(), all);
    world.desk(retry).await.check(0);

    assert_eq!(world.letters("--reason unmappable").await.len(), 0);
    for number in (0..CARTS_BOOKED).chain(1_000..1_000 + BOOKINGS) {
        world.until_received(&phone(number), 1).await;
        assert_eq!(world.names_received_by(&phone(number)).await, ["confirmed"]);
    }
    for number in CARTS_BOOKED..CARTS_BOOKED + CARTS_LEFT {
        world.until_received(&phone(number), 2).await;
        assert_eq!(
            world.names_received_by(&phone(number)).await,
            ["reminder_1", "reminder_2"]
        );
    }
}
