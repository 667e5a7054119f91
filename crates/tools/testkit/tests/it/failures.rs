//! Postgres and RabbitMQ go away.

use std::cell::Cell;

use domain::message::MessageState;
use reqwest::StatusCode;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, CONFIRMATION};

// shows: G7
#[tokio::test(flavor = "multi_thread")]
async fn in_a_long_outage_of_postgres_a_processor_leaves_its_events_to_others() {
    let world = World::start(&ResortFile::patient()).await;
    world.database().shut().await;

    world.post(&Event::confirmed("BK-1", ADA)).await;
    world
        .until("no process holds the event", async || {
            let logs = world.logs();
            // A report on the source may wait there too.
            (logs.contains(r#""event":"postgres_away""#) && world.depths().await.events >= 1).then_some(())
        })
        .await;
    world.database().open().await;

    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    assert_eq!(world.depths().await.dead_events, 0);
}

// shows: G15
#[tokio::test(flavor = "multi_thread")]
async fn connections_to_rabbitmq_that_are_cut_lose_nothing_and_send_nothing_twice() {
    let world = World::start(&ResortFile::patient()).await;
    let (posted, cut) = (Cell::new(0), Cell::new(false));
    // A guest each: one guest is not written to so often.
    let booking = |number: usize| format!("BK-{number}");
    let phone = |number: usize| format!("+3069{number:08}");
    let posting = async {
        while !cut.get() || posted.get() < 50 {
            let event = Event::confirmed(&booking(posted.get()), &phone(posted.get()));
            // A platform sends again what was answered with 503.
            world
                .until("the event is accepted", async || {
                    (world.send(&event).await.0 == StatusCode::OK).then_some(())
                })
                .await;
            posted.set(posted.get() + 1);
        }
    };
    let cutting = async {
        world
            .until("there are connections to be cut", async || {
                (world.vhost().cut_connections().await > 0).then_some(())
            })
            .await;
        cut.set(true);
    };

    tokio::join!(posting, cutting);

    for number in 0..posted.get() {
        world
            .until_state(&booking(number), CONFIRMATION, MessageState::Read)
            .await;
    }
    let calls = world.calls().await;
    assert_eq!(calls.iter().filter(|call| call.accepted).count(), posted.get());
    assert_eq!(world.depths().await.dead_events, 0);
}
