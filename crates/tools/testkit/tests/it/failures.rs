//! Failures of the world around: WhatsApp refuses or keeps silent, Postgres goes away.

use std::cell::Cell;

use domain::message::MessageState;
use reqwest::StatusCode;
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

use crate::scene::{ADA, CONFIRMATION, ten_seconds_go_by};

// shows: B76
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_for_good_is_a_dead_letter_at_once() {
    let world = World::start(&ResortFile::patient()).await;
    world
        .tell_sandbox("failures", &json!({ "answer": { "error": 131_026 } }))
        .await;

    world.post(&Event::confirmed("BK-1", ADA)).await;

    let dead = world.until_state("BK-1", CONFIRMATION, MessageState::Dead).await;
    assert_eq!((dead.existing.attempts, dead.error_code), (1, Some(131_026)));
    world
        .until("the letter is on the queue", async || {
            (world.depths().await.dead_messages == 1).then_some(())
        })
        .await;
}

// shows: B75
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_refused_twice_for_a_passing_reason_goes_at_the_third_try() {
    let world = World::start(&ResortFile::patient()).await;
    world
        .tell_sandbox("failures", &json!({ "times": 2, "answer": { "error": 131_016 } }))
        .await;

    world.post(&Event::confirmed("BK-1", ADA)).await;

    let sent = world
        .until("the message is read", async || {
            ten_seconds_go_by(&world).await;
            let message = world.message("BK-1", CONFIRMATION).await?.existing;
            (message.state == MessageState::Read).then_some(message)
        })
        .await;
    assert_eq!(sent.attempts, 3);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B92
#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_answer_was_lost_is_settled_by_whatsapps_report_and_not_repeated() {
    let world = World::start(&ResortFile::patient()).await;
    let lost =
        json!({ "times": 1, "answer": { "cut": true, "accepted": true }, "notify": { "after_ms": 1500 } });
    world.tell_sandbox("failures", &lost).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;

    world
        .until_state("BK-1", CONFIRMATION, MessageState::Unknown)
        .await;
    let settled = world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    assert_eq!(settled.existing.attempts, 1);
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B71
#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_whatsapp_does_not_know_gives_way_to_the_fallback() {
    let world = World::start(&ResortFile::patient()).await;
    let unknown = json!({ "when": { "template": "confirmed" }, "answer": { "error": 132_001 } });
    world.tell_sandbox("failures", &unknown).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;

    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    assert_eq!(world.names_received_by(ADA).await, ["contact"]);
}

// shows: B101, G7
#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_events_wait_and_none_becomes_a_dead_letter() {
    let world = World::start(&ResortFile::patient()).await;
    let bookings = ["BK-1", "BK-2", "BK-3"];
    world.database().shut().await;

    for booking in bookings {
        world.post(&Event::confirmed(booking, ADA)).await;
    }
    world
        .until("the processor has noticed", async || {
            world.logs().contains("database step failed").then_some(())
        })
        .await;
    world.database().open().await;

    for booking in bookings {
        world.until_state(booking, CONFIRMATION, MessageState::Read).await;
    }
    let depths = world.depths().await;
    assert_eq!((depths.dead_events, depths.dead_messages), (0, 0));
    assert_eq!(world.received_by(ADA).await.len(), bookings.len());
}

// shows: G7
#[tokio::test(flavor = "multi_thread")]
async fn in_a_long_outage_of_postgres_a_processor_leaves_its_events_to_others() {
    let world = World::start(&ResortFile::patient()).await;
    world.database().shut().await;

    world.post(&Event::confirmed("BK-1", ADA)).await;
    world
        .until("the event is in nobody's hands", async || {
            let logs = world.logs();
            (logs.contains("events in hand go back") && world.depths().await.events == 1).then_some(())
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

// shows: G20
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_took_too_long_is_given_back_without_a_call() {
    let world = World::start(&ResortFile::patient()).await;
    let slow = "CREATE FUNCTION dawdle() RETURNS trigger AS $$ BEGIN \
         IF new.state = 'sending' AND new.attempts = 1 THEN PERFORM pg_sleep(2.2); END IF; RETURN new; END $$ LANGUAGE plpgsql; \
         CREATE TRIGGER dawdle BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION dawdle()";
    world.database().execute(slow).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;

    let sent = world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(world.calls().await.len(), 1);
}
