//! Programs that are killed, stopped, or started several times.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use crypto::key_ring::KeyRing;
use domain::facts::{Fact, Stamp};
use domain::ids::{BookingId, BookingKey, ResortId};
use domain::message::MessageState;
use domain::plan::Status;
use domain::stay::Personal;
use futures_util::future::join_all;
use store::bookings;
use store::planning::{self, Planner};
use testkit::world::{Event, RESORT, ResortFile, World};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::scene::{BOB, CONFIRMATION, EVE};

const BOOKINGS: usize = 40;

// shows: B102, G2, G19
#[tokio::test(flavor = "multi_thread")]
async fn programs_that_are_killed_started_several_times_and_stopped_lose_nothing_and_send_nothing_twice() {
    let mut world = World::start(&ResortFile::patient()).await;

    what_a_cart_hears_while_it_becomes_a_reservation_is_inherited(&world).await;
    a_processor_that_is_killed_loses_nothing_and_sends_nothing_twice(&mut world).await;
    three_processors_and_a_storm_of_one_guests_events_confirm_each_booking_once(&mut world).await;
    a_program_that_is_asked_to_stop_ends_with_0(world).await;
}

async fn a_processor_that_is_killed_loses_nothing_and_sends_nothing_twice(world: &mut World) {
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

async fn three_processors_and_a_storm_of_one_guests_events_confirm_each_booking_once(world: &mut World) {
    world.start_processor().await;
    world.start_processor().await;
    let bookings: Vec<String> = (0..20).map(|number| format!("ST-{number}")).collect();
    let minutes = TimeDelta::minutes;

    let storm = bookings.iter().flat_map(|booking| {
        [
            Event::new("guest_checked_in", booking).ago(minutes(1)),
            Event::abandoned(booking, BOB).ago(minutes(3)),
            Event::confirmed(booking, BOB).ago(minutes(2)),
            Event::started(booking, BOB).ago(minutes(4)),
        ]
    });
    let storm: Vec<Event> = storm.collect();
    join_all(storm.iter().map(|event| world.post(event))).await;

    for booking in &bookings {
        world.until_events(booking, 4).await;
        world.until_status(booking, Status::CheckedIn).await;
        world.until_state(booking, CONFIRMATION, MessageState::Read).await;
    }
    let names = world.names_received_by(BOB).await;
    assert_eq!(
        names.iter().filter(|name| *name == "confirmed").count(),
        bookings.len()
    );
    assert_eq!(world.depths().await.dead_events, 0);
}

async fn a_program_that_is_asked_to_stop_ends_with_0(world: World) {
    let ended = world.stop_everything().await;

    let names = ["ingest", "sender", "processor", "processor", "processor"];
    assert_eq!(ended, names.map(|name| (name.to_owned(), Some(0))));
}

/// Another program learns that the cart is a reservation now; it commits when the returned sender is used.
async fn somebody_learns(world: &World, became: BookingKey) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let ring = Arc::new(KeyRing::parse(world.variable("BELLHOP_KEYS")).unwrap());
    let store = world.database().store();
    let (learnt, wait_until_learnt) = oneshot::channel();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();
    let work = move |connection: &mut store::Connection| {
        let cart = key("CART-1");
        let keys = [cart.clone(), became.clone()].into();
        let mut locked = bookings::lock_or_begin(connection, &ring, &keys, &keys)?;
        let stamp = Stamp {
            at: Utc::now(),
            rank: 0,
            event: "direct/evt_order".to_owned(),
        };
        let value = became.booking.clone();
        let cart = locked.iter_mut().find(|booking| booking.key == cart).unwrap();
        cart.facts.became = Some(Fact { stamp, value });
        let planner = Planner {
            due: store::planning::DueIds::Relay,
            ring,
            resorts: Arc::default(),
        };
        planning::replan(connection, &planner, Utc::now(), &locked)?;
        learnt.send(()).unwrap();
        wait_to_go_on.blocking_recv().unwrap();
        Ok(())
    };
    let task = tokio::spawn(async move { store.transaction(work).await.unwrap() });
    wait_until_learnt.await.unwrap();
    (go_on, task)
}

fn key(booking: &str) -> BookingKey {
    BookingKey {
        resort: ResortId::parse(RESORT).unwrap(),
        booking: BookingId::parse(booking).unwrap(),
    }
}

async fn what_a_cart_hears_while_it_becomes_a_reservation_is_inherited(world: &World) {
    let (go_on, other) = somebody_learns(world, key("RES-1")).await;

    world.post(&Event::started("CART-1", EVE)).await;
    let waiting = "SELECT count(*) AS count FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    world
        .until("the processor waits for the cart", async || {
            (world.database().count(waiting).await > 0).then_some(())
        })
        .await;
    go_on.send(()).unwrap();
    other.await.unwrap();

    world.until_events("CART-1", 1).await;
    let reservation = world.booking("RES-1").await.unwrap();
    assert_eq!(
        reservation.facts.phone.map(|phone| phone.value),
        Some(Personal::new(EVE))
    );
}
