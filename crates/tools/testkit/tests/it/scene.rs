//! Guests, and situations that several tests begin with.

use domain::message::MessageKind;
use domain::message::MessageState::Queued;
use serde_json::json;
use testkit::world::{Event, World};

pub(crate) const ADA: &str = "+306912345678";
pub(crate) const BOB: &str = "+306912345679";
pub(crate) const EVE: &str = "+306912345680";

pub(crate) use MessageKind::{
    Reminder1 as REMINDER_1, Reminder2 as REMINDER_2, ReservationConfirmation as CONFIRMATION,
    ReviewRequest as REVIEW_REQUEST,
};

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
