//! WhatsApp accepts a season of messages and reports later that they failed. `crates/processor/tests` shows each code.

use std::time::Duration;

use domain::message::MessageState;
use serde_json::json;
use testkit::world::{Event, NUMBER, ResortFile, World};

fn guest(number: usize) -> (String, String) {
    (format!("BK-{number}"), format!("+3069{number:08}"))
}

/// Every message is accepted and fails, with this code, so much later.
async fn fail_late(world: &World, code: i64, after_ms: u64) {
    let rule = json!({ "notify": { "error": code, "after_ms": after_ms } });
    world.tell_sandbox("failures", &rule).await;
}

fn holds_laid(world: &World) -> usize {
    let logs = world.logs();
    logs.lines()
        .filter(|line| line.contains(r#""alert":"hold_laid""#))
        .count()
}

async fn dead_letters(world: &World) -> usize {
    world.letters("").await.len()
}

// shows: B84
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_problem_that_is_reported_late_stops_a_season_of_confirmations_and_costs_none() {
    const GUESTS: usize = 30;
    let world = World::start(&ResortFile::patient()).await;
    fail_late(&world, 131_042, 300).await;

    let mut pace = tokio::time::interval(Duration::from_millis(300));
    for number in 1..=GUESTS {
        pace.tick().await;
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }
    // One may be trying at this moment.
    world.until_in_state(MessageState::Held, GUESTS - 1).await;
    let calls = world.calls().await.len();
    let letters = dead_letters(&world).await;
    world.heal_sandbox().await;
    world.desk(&format!("resume --number {NUMBER}")).await;
    world.until_in_state(MessageState::Read, GUESTS).await;

    assert!(calls <= 10, "{calls} calls");
    assert_eq!((letters, dead_letters(&world).await), (0, 0));
    assert_eq!(holds_laid(&world), 1);
    for number in 1..=GUESTS {
        let retries = "SELECT coalesce(max(retries), 0)::bigint AS count FROM messages";
        assert_eq!(world.database().count(retries).await, 0, "guest {number}");
        let names = world.names_received_by(&guest(number).1).await;
        assert_eq!(names.last().map(String::as_str), Some("confirmed"));
    }
}
