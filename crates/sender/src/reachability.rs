//! Whether this process can reach WhatsApp at all.
//!
//! A connection that cannot be made (no name, no route, refused, no TLS, a proxy that refuses) says nothing about a
//! message, a number or an account, so it is no hold. Until [`crate::reconnect`] connects, this process claims nothing
//! and leaves the queue to other senders.

use chrono::Utc;
use store::senders::Unreachable;
use tokio::sync::watch;

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Reachable,
    /// A call could not connect: a probe will show whether others can.
    InDoubt,
    /// A probe could not connect either.
    Lost(Unreachable),
}

/// The state of this process, shared by everything that calls WhatsApp.
pub(crate) struct Reachability(watch::Sender<State>);

impl Default for Reachability {
    fn default() -> Self {
        Self(watch::Sender::new(State::Reachable))
    }
}

impl Reachability {
    /// A call could not connect.
    pub(crate) fn doubt(&self) {
        self.0.send_if_modified(|state| {
            let is_news = *state == State::Reachable;
            if is_news {
                *state = State::InDoubt;
            }
            is_news
        });
    }

    /// False also while a probe has yet to show it.
    pub(crate) fn is_reachable(&self) -> bool {
        *self.0.borrow() == State::Reachable
    }

    pub(crate) async fn until_unreachable(&self) {
        self.until(|state| *state != State::Reachable).await;
    }

    pub(crate) async fn until_reachable(&self) {
        self.until(|state| *state == State::Reachable).await;
    }

    /// Since when, and why, WhatsApp cannot be reached; `None` also while that is in doubt.
    pub(crate) fn unreachable(&self) -> Option<Unreachable> {
        match &*self.0.borrow() {
            State::Lost(unreachable) => Some(unreachable.clone()),
            State::Reachable | State::InDoubt => None,
        }
    }

    async fn until(&self, wanted: impl FnMut(&State) -> bool) {
        // It fails only when the watch's sender is gone, and `self` owns that.
        let _ = self.0.subscribe().wait_for(wanted).await;
    }

    /// A probe failed. Returns whether it is the first in a row.
    pub(crate) fn lose(&self, reason: &str) -> bool {
        self.0.send_if_modified(|state| match state {
            State::Lost(known) => {
                reason.clone_into(&mut known.reason);
                false
            }
            State::Reachable | State::InDoubt => {
                *state = State::Lost(Unreachable {
                    since: Utc::now(),
                    reason: reason.to_owned(),
                });
                true
            }
        })
    }

    /// A probe connected. Returns the state that ends, unless it was only in doubt.
    pub(crate) fn regain(&self) -> Option<Unreachable> {
        match self.0.send_replace(State::Reachable) {
            State::Lost(unreachable) => Some(unreachable),
            State::Reachable | State::InDoubt => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_cannot_connect_stops_others_and_a_probe_that_connects_lets_them_go() {
        let reach = Reachability::default();
        assert!(reach.is_reachable());

        reach.doubt();
        reach.until_unreachable().await;
        assert!(!reach.is_reachable() && reach.unreachable().is_none());
        assert_eq!(reach.regain(), None);

        assert!(reach.is_reachable());
        reach.until_reachable().await;
    }

    #[test]
    fn an_outage_is_news_once_and_keeps_its_beginning() {
        let reach = Reachability::default();
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
