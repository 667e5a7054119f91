//! `ingest` crashes around a publication: the platform gets no answer and asks again.

use domain::message::MessageState::Read;
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

use super::{check_books, check_guest, dying_at, guest};
use crate::scene::CONFIRMATION;

pub(super) const TRIED: &[&[&str]] = &[EVENTS, UPDATES];

const EVENTS: &[&str] = &["ingest.event.checked", "ingest.event.confirmed"];
const UPDATES: &[&str] = &["ingest.updates.checked", "ingest.updates.confirmed"];

// shows: G3
#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_that_dies_around_a_publication_is_asked_again_and_each_event_counts_once() {
    let mut world = World::start(&ResortFile::patient()).await;
    for (number, point) in EVENTS.iter().enumerate() {
        let (booking, phone) = guest(number);
        let event = Event::confirmed(&booking, &phone);
        world.replace("ingest", &dying_at(point)).await;
        assert!(world.try_to_send(&event).await.is_none(), "nobody answered");
        world.until_dead("ingest", point).await;
        world.replace("ingest", &[]).await;
        world.post(&event).await;
        world.until_state(&booking, CONFIRMATION, Read).await;
    }
    for (number, point) in UPDATES.iter().enumerate() {
        world.replace("ingest", &dying_at(point)).await;
        let text = json!({ "from": guest(number).1, "text": "hello" });
        world.tell_sandbox("inbound", &text).await;
        world.until_dead("ingest", point).await;
        world.replace("ingest", &[]).await;
        world.until_guests_heard(i64::try_from(number).unwrap() + 1).await;
    }

    for number in 0..EVENTS.len() {
        check_guest(&world, number, 1, &["confirmed"]).await;
    }
    let heard = "SELECT count(*) AS count FROM events WHERE event_type = 'whatsapp_message'";
    assert_eq!(world.database().count(heard).await, 2);
    check_books(&world).await;
}
