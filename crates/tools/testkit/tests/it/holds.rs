//! Whole scopes that WhatsApp refuses, and pauses of people: everything waits, nothing is lost or bursts.

use std::collections::BTreeSet;

use domain::message::{MessageState, Reason};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use testkit::world::{Event, NUMBER, ResortFile, World};

use crate::scene::{ADA, BOB, CONFIRMATION, EVE, REMINDER_1};

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

async fn desk(world: &World, arguments: &str) -> String {
    world.desk(arguments).await.check(0).stdout.clone()
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

// shows: B81
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_whatsapp_blocks_holds_its_messages_until_a_person_resumes_it() {
    let world = World::start(&ResortFile::patient()).await;
    let blocked = json!({ "answer": { "error": 131_031, "retry_after": 3_600 } });
    world.tell_sandbox("failures", &blocked).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;
    let held = world.until_state("BK-1", CONFIRMATION, MessageState::Held).await;
    world.heal_sandbox().await;
    let listed = desk(&world, "holds").await;
    let resumed = desk(&world, &format!("resume --number {NUMBER}")).await;

    assert_eq!(held.reason.as_deref(), Some("account"));
    assert!(listed.contains(NUMBER) && listed.contains("131031"), "{listed}");
    assert!(resumed.contains(NUMBER), "{resumed}");
    let sent = world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    assert_eq!(sent.existing.attempts, 2);
}

// shows: B81
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_pauses_waits_and_goes_when_it_is_resumed_unless_it_is_not_wanted_any_more() {
    let world = World::start(&ResortFile::patient()).await;

    let pause = "pause --resort azure-bay --kind reminder_1";
    desk(&world, &format!("{pause} --note stormy")).await;
    for (cart, phone) in [("CART-1", ADA), ("CART-2", BOB)] {
        world.post(&Event::abandoned(cart, phone)).await;
        let held = world.until_state(cart, REMINDER_1, MessageState::Held).await;
        assert_eq!(held.reason.as_deref(), Some("paused"));
    }
    let again = desk(&world, pause).await;
    world
        .post(&Event::confirmed("BK-1", ADA).from_cart("CART-1"))
        .await;
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    desk(&world, "resume --resort azure-bay").await;

    assert!(again.contains("anna") && !again.contains("stormy"), "{again}");
    world.until_state("CART-2", REMINDER_1, MessageState::Read).await;
    let withdrawn = world
        .until_state("CART-1", REMINDER_1, MessageState::Withdrawn)
        .await;
    assert_eq!(withdrawn.existing.reason, Some(Reason::BecameReservation));
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B80
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_template_is_called_for_once_and_the_fallback_goes_instead() {
    let world = World::start(&ResortFile::patient()).await;
    let paused = json!({ "name": "confirmed", "language": "en_US", "status": "PAUSED" });
    world.tell_sandbox("templates", &paused).await;

    for (booking, phone) in [("BK-1", ADA), ("BK-2", BOB), ("BK-3", EVE)] {
        world.post(&Event::confirmed(booking, phone)).await;
        world.until_state(booking, CONFIRMATION, MessageState::Read).await;
        assert_eq!(world.names_received_by(phone).await, ["contact"]);
    }

    let calls = world.calls().await;
    let refused = calls.iter().filter(|call| !call.accepted).count();
    assert!(
        refused <= 3,
        "{refused}: one, and tries after 1 s and 2 s at most"
    );
}

// shows: B80
#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_comes_back_frees_what_had_no_fallback_to_take() {
    let without_fallback = ResortFile {
        templates: "[templates.reservation_confirmation.en]\nname = \"confirmed\"\nlanguage = \"en_US\"\n\
                    body = [\"resort.name\", \"resort.name\", \"resort.name\"]\n"
            .to_owned(),
        ..ResortFile::patient()
    };
    let world = World::start(&without_fallback).await;
    let template = |status: &str| json!({ "name": "confirmed", "language": "en_US", "status": status });
    world.tell_sandbox("templates", &template("PAUSED")).await;

    world.post(&Event::confirmed("BK-1", ADA)).await;
    let held = world.until_state("BK-1", CONFIRMATION, MessageState::Held).await;
    world.tell_sandbox("templates", &template("APPROVED")).await;

    assert_eq!(held.reason.as_deref(), Some("template"));
    world.until_state("BK-1", CONFIRMATION, MessageState::Read).await;
    assert_eq!(world.names_received_by(ADA).await, ["confirmed"]);
}

// shows: B90
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_whom_whatsapp_says_to_refuse_marketing_gets_no_more_of_it_and_no_letter_is_written() {
    let world = World::start(&ResortFile::patient()).await;
    world
        .tell_sandbox("failures", &json!({ "times": 1, "answer": { "error": 131_050 } }))
        .await;

    world.post(&Event::abandoned("CART-1", ADA)).await;
    let skipped = world
        .until_state("CART-1", REMINDER_1, MessageState::Skipped)
        .await;
    world.post(&Event::abandoned("CART-2", ADA)).await;
    let next = world
        .until_state("CART-2", REMINDER_1, MessageState::Skipped)
        .await;

    assert_eq!(skipped.existing.reason, Some(Reason::OptedOut));
    assert_eq!(
        (next.existing.reason, next.existing.attempts),
        (Some(Reason::OptedOut), 0)
    );
    assert_eq!(world.depths().await.dead_messages, 0);
}
