//! Replaces the HTTP library's lines about connections without readable HTTP by one summary a minute. The library writes an
//! ERROR line for each, so any stranger could fill the log.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::lock;
use log::{Level, Log, Metadata, Record};

const EVERY: Duration = Duration::from_secs(60);

/// Modules whose lines are about one connection, and which a peer can cause at will.
const ABOUT_PEERS: [&str; 2] = ["actix_http::h1::dispatcher", "actix_http::h1::decoder"];
/// Of these one line is written for each connection.
const COUNTED: &str = ABOUT_PEERS[0];

/// Connections that ended over what the peer sent.
#[derive(Default)]
pub(super) struct Peers {
    count: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    at: Option<Instant>,
    count: u64,
}

/// Whether such a line is about a peer.
pub(super) fn are_meant(metadata: &Metadata<'_>) -> bool {
    metadata.level() <= Level::Info && ABOUT_PEERS.contains(&metadata.target())
}

impl Peers {
    pub(super) const fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            told: Mutex::new(Told { at: None, count: 0 }),
        }
    }

    /// Connections since the start.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Counts a line instead of writing it.
    pub(super) fn note(&self, record: &Record<'_>, logger: &impl Log) {
        if record.target() != COUNTED {
            return;
        }
        let count = self.count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if let Some(since) = self.due(count, Instant::now()) {
            let fields = [
                ("connections", log::kv::Value::from(since)),
                ("event", "unreadable_connections".into()),
            ];
            let summary = Record::builder()
                .level(Level::Warn)
                .target(module_path!())
                .args(format_args!("connections brought no HTTP that could be read"))
                .key_values(&fields)
                .build();
            logger.log(&summary);
        }
    }

    /// How many there were since the last summary, where it is time for the next one.
    fn due(&self, count: u64, now: Instant) -> Option<u64> {
        let mut told = lock(&self.told);
        let is_due = told
            .at
            .is_none_or(|at| now.saturating_duration_since(at) >= EVERY);
        if !is_due || count <= told.count {
            return None;
        }
        let since = count - told.count;
        *told = Told { at: Some(now), count };
        Some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_minute_tells_how_many_there_were() {
        let (peers, began) = (Peers::new(), Instant::now());
        let due = |count: u64, after: u64| peers.due(count, began + Duration::from_secs(after));

        assert_eq!(due(1, 0), Some(1));
        assert_eq!((2..500).find_map(|count| due(count, 59)), None);
        assert_eq!(due(500, 60), Some(499));
        assert_eq!(due(500, 200), None);
        assert_eq!(due(501, 200), Some(1));
    }
}
