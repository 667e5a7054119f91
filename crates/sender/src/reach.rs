//! Whether this process can reach WhatsApp at all.
//!
//! A connection that cannot be made (no name, no route, refused, no TLS, a proxy that refuses) says nothing of a message,
//! a number or an account, so it is no hold. Until a probe connects, this process claims nothing and leaves the queue to
//! other senders; `/readyz` stays 200, since another process in its place would fare no better.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use domain::backoff::Backoff;
use service::Stop;
use service::health::Readiness;
use store::senders::Unreachable;
use tokio::sync::watch;

use crate::send::Sender;

/// Between probes.
const PROBES: Backoff = Backoff {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(10),
};
/// The warning's name in `/readyz`.
const WHATSAPP: &str = "whatsapp";

/// How far this process is known to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Nothing speaks against it.
    Reached,
    /// A call could not connect: a probe will tell whether others can.
    InDoubt,
    /// A probe could not connect either.
    Lost(Unreachable),
}

/// Whether WhatsApp can be reached, for everything in this process that calls it.
pub(crate) struct Reach(watch::Sender<State>);

impl Default for Reach {
    fn default() -> Self {
        Self(watch::Sender::new(State::Reached))
    }
}

impl Reach {
    /// A call could not connect.
    pub(crate) fn doubt(&self) {
        self.0.send_if_modified(|state| {
            let news = *state == State::Reached;
            if news {
                *state = State::InDoubt;
            }
            news
        });
    }

    /// Whether a call makes sense.
    pub(crate) fn is_given(&self) -> bool {
        *self.0.borrow() == State::Reached
    }

    /// Waits until calls make no sense.
    pub(crate) async fn lost(&self) {
        self.await_state(|state| *state != State::Reached).await;
    }

    /// Waits until calls make sense.
    pub(crate) async fn given(&self) {
        self.await_state(|state| *state == State::Reached).await;
    }

    /// Since when, and why, WhatsApp cannot be reached.
    pub(crate) fn unreachable(&self) -> Option<Unreachable> {
        match &*self.0.borrow() {
            State::Lost(unreachable) => Some(unreachable.clone()),
            State::Reached | State::InDoubt => None,
        }
    }

    async fn await_state(&self, wanted: impl FnMut(&State) -> bool) {
        // An error would mean that the sender of states is gone: it is this value.
        let _ = self.0.subscribe().wait_for(wanted).await;
    }

    /// A probe failed for so many times in a row. Returns whether that is news.
    fn lose(&self, reason: &str) -> bool {
        self.0.send_if_modified(|state| match state {
            State::Lost(known) => {
                reason.clone_into(&mut known.reason);
                false
            }
            State::Reached | State::InDoubt => {
                *state = State::Lost(Unreachable {
                    since: Utc::now(),
                    reason: reason.to_owned(),
                });
                true
            }
        })
    }

    /// A probe connected. Returns since when none did, where that was told.
    fn regain(&self) -> Option<Unreachable> {
        match self.0.send_replace(State::Reached) {
            State::Lost(unreachable) => Some(unreachable),
            State::Reached | State::InDoubt => None,
        }
    }
}

/// Probes, whenever a call could not connect, until one does or the stop comes.
pub(crate) async fn run(sender: Arc<Sender>, readiness: Readiness, stop: Stop) {
    loop {
        tokio::select! {
            () = stop.stopped() => return,
            () = sender.reach.lost() => {}
        }
        let mut failures = 0;
        while let Err(reason) = sender.whatsapp.reach().await {
            failures += 1;
            tell_lost(&sender, &readiness, reason);
            tokio::select! {
                () = stop.stopped() => return,
                () = tokio::time::sleep(PROBES.pause(failures, rand::random())) => {}
            }
        }
        tell_regained(&sender, &readiness);
    }
}

fn tell_lost(sender: &Sender, readiness: &Readiness, reason: &str) {
    let is_news = sender.reach.lose(reason);
    readiness.warn(WHATSAPP, &format!("cannot be reached: {reason}"));
    sender.metrics.unreachable.set(1);
    if is_news {
        log::error!(reason = reason, alert = true;
            "WhatsApp cannot be reached from this process: it claims no message until it can; no try is used up");
    } else {
        log::debug!(reason = reason; "WhatsApp still cannot be reached");
    }
}

fn tell_regained(sender: &Sender, readiness: &Readiness) {
    readiness.clear_warning(WHATSAPP);
    sender.metrics.unreachable.set(0);
    match sender.reach.regain() {
        Some(unreachable) => {
            let lasted_s = (Utc::now() - unreachable.since).num_seconds();
            log::info!(lasted_s = lasted_s; "WhatsApp can be reached again");
        }
        None => log::debug!("a call could not connect, and a probe could"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_cannot_connect_stops_others_and_a_probe_that_connects_lets_them_go() {
        let reach = Reach::default();
        assert!(reach.is_given());

        reach.doubt();
        reach.lost().await;
        assert!(!reach.is_given() && reach.unreachable().is_none());
        assert_eq!(reach.regain(), None);

        assert!(reach.is_given());
        reach.given().await;
    }

    #[test]
    fn what_cannot_be_reached_is_news_once_and_keeps_its_beginning() {
        let reach = Reach::default();
        reach.doubt();

        assert!(reach.lose("the connection is refused"));
        let first = reach.unreachable().unwrap();
        reach.doubt();
        assert!(!reach.lose("its name is not known"));

        let now = reach.regain().unwrap();
        assert_eq!(
            (now.since, now.reason.as_str()),
            (first.since, "its name is not known")
        );
    }
}
