//! WhatsApp accepts messages and reports later that they failed.

use std::time::Duration;

use domain::message::{MessageState, Reason};
use serde_json::json;
use testkit::world::{Event, NUMBER, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION, REMINDER_1};

fn guest(number: usize) -> (String, String) {
    (format!("BK-{number}"), format!("+3069{number:08}"))
}

/// Every message is accepted and fails, with this code, so much later.
async fn fail_late(world: &World, code: i64, after_ms: u64) {
    let rule = json!({ "notify": { "error": code, "after_ms": after_ms } });
    world.tell_sandbox("failures", &rule).await;
}

fn alerts(world: &World, sentence: &str) -> usize {
    let logs = world.logs();
    let lines = logs.lines().filter(|line| line.contains(r#""alert":""#));
    lines.filter(|line| line.contains(sentence)).count()
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
    assert_eq!(alerts(&world, "sending is on hold"), 1);
    for number in 1..=GUESTS {
        let retries = "SELECT coalesce(max(retries), 0)::bigint AS count FROM messages";
        assert_eq!(world.database().count(retries).await, 0, "guest {number}");
        let names = world.names_received_by(&guest(number).1).await;
        assert_eq!(names.last().map(String::as_str), Some("confirmed"));
    }
}

// shows: B85
#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_probe_does_not_end_a_hold_that_a_status_laid_and_its_delivery_does() {
    let world = World::start(&ResortFile::patient()).await;
    fail_late(&world, 131_042, 0).await;
    for number in 1..=3 {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }
    let tried_again = async || {
        let logs = world.logs();
        logs.contains("the hold lasts twice as long").then_some(())
    };
    world.until("a probe was accepted and failed", tried_again).await;

    world.heal_sandbox().await;
    world.until_in_state(MessageState::Read, 3).await;

    assert!(world.logs().contains("the hold is over: WhatsApp delivers again"));
    assert_eq!(alerts(&world, "sending is on hold"), 1);
    assert_eq!(dead_letters(&world).await, 0);
}

// shows: B86
#[tokio::test(flavor = "multi_thread")]
async fn guests_who_have_had_enough_marketing_are_left_alone_for_a_day_and_then_for_good_without_a_letter() {
    const CARTS: usize = 5;
    let world = World::start(&ResortFile::patient()).await;
    fail_late(&world, 131_049, 0).await;
    for number in 1..=CARTS {
        let (cart, phone) = guest(number);
        world.post(&Event::abandoned(&cart, &phone)).await;
    }
    let rest = "SELECT count(*) AS count FROM messages WHERE state = 'queued' AND rested \
                AND due_at > clock_timestamp() + interval '23 hours'";
    let all_rest = async || (world.database().count(rest).await == 5).then_some(());
    world.until("all rest", all_rest).await;

    world
        .database()
        .execute(
            "UPDATE messages SET due_at = clock_timestamp(), publish_at = clock_timestamp() WHERE rested",
        )
        .await;

    for number in 1..=CARTS {
        let ended = world
            .until_state(&guest(number).0, REMINDER_1, MessageState::Skipped)
            .await;
        assert_eq!(
            (ended.existing.reason, ended.existing.attempts),
            (Some(Reason::MarketingLimit), 2)
        );
    }
    assert_eq!(dead_letters(&world).await, 0);
}

// shows: B84
#[tokio::test(flavor = "multi_thread")]
async fn free_text_that_fails_since_the_guests_window_is_over_is_followed_by_the_fallbacks_template() {
    let resort = ResortFile {
        templates: "[fallback]\ntemplate.en = { name = \"contact\", language = \"en_US\", body = [\"resort.name\"] }\n\
                    text.reservation_confirmation.en = \"Your stay at {resort.name} is confirmed.\"\n"
            .to_owned(),
        ..ResortFile::patient()
    };
    let world = World::start(&resort).await;
    let over = json!({ "when": { "kind": "text" }, "notify": { "error": 131_047 } });
    world.tell_sandbox("failures", &over).await;
    let inbound = json!({ "from": BOB, "text": "Hello!", "phone_number_id": NUMBER });
    world.tell_sandbox("inbound", &inbound).await;
    world.until_guests_heard(1).await;

    world.post(&Event::confirmed("BK-1", BOB)).await;

    let sent = world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    assert_eq!(sent.existing.attempts, 2);
    assert_eq!(world.names_received_by(BOB).await, ["text", "contact"]);
    assert_eq!(dead_letters(&world).await, 0);
}

// shows: B87
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_is_not_certain_waits_for_the_delivery_that_contradicts_it() {
    let world = World::start(&ResortFile::patient()).await;
    let contradicted =
        json!({ "notify": { "error": 131_000, "statuses": ["failed", "delivered"], "every_ms": 300 } });
    world.tell_sandbox("failures", &contradicted).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;

    let delivered = world
        .until_state("BK-1", CONFIRMATION, MessageState::Delivered)
        .await;
    assert_eq!(delivered.existing.attempts, 1);
    assert_eq!(dead_letters(&world).await, 0);
}
