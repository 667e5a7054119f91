//! How many log lines strangers may cause.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use domain::ids::SourceId;
use service::lock;

/// For each source (or none that we know) and answer, this many lines …
pub(crate) const MOST_LINES: u32 = 100;
/// … within this time. Of the others only their number is logged, at its end.
const WINDOW: Duration = Duration::from_secs(10);

/// Both parts are ours: no stranger makes up a new key.
type Key = (Option<SourceId>, &'static str);

/// What is left of every budget.
#[derive(Default)]
pub(crate) struct Budget {
    windows: Mutex<HashMap<Key, Window>>,
}

struct Window {
    began_at: Instant,
    written: u32,
    left_out: u64,
}

/// Lines that were not written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) source: Option<SourceId>,
    pub(crate) answer: &'static str,
    pub(crate) lines: u64,
}

impl Budget {
    /// Whether one more line may be written; counts it either way.
    pub(crate) fn allows(&self, source: Option<&SourceId>, answer: &'static str, now: Instant) -> bool {
        let mut windows = self.lock();
        let window = windows.entry((source.cloned(), answer)).or_insert(Window {
            began_at: now,
            written: 0,
            left_out: 0,
        });
        if window.is_over(now) {
            window.began_at = now;
            window.written = 0;
        }
        if window.written < MOST_LINES {
            window.written += 1;
            return true;
        }
        window.left_out += 1;
        false
    }

    /// What was left out in windows that are over; to be called every few seconds.
    pub(crate) fn settle(&self, now: Instant) -> Vec<LeftOut> {
        self.settle_where(|window| window.is_over(now))
    }

    /// As [`settle`](Self::settle), of every window; for the end of the process.
    pub(crate) fn settle_all(&self) -> Vec<LeftOut> {
        self.settle_where(|_| true)
    }

    fn settle_where(&self, is_over: impl Fn(&Window) -> bool) -> Vec<LeftOut> {
        let mut settled = Vec::new();
        self.lock().retain(|(source, answer), window| {
            let is_over = is_over(window);
            if is_over && window.left_out > 0 {
                settled.push(LeftOut {
                    source: source.clone(),
                    answer,
                    lines: window.left_out,
                });
            }
            !is_over
        });
        settled
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Window>> {
        lock(&self.windows)
    }
}

impl Window {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began_at) >= WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: T10
    #[test]
    fn a_flood_of_one_kind_is_bounded_counted_and_hides_no_other() {
        let (budget, began) = (Budget::default(), Instant::now());
        let direct = SourceId::parse("direct").unwrap();
        let written = |source, answer, count: usize, after: Duration| {
            (0..count)
                .filter(|_| budget.allows(source, answer, began + after))
                .count()
        };

        assert_eq!(written(None, "not-found", 100_000, Duration::ZERO), 100);
        assert_eq!(written(Some(&direct), "unauthorized", 7, Duration::ZERO), 7);
        assert_eq!(written(None, "unauthorized", 101, Duration::from_secs(9)), 100);
        assert_eq!(budget.settle(began + Duration::from_secs(9)), []);
        let flood = |answer, lines| LeftOut {
            source: None,
            answer,
            lines,
        };
        assert_eq!(
            budget.settle(began + Duration::from_secs(10)),
            [flood("not-found", 99_900)]
        );
        assert_eq!(written(None, "not-found", 150, Duration::from_secs(10)), 100);

        let mut rest = budget.settle_all();
        rest.sort_by_key(|one| one.lines);
        assert_eq!(rest, [flood("unauthorized", 1), flood("not-found", 50)]);
        assert_eq!(budget.settle_all(), []);
    }

    #[test]
    fn a_window_that_is_over_begins_again_and_forgets_no_line() {
        let (budget, began) = (Budget::default(), Instant::now());
        for second in [0, 11, 22] {
            for _ in 0..130 {
                budget.allows(None, "not-found", began + Duration::from_secs(second));
            }
        }

        let lines: u64 = budget.settle_all().iter().map(|one| one.lines).sum();

        assert_eq!(lines, 90);
    }
}
