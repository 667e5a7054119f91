//! How far the events have been heard: what wake-ups must know so that events go first.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// What is known of the `events` queue. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Arrivals {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, Default)]
struct State {
    depth: Depth,
    /// The newest arrival among the events that were applied here.
    applied: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Default)]
enum Depth {
    /// The broker is away, or was not asked yet.
    #[default]
    Unknown,
    /// Nothing has waited for this many looks in a row.
    Empty(u32),
    /// Something waits.
    Behind,
}

/// So often the queue must be found empty before nothing older can be on its way: with a look each second, 2 s.
const LOOKS: u32 = 2;

impl Arrivals {
    /// Notes a look at the queue: how many events were ready.
    pub(crate) fn looked(&self, ready: Option<u32>) {
        let mut state = self.lock();
        state.depth = match (ready, state.depth) {
            (None, _) => Depth::Unknown,
            (Some(0), Depth::Empty(looks)) => Depth::Empty(looks.saturating_add(1)),
            (Some(0), _) => Depth::Empty(1),
            (Some(_), _) => Depth::Behind,
        };
    }

    /// Notes that events were applied, the newest of which arrived then.
    pub(crate) fn applied(&self, newest: DateTime<Utc>) {
        let mut state = self.lock();
        state.applied = state.applied.max(Some(newest));
    }

    /// Up to when timers may fire at once; `None`: up to now.
    pub(crate) fn heard_until(&self) -> Option<DateTime<Utc>> {
        let state = *self.lock();
        match state.depth {
            Depth::Empty(looks) if looks >= LOOKS => None,
            _ => Some(state.applied.unwrap_or(DateTime::<Utc>::MIN_UTC)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: B39
    #[test]
    fn timers_wait_for_what_may_be_in_the_queue_until_it_was_found_empty_twice() {
        let (arrivals, noon) = (Arrivals::default(), DateTime::UNIX_EPOCH);

        assert_eq!(arrivals.heard_until(), Some(DateTime::<Utc>::MIN_UTC));
        arrivals.looked(Some(3));
        arrivals.applied(noon);
        assert_eq!(arrivals.heard_until(), Some(noon));
        arrivals.looked(Some(0));
        assert_eq!(arrivals.heard_until(), Some(noon));
        arrivals.looked(Some(0));
        assert_eq!(arrivals.heard_until(), None);
        arrivals.looked(None);
        assert_eq!(arrivals.heard_until(), Some(noon));
    }
}
