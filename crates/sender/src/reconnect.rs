//! Probes WhatsApp after a call could not connect, with growing pauses, until a probe connects.
//!
//! Meanwhile `/readyz` stays 200 with a warning, because another process on this machine would fare no better.

use std::sync::Arc;
use std::time::Duration;

use domain::backoff::Backoff;
use service::Stop;
use service::health::Readiness;

use crate::context::Sender;
use crate::telemetry;

const BETWEEN_PROBES: Backoff = Backoff {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(10),
};
/// The warning's name in `/readyz`.
const WHATSAPP: &str = "whatsapp";

pub(crate) async fn run(sender: Arc<Sender>, readiness: Readiness, stop: Stop) {
    loop {
        tokio::select! {
            () = stop.stopped() => return,
            () = sender.reachability.until_unreachable() => {}
        }
        let mut failures = 0;
        while !probe(&sender, &readiness).await {
            failures += 1;
            tokio::select! {
                () = stop.stopped() => return,
                () = tokio::time::sleep(BETWEEN_PROBES.pause(failures, rand::random())) => {}
            }
        }
    }
}

/// Connects once, without a call. Returns whether it could.
pub(crate) async fn probe(sender: &Sender, readiness: &Readiness) -> bool {
    match sender.whatsapp.reach().await {
        Ok(()) => {
            readiness.clear_warning(WHATSAPP);
            telemetry::reachable(&sender.metrics, sender.reachability.regain().as_ref());
            true
        }
        Err(reason) => {
            readiness.warn(WHATSAPP, &format!("cannot be reached: {reason}"));
            let is_news = sender.reachability.lose(reason);
            telemetry::unreachable(&sender.metrics, reason, is_news);
            false
        }
    }
}
