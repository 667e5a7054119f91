//! What `ingest` answered its sources lately: taken from the queue of events, and stored for `desk source last`.
//!
//! A report is acknowledged as soon as it is read, so that no event waits for it; a crash loses it. While Postgres is away the
//! latest ones wait here.

use std::collections::VecDeque;
use std::sync::Mutex;

use broker::envelope::Envelope;
use domain::source_report::SourceReport;
use service::lock;
use store::Store;
use store::source_reports::{self, NewSourceReport};

/// How many may wait for Postgres; of more, the oldest are dropped.
const MOST_WAITING: usize = 500;

/// Reports that are not stored yet.
#[derive(Default)]
pub(crate) struct SourceReports(Mutex<VecDeque<NewSourceReport>>);

impl SourceReports {
    pub(crate) fn put(&self, report: NewSourceReport) {
        let mut waiting = lock(&self.0);
        if waiting.len() == MOST_WAITING {
            waiting.pop_front();
        }
        waiting.push_back(report);
    }

    /// Stores the reports that wait.
    pub(crate) async fn store(&self, store: &Store) {
        let reports = self.take();
        if reports.is_empty() {
            return;
        }
        let rows = reports.clone();
        let stored = store.run(move |connection| source_reports::insert(connection, &rows));
        if let Err(error) = stored.await {
            log::debug!(reports = reports.len(), error = service::chain(&error); "reports on sources are not stored yet");
            self.give_back(reports);
        }
    }

    fn take(&self) -> Vec<NewSourceReport> {
        lock(&self.0).drain(..).collect()
    }

    fn give_back(&self, older: Vec<NewSourceReport>) {
        let newer = self.take();
        older.into_iter().chain(newer).for_each(|report| self.put(report));
    }
}

/// The report in an envelope's opened body; `None` if a newer version wrote it otherwise.
pub(crate) fn read(envelope: Envelope, opened: &[u8]) -> Option<NewSourceReport> {
    let report: SourceReport = serde_json::from_slice(opened).ok()?;
    Some(NewSourceReport {
        id: envelope.key().to_string(),
        source: envelope.source,
        reported_at: envelope.received_at,
        report,
    })
}
