//! Whether everything has come to its end.

use std::collections::BTreeMap;
use std::path::Path;

use broker::Address;
use chrono::{DateTime, TimeDelta, Utc};
use crypto::secret::Places;
use domain::silence_policy::SilencePolicy;
use serde::Serialize;
use settings::{Resolve, UnreadableFolder};
use store::ledger::{self, Expected, Finding, Ledger};
use store::{Store, StoreError};

use super::letters::{self, Drained};

/// More are not shown: they have one cause.
const SHOWN: usize = 1_000;

/// Why the books could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error(transparent)]
    Folder(#[from] UnreadableFolder),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The books as people see them.
#[derive(Debug, Serialize)]
pub(crate) struct LedgerView {
    /// By what it is, then by its end or state.
    pub(crate) counts: BTreeMap<String, BTreeMap<String, i64>>,
    pub(crate) findings: Vec<FindingView>,
    /// There are more findings than these.
    pub(crate) more: bool,
    /// Whether the dead queues were emptied first: only then can a missing letter be found.
    pub(crate) letters_are_here: bool,
}

/// Something that should not be.
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

/// What counts as too long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooLong {
    /// What is allowed for everything that programs do every second or so.
    pub(crate) margin: TimeDelta,
    /// What the senders are told of calls that nobody speaks of.
    pub(crate) patience: SilencePolicy,
}

/// Takes in what lies in the dead queues, then checks the books as they are at one moment.
pub(crate) async fn check(
    store: &Store,
    broker: &Address,
    folder: &Path,
    too_long: TooLong,
) -> Result<LedgerView, CheckError> {
    let places = Places {
        environment: &|_| None,
        key_ring: None,
        base: folder,
    };
    let resorts = settings::load(folder, Resolve::Nothing, &places)?;
    let expected = Expected {
        resorts: resorts.resorts().map(|resort| resort.id.clone()).collect(),
        margin: too_long.margin,
        patience: too_long.patience,
        letters_are_here: letters::drain(store, broker).await? == Drained::Everything,
    };
    let letters_are_here = expected.letters_are_here;
    let most = i64::try_from(SHOWN + 1).unwrap_or(i64::MAX);
    let Ledger { counts, mut findings } = store
        .transaction(move |connection| ledger::check(connection, &expected, most))
        .await?;
    let more = findings.len() > SHOWN;
    findings.truncate(SHOWN);
    let mut view = LedgerView {
        counts: BTreeMap::new(),
        findings: findings.into_iter().map(FindingView::from).collect(),
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
