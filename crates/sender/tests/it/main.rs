//! A sender in process, one step at a time, against a real database and the emulated WhatsApp.
//!
//! No test starts a process, a queue or a loop: [`scene::Scene`] applies events as the processor does, takes due ids as
//! the relay does, and drives `sender::steps`.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod answers;
mod claims;
mod content;
mod files;
mod guest_limits;
mod hold_out;
mod holds;
mod marketing;
#[cfg(test)]
mod metrics;
mod permission;
mod reconcile;
mod recording;
mod scene;
mod staff_answers;
mod statuses;
mod times;
mod traces;
mod unreachable;
