//! A thousand messages under one hold, with two senders. `crates/sender/tests` shows what each step does.

use std::collections::BTreeSet;

use domain::message::MessageState;
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

/// A hold's first call, and a try after one and after two more seconds, by two senders.
const HANDFUL: usize = 8;

fn guest(number: usize) -> (String, String) {
    (format!("BK-{number}"), format!("+3069{number:08}"))
}

/// Confirmations of so many guests, posted several at once.
async fn confirm(world: &World, guests: usize) {
    let posting = stream::iter(1..=guests).map(|number| async move {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    });
    posting.buffer_unordered(20).collect::<Vec<()>>().await;
}

// shows: B78
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_under_a_thousand_messages_stops_them_and_comes_back_without_a_loss() {
    const GUESTS: usize = 1_000;
    let mut world = World::start(&ResortFile::patient()).await;
    world.start_sender().await;
    world
        .tell_sandbox("failures", &json!({ "answer": { "error": 190 } }))
        .await;

    confirm(&world, GUESTS).await;
    world.until_in_state(MessageState::Held, GUESTS - 1).await;
    let refused = world.calls().await.len();
    world.heal_sandbox().await;
    world.until_in_state(MessageState::Read, GUESTS).await;

    assert!(refused <= HANDFUL, "{refused} calls");
    let calls = world.calls().await;
    let taken: Vec<_> = calls.iter().filter(|call| call.accepted).collect();
    let guests: BTreeSet<_> = taken.iter().map(|call| &call.to).collect();
    assert_eq!((taken.len(), guests.len()), (GUESTS, GUESTS));
    assert!(calls.len() <= GUESTS + HANDFUL, "{} calls", calls.len());
    assert_eq!(world.depths().await.dead_messages, 0);
    let alerts = world
        .logs()
        .lines()
        .filter(|line| line.contains(r#""alert":"hold_laid""#))
        .count();
    assert_eq!(alerts, 1);
}
