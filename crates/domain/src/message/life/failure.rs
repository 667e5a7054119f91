//! Failures that are reported late: which of them count, and what follows.

use chrono::{DateTime, Utc};

use super::{Called, Judging, MessageRecord, Report};
use crate::after_call::{CallOutcome, NextStep, Tried};
use crate::dead_letter::DeadLetterReason;
use crate::hold::NewHold;
use crate::message::{Attempt, DeliveryStatus, MessageState};

impl MessageRecord {
    /// Whether a report is the failure of the last call, and that call was not known to have been refused.
    pub fn is_failed_by(&self, report: &Report) -> bool {
        let attempt = self.attempt_of(report);
        let is_news = self.delivery.is_none_or(|known| known < DeliveryStatus::Failed)
            && self.failed_attempt.is_none_or(|failed| failed < attempt);
        report.status == DeliveryStatus::Failed && attempt == self.attempt && is_news && self.may_have_gone()
    }

    /// Whether a report says that WhatsApp sent or delivered the last call, which is not known to have failed.
    pub fn is_brought_by(&self, report: &Report) -> bool {
        let is_last = self.attempt_of(report) == self.attempt && self.failed_attempt != Some(self.attempt);
        is_last && report.status != DeliveryStatus::Failed
    }

    /// Whether the last call was accepted, or nobody knows whether it was.
    fn may_have_gone(&self) -> bool {
        match self.state {
            MessageState::Sending | MessageState::Sent | MessageState::Unknown => true,
            MessageState::Queued => self.silent_attempt == Some(self.attempt),
            MessageState::Dead => self.reason.as_deref() == Some(DeadLetterReason::OutcomeUnknown.as_str()),
            _ => false,
        }
    }

    /// Whether a report says that a call was accepted which is known to have failed. Only a delivery contradicts that.
    pub(super) fn is_of_failed_call(&self, report: &Report) -> bool {
        let attempt = self.attempt_of(report);
        report.status == DeliveryStatus::Sent && self.failed_attempt.is_some_and(|failed| attempt <= failed)
    }

    /// Which call a report is about. One without our callback was found by the name that WhatsApp gave to the last call.
    fn attempt_of(&self, report: &Report) -> Attempt {
        report.callback.map_or(self.attempt, |callback| callback.attempt)
    }

    /// What a reported failure of the last call holds.
    pub fn hold_after(&self, report: &Report, judging: &Judging, called: &Called) -> Option<NewHold> {
        let outcome = report.failed().filter(|_| self.is_failed_by(report))?;
        let new = called.hold(&outcome, judging.pause)?;
        Some(NewHold {
            called_at: self.claimed_at,
            ..new
        })
    }

    /// The last call was accepted, if at all, and failed.
    pub(super) fn fail(
        &mut self,
        outcome: &CallOutcome,
        judging: &Judging,
        called: Option<&Called>,
        now: DateTime<Utc>,
    ) {
        let tried = Tried {
            retries: self.retries,
            attempt: self.attempt,
            turn: self.turn,
            free_text: called.is_some_and(|called| called.free_text),
            rested: self.rested,
        };
        let hold = called.and_then(|called| called.hold(outcome, judging.pause));
        let next = match judging.policy.next_step(tried, outcome) {
            // An older program called and did not note the route: the next call will tell what to hold.
            NextStep::Hold(_) if hold.is_none() => NextStep::WaitAtNoCost(judging.pause),
            next => next,
        };
        self.error_code = outcome.error_code();
        self.failed_attempt = Some(self.attempt);
        self.sent_at = None;
        self.take(&next, hold.as_ref().map(NewHold::key), now);
    }
}
