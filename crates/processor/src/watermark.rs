//! The watermark of the events: up to when all were applied. Timers that are younger wait for it, so that events go first.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use service::lock;

/// Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Watermark {
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
    /// This many checks in a row found no event.
    Empty(u32),
    Behind,
}

/// So often the queue must be found empty before no older event can be on its way: with a check each second, 2 s.
const CHECKS: u32 = 2;

impl Watermark {
    /// Notes how many events are ready in the queue; `None`: the broker is away.
    pub(crate) fn checked(&self, ready: Option<u32>) {
        let mut state = self.lock();
        state.depth = match (ready, state.depth) {
            (None, _) => Depth::Unknown,
            (Some(0), Depth::Empty(checks)) => Depth::Empty(checks.saturating_add(1)),
            (Some(0), _) => Depth::Empty(1),
            (Some(_), _) => Depth::Behind,
        };
    }

    /// Notes that events were applied, and when the newest of them arrived.
    pub(crate) fn applied(&self, newest: DateTime<Utc>) {
        let mut state = self.lock();
        state.applied = state.applied.max(Some(newest));
    }

    /// Up to when timers may fire at once; `None`: up to now.
    pub(crate) fn get(&self) -> Option<DateTime<Utc>> {
        let state = *self.lock();
        match state.depth {
            Depth::Empty(checks) if checks >= CHECKS => None,
            _ => Some(state.applied.unwrap_or(DateTime::<Utc>::MIN_UTC)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: B39
    #[test]
    fn timers_wait_for_what_may_be_in_the_queue_until_it_was_found_empty_twice() {
        let (watermark, noon) = (Watermark::default(), DateTime::UNIX_EPOCH);

        assert_eq!(watermark.get(), Some(DateTime::<Utc>::MIN_UTC));
        watermark.checked(Some(3));
        watermark.applied(noon);
        assert_eq!(watermark.get(), Some(noon));
        watermark.checked(Some(0));
        assert_eq!(watermark.get(), Some(noon));
        watermark.checked(Some(0));
        assert_eq!(watermark.get(), None);
        watermark.checked(None);
        assert_eq!(watermark.get(), Some(noon));
    }
}
