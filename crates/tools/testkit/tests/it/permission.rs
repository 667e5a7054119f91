//! Guests who stop marketing in WhatsApp. `crates/sender/tests` shows who else gets no message.

use domain::message::{MessageState, Reason};
use serde_json::json;
use testkit::world::{Event, NUMBER, ResortFile, World};

use crate::scene::{ADA, CONFIRMATION, REMINDER_1};

/// Leaves a cart behind and expects that its reminder is skipped, while a reservation's confirmation goes.
async fn gets_confirmations_only(world: &World, reason: Reason) {
    world.post(&Event::abandoned("CART-9", ADA)).await;
    let reminder = world
        .until_state("CART-9", REMINDER_1, MessageState::Skipped)
        .await;
    assert_eq!(reminder.existing.reason, Some(reason));

    world.post(&Event::confirmed("BK-9", ADA)).await;
    world.until_state("BK-9", CONFIRMATION, MessageState::Read).await;
}

// shows: B43
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_answers_stop_gets_no_reminders_any_more() {
    let world = World::start(&ResortFile::patient()).await;

    world
        .tell_sandbox(
            "inbound",
            &json!({ "from": ADA, "text": "Stop!", "phone_number_id": NUMBER }),
        )
        .await;
    world.until_guests_heard(1).await;

    gets_confirmations_only(&world, Reason::OptedOut).await;
}

// shows: B47
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_stops_marketing_in_whatsapp_gets_no_reminders_until_they_resume() {
    let world = World::start(&ResortFile::patient()).await;
    let preference = |wish: &str| json!({ "from": ADA, "marketing": wish, "phone_number_id": NUMBER });

    world.tell_sandbox("inbound", &preference("stop")).await;
    world.until_guests_heard(1).await;
    world.post(&Event::abandoned("CART-1", ADA)).await;
    let reminder = world
        .until_state("CART-1", REMINDER_1, MessageState::Skipped)
        .await;
    // WhatsApp's times are whole seconds, and of two words of one second stop wins.
    world.tell_sandbox("clock", &json!({ "advance": "2s" })).await;
    world.tell_sandbox("inbound", &preference("resume")).await;

    assert_eq!(reminder.existing.reason, Some(Reason::OptedOut));
    // Still of use: it was skipped, not sent, and its time is not over.
    world.until_state("CART-1", REMINDER_1, MessageState::Read).await;
}
