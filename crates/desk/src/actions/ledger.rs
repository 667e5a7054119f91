//! Checks the ledger: whether every event and message has finished or is on time.

mod accepted;

use std::collections::BTreeMap;
use std::path::Path;

use broker::Address;
use chrono::{DateTime, TimeDelta, Utc};
use domain::silence_policy::SilencePolicy;
use serde::Serialize;
use settings::UnreadableFolder;
use store::ledger::{self, Expected, Finding, Ledger};
use store::{Store, StoreError};

pub(crate) use accepted::AcceptedEvents;

use super::context::read_files;
use super::letters::{self, Drained};

/// More findings than these usually have one cause.
pub(crate) const SHOWN: usize = 1_000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error(transparent)]
    Folder(#[from] UnreadableFolder),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, Serialize)]
pub(crate) struct LedgerView {
    /// By kind, then by end or state.
    pub(crate) counts: BTreeMap<String, BTreeMap<String, i64>>,
    pub(crate) findings: Vec<FindingView>,
    pub(crate) more: bool,
    /// Whether the dead queues were emptied first: otherwise missing letters are not looked for.
    pub(crate) letters_are_here: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct FindingView {
    pub(crate) trouble: &'static str,
    pub(crate) subject: String,
    pub(crate) booking: Option<String>,
    pub(crate) detail: String,
    pub(crate) since: Option<DateTime<Utc>>,
    pub(crate) advice: &'static str,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        Self {
            trouble: finding.trouble.as_str(),
            subject: finding.subject,
            booking: finding.booking,
            detail: finding.detail,
            since: finding.since,
            advice: finding.trouble.advice(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct TooLong {
    /// Allowed delay of background work.
    pub(crate) margin: TimeDelta,
    /// The senders' policy for unresolved calls.
    pub(crate) silence_policy: SilencePolicy,
}

/// Empties the dead queues, then checks the ledger in one transaction, and looks for what `accepted` names.
pub(crate) async fn check(
    store: &Store,
    broker: &Address,
    folder: &Path,
    too_long: TooLong,
    accepted: AcceptedEvents,
    at_most: usize,
) -> Result<LedgerView, CheckError> {
    let resorts = read_files(folder)?;
    let expected = Expected {
        resorts: resorts.resorts().map(|resort| resort.id.clone()).collect(),
        margin: too_long.margin,
        silence_policy: too_long.silence_policy,
        letters_are_here: letters::drain(store, broker).await? == Drained::Everything,
    };
    let letters_are_here = expected.letters_are_here;
    let most = i64::try_from(at_most + 1).unwrap_or(i64::MAX);
    let Ledger { counts, findings } = store
        .transaction(move |connection| ledger::check(connection, &expected, most))
        .await?;
    let mut findings: Vec<_> = findings.into_iter().map(FindingView::from).collect();
    findings.extend(accepted.missing(store).await?);
    let more = findings.len() > at_most;
    findings.truncate(at_most);
    let mut view = LedgerView {
        counts: BTreeMap::new(),
        findings,
        more,
        letters_are_here,
    };
    for count in counts {
        view.counts
            .entry(count.of)
            .or_default()
            .insert(count.state, count.count);
    }
    Ok(view)
}
