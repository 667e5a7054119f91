//! Programs that are killed, stopped, or started several times.

use chrono::TimeDelta;
use domain::message::MessageState;
use domain::plan::Status;
use futures_util::future::join_all;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, CONFIRMATION};

const BOOKINGS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_is_killed_loses_nothing_and_sends_nothing_twice() {
    let mut world = World::start(&ResortFile::patient()).await;
    let booking = |number: usize| format!("BK-{number}");
    let phone = |number: usize| format!("+3069123456{number:02}");

    for number in 0..BOOKINGS / 2 {
        world
            .post(&Event::confirmed(&booking(number), &phone(number)))
            .await;
    }
    world.kill_processors();
    for number in BOOKINGS / 2..BOOKINGS {
        world
            .post(&Event::confirmed(&booking(number), &phone(number)))
            .await;
    }
    world.start_processor().await;

    for number in 0..BOOKINGS {
        world
            .until_state(&booking(number), CONFIRMATION, MessageState::Read)
            .await;
        assert_eq!(world.names_received_by(&phone(number)).await, ["confirmed"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processors_and_a_storm_of_one_guests_events_confirm_each_booking_once() {
    let mut world = World::start(&ResortFile::patient()).await;
    world.start_processor().await;
    world.start_processor().await;
    let bookings: Vec<String> = (0..20).map(|number| format!("BK-{number}")).collect();
    let minutes = TimeDelta::minutes;

    let storm = bookings.iter().flat_map(|booking| {
        [
            Event::new("guest_checked_in", booking).ago(minutes(1)),
            Event::abandoned(booking, ADA).ago(minutes(3)),
            Event::confirmed(booking, ADA).ago(minutes(2)),
            Event::started(booking, ADA).ago(minutes(4)),
        ]
    });
    let storm: Vec<Event> = storm.collect();
    join_all(storm.iter().map(|event| world.post(event))).await;

    for booking in &bookings {
        world.until_events(booking, 4).await;
        world.until_status(booking, Status::CheckedIn).await;
        world.until_state(booking, CONFIRMATION, MessageState::Read).await;
    }
    let names = world.names_received_by(ADA).await;
    assert_eq!(
        names.iter().filter(|name| *name == "confirmed").count(),
        bookings.len()
    );
    assert_eq!(world.depths().await.dead_events, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_asked_to_stop_ends_with_0() {
    let world = World::start(&ResortFile::patient()).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;

    let ended = world.stop_everything().await;

    assert_eq!(
        ended,
        [("ingest", Some(0)), ("sender", Some(0)), ("processor", Some(0))]
            .map(|(name, code)| (name.to_owned(), code))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cart_hears_while_it_becomes_a_reservation_is_inherited() {
    let mut world = World::start(&ResortFile::patient()).await;
    let still = [("BELLHOP_STALL_AT", "processor.events.written")];
    world.replace("processor", &still).await;
    // Without a number nobody can be written to.
    let confirmed = Event::new("reservation_confirmed", "BK-1").from_cart("CART-1");
    world.post(&confirmed).await;
    world.until_still("processor").await;
    world.start_also("processor", &[]).await;

    world.post(&Event::started("CART-1", ADA)).await;
    let waiting = "SELECT count(*) AS count FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    world
        .until("the other one waits for the cart", async || {
            (world.database().count(waiting).await > 0).then_some(())
        })
        .await;
    world.signal("processor", "CONT");

    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}
