//! Older and newer versions side by side: programs of today with a schema and with envelopes of tomorrow.

use domain::message::MessageState::Read;
use serde_json::{Value, json};
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION, REMINDER_1};

/// What a later version's migrations may do while today's programs run: expand.
const EXPANDED: &str = "\
    DO $$ DECLARE t regclass; BEGIN \
      FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP \
        EXECUTE format('ALTER TABLE %s ADD COLUMN tomorrow text NOT NULL DEFAULT ''unknown today''', t); \
      END LOOP; END $$; \
    CREATE TABLE of_tomorrow (id bigint PRIMARY KEY); \
    CREATE INDEX messages_of_tomorrow ON messages (tomorrow, state); \
    INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000001')";

/// A guest drifts away, is reminded, and books.
async fn one_journey(world: &World, booking: &str, phone: &str) {
    world.post(&Event::abandoned(booking, phone)).await;
    world.until_state(booking, REMINDER_1, Read).await;
    world.post(&Event::confirmed(booking, phone)).await;
    world.until_state(booking, CONFIRMATION, Read).await;
    assert_eq!(world.names_received_by(phone).await, ["reminder_1", "confirmed"]);
}

// shows: G5
#[tokio::test(flavor = "multi_thread")]
async fn programs_of_today_work_while_and_after_the_schema_becomes_tomorrows() {
    let mut world = World::start(&ResortFile::patient()).await;
    one_journey(&world, "BK-1", ADA).await;

    world.database().execute(EXPANDED).await;
    one_journey(&world, "BK-2", BOB).await;
    for name in ["processor", "sender"] {
        world.replace(name, &[]).await;
    }
    one_journey(&world, "BK-3", "+306912345681").await;

    world.desk("bookings show azure-bay BK-3").await.check(0);
    world.desk("ledger check").await.check(0);
}

/// The only event that lies in its queue, taken out.
async fn taken_out(world: &World) -> Value {
    let take = json!({ "count": 1, "ackmode": "ack_requeue_false", "encoding": "auto" });
    let found = world
        .vhost()
        .api("POST", "queues", "/events/get", Some(take))
        .await;
    serde_json::from_str(found[0]["payload"].as_str().unwrap()).unwrap()
}

// shows: G5
#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_with_fields_of_tomorrow_is_read_and_one_of_a_newer_version_is_given_back() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_processors();
    world.post(&Event::confirmed("BK-1", ADA)).await;
    let mut envelope = taken_out(&world).await;
    envelope["tomorrow"] = json!({ "priority": 7 });
    world.vhost().publish("events", &envelope.to_string()).await;
    let newer = json!({ "version": broker::envelope::VERSION + 1, "everything": "else" });
    world.vhost().publish("events", &newer.to_string()).await;

    world.start_processor().await;

    world.until_state("BK-1", CONFIRMATION, Read).await;
    world
        .until("the newer one is given back", async || {
            world.has_logged("event_given_back").then_some(())
        })
        .await;
    // It is redelivered again and again, and delays no other event.
    world.post(&Event::confirmed("BK-2", BOB)).await;
    world.until_state("BK-2", CONFIRMATION, Read).await;
    until_not_ready(&world, "newer than this program").await;
    assert_eq!(world.depths().await.dead_events, 0);
}

/// Waits until the processor says that it cannot do everything, and why.
async fn until_not_ready(world: &World, why: &str) {
    let (_, processor) = world.addresses().pop().unwrap();
    world
        .until("the processor says that it is not ready, and why", async || {
            let asked = reqwest::get(format!("http://{processor}/readyz")).await.unwrap();
            asked.text().await.unwrap().contains(why).then_some(())
        })
        .await;
}

// shows: G5
#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_booking_with_a_message_of_tomorrow_waits_at_no_cost_for_who_can_read_it() {
    let world = World::start(&ResortFile::patient()).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, Read).await;
    let tomorrow = "UPDATE messages SET kind = 'stay-survey'";
    world.database().execute(tomorrow).await;

    world.post(&Event::new("guest_checked_in", "BK-1")).await;

    until_not_ready(&world, "cannot read the stored message kind").await;
    world.post(&Event::confirmed("BK-2", BOB)).await;
    world.until_state("BK-2", CONFIRMATION, Read).await;
    let today = "UPDATE messages SET kind = 'reservation_confirmation' WHERE kind = 'stay-survey'";
    world.database().execute(today).await;
    assert_eq!(world.until_events("BK-1", 2).await, 2);
    assert!(!world.has_logged("event_refused"));
    assert_eq!(world.depths().await.dead_events, 0);
}
