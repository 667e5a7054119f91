//! Failures that WhatsApp reports after it accepted a message: which of them count, and what follows.

use chrono::{DateTime, Utc};

use super::{Judging, LastCall, MessageRecord, Report};
use crate::after_call::{CallOutcome, NextStep, Tried};
use crate::dead_letter::DeadLetterReason;
use crate::hold::NewHold;
use crate::message::{Attempt, DeliveryStatus, MessageState};

impl MessageRecord {
    /// Whether a report is the failure of the last call, and that call is not known already to have been refused.
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

    /// Whether the last call was accepted, or may have been.
    fn may_have_gone(&self) -> bool {
        match self.state {
            MessageState::Sending | MessageState::Sent | MessageState::Unknown => true,
            MessageState::Queued => self.silent_attempt == Some(self.attempt),
            MessageState::Dead => self.reason.as_deref() == Some(DeadLetterReason::OutcomeUnknown.as_str()),
            _ => false,
        }
    }

    /// Whether a report says `sent` about a call that is known to have failed. Only a delivery contradicts a
    /// failure.
    pub(super) fn is_of_failed_call(&self, report: &Report) -> bool {
        let attempt = self.attempt_of(report);
        report.status == DeliveryStatus::Sent && self.failed_attempt.is_some_and(|failed| attempt <= failed)
    }

    /// The call that a report is about. A report without our callback data was found by WhatsApp's id of the
    /// message, which is that of the last call.
    fn attempt_of(&self, report: &Report) -> Attempt {
        report.callback.map_or(self.attempt, |callback| callback.attempt)
    }

    /// The hold that a reported failure of the last call asks for.
    pub fn hold_after(&self, report: &Report, judging: &Judging, last_call: &LastCall) -> Option<NewHold> {
        let outcome = report.failed().filter(|_| self.is_failed_by(report))?;
        let new = last_call.hold(&outcome, judging.pause)?;
        Some(NewHold {
            called_at: self.claimed_at,
            ..new
        })
    }

    /// Records that the last call failed, and applies what follows.
    pub(super) fn fail(
        &mut self,
        outcome: &CallOutcome,
        judging: &Judging,
        last_call: Option<&LastCall>,
        now: DateTime<Utc>,
    ) {
        let tried = Tried {
            retries: self.retries,
            attempt: self.attempt,
            turn: self.turn,
            free_text: last_call.is_some_and(|call| call.free_text),
            rested: self.rested,
        };
        let hold = last_call.and_then(|call| call.hold(outcome, judging.pause));
        let next = match judging.policy.next_step(tried, outcome) {
            // An older program made the call and did not store its route, so the scope of a hold is unknown: the
            // next call will show it.
            NextStep::Hold(_) if hold.is_none() => NextStep::WaitAtNoCost(judging.pause),
            next => next,
        };
        self.error_code = outcome.error_code();
        self.failed_attempt = Some(self.attempt);
        self.sent_at = None;
        // WhatsApp charges for messages that it delivers.
        self.pricing = None;
        self.apply(&next, hold.as_ref().map(NewHold::key), now);
    }
}
