//! What Postgres, or the way to it, said last when it refused a connection.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::ConnectionError;

/// The readiness check tries every few seconds, and a host that does not answer takes 5 s.
const FRESH_FOR: Duration = Duration::from_secs(15);
/// What libpq says of an option that it does not know repeats its name, which may be the rest of a password that was not
/// quoted.
const UNKNOWN_OPTION: [&str; 2] = ["invalid connection option", "invalid URI query parameter"];

/// Watches the pool's connections come and fail; clones share what they saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals(Arc<Mutex<Option<(Instant, String)>>>);

impl Refusals {
    /// Why the last connection failed; `None` where none failed lately, or one succeeded since.
    pub(crate) fn latest(&self) -> Option<String> {
        let latest = self.lock();
        let (at, said) = latest.as_ref()?;
        (at.elapsed() < FRESH_FOR).then(|| said.clone())
    }

    /// A connection failed.
    pub(crate) fn note(&self, error: &ConnectionError) {
        *self.lock() = Some((Instant::now(), in_one_line(&error.to_string())));
    }

    /// A connection succeeded.
    pub(crate) fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn in_one_line(said: &str) -> String {
    if UNKNOWN_OPTION.iter().any(|unknown| said.starts_with(unknown)) {
        return "DATABASE_URL names an option that libpq does not know".to_owned();
    }
    let lines = said
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}
