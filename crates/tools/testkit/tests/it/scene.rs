//! Guests, and situations that several tests begin with.

use std::collections::BTreeSet;

use domain::message::MessageKind;
use domain::message::MessageState::Queued;
use futures_util::future::join_all;
use serde_json::json;
use testkit::world::{Event, ResortFile, World};

pub(crate) const ADA: &str = "+306912345678";
pub(crate) const BOB: &str = "+306912345679";
pub(crate) const EVE: &str = "+306912345680";

pub(crate) use MessageKind::{
    Reminder1 as REMINDER_1, Reminder2 as REMINDER_2, ReservationConfirmation as CONFIRMATION,
    ReviewRequest as REVIEW_REQUEST,
};

/// The booking and the number of one of many guests.
pub(crate) fn guest(number: usize) -> (String, String) {
    (format!("BK-{number}"), format!("+3069{number:08}"))
}

/// A world whose confirmations WhatsApp has refused for good, of so many [`guest`]s who all came at once; it takes them now.
pub(crate) async fn dead_messages_at_once(guests: usize) -> World {
    let world = World::start(&ResortFile::patient()).await;
    let refused = json!({ "times": guests, "answer": { "error": 131_026 } });
    world.tell_sandbox("failures", &refused).await;
    let events: Vec<Event> = (0..guests)
        .map(guest)
        .map(|(booking, phone)| Event::confirmed(&booking, &phone))
        .collect();
    for some in events.chunks(50) {
        join_all(some.iter().map(|event| world.post(event))).await;
    }
    let dead = u32::try_from(guests).ok();
    let all = async || (Some(world.depths().await.dead_messages) == dead).then_some(());
    world.until("every letter is on the queue", all).await;
    world
}

/// Waits until each of so many guests has got one message, and checks that none has got two.
pub(crate) async fn each_guest_gets_one_message(world: &World, guests: usize) {
    let all = async || (world.received_by_anyone().await.len() >= guests).then_some(());
    world.until("every message is sent", all).await;
    world.until_reports(3 * i64::try_from(guests).unwrap()).await;
    let received = world.received_by_anyone().await;
    let numbers: BTreeSet<_> = received.iter().map(|message| &message.to).collect();
    assert_eq!((received.len(), numbers.len()), (guests, guests));
}

/// A cart whose first reminder WhatsApp has just refused for a passing reason: it waits for its next try.
pub(crate) async fn waiting_reminder(world: &World, abandoned: &Event, booking: &str, phone: &str) {
    let refuse = json!({ "when": { "to": phone }, "times": 1, "answer": { "error": 131_016 } });
    world.tell_sandbox("failures", &refuse).await;
    world.post(abandoned).await;
    world
        .until("the reminder waits for its next try", async || {
            let found = world.message(booking, REMINDER_1).await?.existing;
            (found.state == Queued && found.attempts == 1).then_some(())
        })
        .await;
}

/// Messages that wait for their next try are due.
pub(crate) async fn ten_seconds_go_by(world: &World) {
    let database = world.database();
    database
        .execute(
            "UPDATE messages SET due_at = clock_timestamp(), publish_at = clock_timestamp() \
             WHERE state = 'queued' AND retries > 0 AND due_at > clock_timestamp()",
        )
        .await;
}
