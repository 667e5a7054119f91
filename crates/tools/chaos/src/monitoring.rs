//! What an operator's Prometheus has seen of a run.

mod alerts;
mod panels;

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};
use testkit::prometheus::{Prometheus, Range};

pub(crate) use alerts::judge;

/// What it has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The alerts that fired at any time.
    pub(crate) fired: BTreeSet<String>,
    /// The queries of the dashboards that had no answer.
    pub(crate) unanswered: Vec<String>,
}

impl Seen {
    /// Asks for everything since that time, and draws the dashboards into this folder.
    pub(crate) async fn since(
        begun_at: DateTime<Utc>,
        prometheus: &Prometheus,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let run = Range::of(begun_at, Utc::now());
        Ok(Self {
            fired: alerts::fired(prometheus, run).await?,
            unanswered: panels::draw(prometheus, run, folder).await?,
        })
    }
}
