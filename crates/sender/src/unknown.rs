//! Calls that nobody spoke of again: of a process that died, or without an answer.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use service::{Stop, periodic};
use store::results;

use crate::send::Sender;

/// A call ends within 15 s of its claim: what is still `sending` after a minute has lost its process.
const SENDING_FOR: TimeDelta = TimeDelta::seconds(60);
/// How long WhatsApp's report may take before a person is asked.
const UNKNOWN_FOR: TimeDelta = TimeDelta::minutes(30);

/// Looks every few seconds until the stop.
pub(crate) async fn run(sender: Arc<Sender>, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(5), || async {
        let settled = sender
            .store
            .transaction(|connection| results::settle_silence(connection, SENDING_FOR, UNKNOWN_FOR))
            .await;
        match settled {
            Ok((0, 0)) => {}
            Ok((unknown, dead)) => {
                sender
                    .metrics
                    .unanswered
                    .inc_by(u64::try_from(unknown).unwrap_or_default());
                log::error!(unknown = unknown, dead = dead, alert = true;
                    "calls were left without a word; they wait for WhatsApp's report or a person");
            }
            Err(error) => {
                log::warn!(error = service::chain(&error); "could not look for calls without an answer")
            }
        }
    })
    .await;
}
