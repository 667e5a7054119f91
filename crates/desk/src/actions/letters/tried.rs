//! What came of retrying letters: of one, and counted over many.

use std::collections::BTreeMap;

use domain::ids::LetterId;
use serde::Serialize;
use store::StoreError;
use store::letters::Declined;

use super::request::{Becomes, Unmapped};

#[derive(Debug)]
pub(crate) enum Tried {
    /// Or would be retried; with what became of it, if it is a platform's request that was mapped again.
    Retried(Vec<Becomes>),
    Declined(Declined),
    /// The letter stays open, though some elements of the request may be published.
    Unmapped(Unmapped, Vec<Becomes>),
    /// An error of this letter's data.
    Failed(StoreError),
}

impl Tried {
    pub(crate) fn becomes(&self) -> &[Becomes] {
        match self {
            Self::Retried(becomes) | Self::Unmapped(_, becomes) => becomes,
            Self::Declined(_) | Self::Failed(_) => &[],
        }
    }

    /// The reason in counts; `None`: it is retried.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Retried(_) => None,
            Self::Declined(declined) => Some(word(declined)),
            Self::Unmapped(why, _) => Some(why.as_str()),
            Self::Failed(_) => Some("failed"),
        }
    }
}

/// Why nothing was done about a letter, in counts.
pub(crate) fn word(declined: &Declined) -> &'static str {
    match declined {
        Declined::TooLate(_) => "too_late",
        Declined::NotFound => "not_found",
        Declined::Refused(refusal) => refusal.as_str(),
        Declined::NoMember => "no_member",
        Declined::OutOfReach => "out_of_reach",
    }
}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Tally {
    pub(crate) total: i64,
    pub(crate) tried: i64,
    pub(crate) retried: i64,
    pub(crate) refused: BTreeMap<&'static str, i64>,
    /// Decided by another person meanwhile.
    pub(crate) too_late: i64,
    /// What requests became that were mapped again.
    pub(crate) becomes: BTreeMap<String, i64>,
    /// What is wrong with the requests that still cannot be mapped.
    pub(crate) faults: BTreeMap<String, i64>,
}

impl Tally {
    pub(crate) fn count(&mut self, tried: &Tried) {
        self.tried += 1;
        for becomes in tried.becomes() {
            *self.becomes.entry(becomes.outcome.clone()).or_default() += 1;
        }
        if let Tried::Unmapped(why, _) = tried {
            for fault in why.faults() {
                *self.faults.entry(fault.fault.to_string()).or_default() += 1;
            }
        }
        match (tried, tried.refusal()) {
            (_, None) => self.retried += 1,
            (Tried::Declined(Declined::TooLate(_) | Declined::NotFound), _) => self.too_late += 1,
            (_, Some(refusal)) => *self.refused.entry(refusal).or_default() += 1,
        }
    }
}

/// One letter, for `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct TriedView {
    id: LetterId,
    /// Or would be, in a dry run.
    retried: bool,
    refused: Option<&'static str>,
    becomes: Vec<Becomes>,
    faults: Vec<String>,
}

impl TriedView {
    pub(crate) fn new(id: LetterId, tried: &Tried) -> Self {
        let faults = match tried {
            Tried::Unmapped(why, _) => why.faults().iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        Self {
            id,
            retried: tried.refusal().is_none(),
            refused: tried.refusal(),
            becomes: tried.becomes().to_vec(),
            faults,
        }
    }
}
