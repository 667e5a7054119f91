//! Whether the ledger has findings: `desk ledger check`, run in the background, since it reads every table whole.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::silence_policy::SilencePolicy;

use super::desk::Desk;
use crate::actions::ledger::{self, AcceptedEvents, TooLong};

pub(super) const CHECK_EVERY: Duration = Duration::from_hours(1);
/// Findings that are counted at most: the page only says that there are some.
const COUNTED: usize = 100;
/// As the command's default: work that is late by less is under way.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// The result of the last check by this process.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Option<Checked>>);

#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) at: DateTime<Utc>,
    pub(super) findings: usize,
}

impl Ledger {
    pub(super) fn last(&self) -> Option<Checked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn check(&self, desk: &Desk, silence_policy: SilencePolicy) {
        let too_long = TooLong {
            margin: MARGIN,
            silence_policy,
        };
        match ledger::check(
            &desk.store,
            &desk.broker,
            &desk.config,
            too_long,
            AcceptedEvents::default(),
            COUNTED,
        )
        .await
        {
            Ok(found) => {
                let findings = found.findings.len();
                if findings > 0 {
                    log::warn!(event = "ledger_has_findings", findings; "the ledger has findings: desk ledger check lists them");
                }
                let checked = Checked {
                    at: Utc::now(),
                    findings,
                };
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked);
            }
            Err(error) => {
                log::warn!(event = "ledger_not_checked", error = service::chain(&error); "the ledger could not be checked");
            }
        }
    }
}
