//! What answers, reports and silence change in a message, from its first call on.
//!
//! The functions are pure, so that tests can try every order of arrival. Four rules hold in all of them: a result
//! counts only for the attempt that it belongs to; an acceptance counts from any attempt; the highest status wins
//! (sent, failed, delivered, read); a withdrawn message is never queued again.
//!
//! [`crate::after_call`] decides the next step after a call, [`failure`] which reported failures count.

mod failure;
mod report;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::after_call::{NextStep, Scope};
use crate::dead_letter::DeadLetterReason;
use crate::guest::GuestName;
use crate::hold::{NewHold, Route};
use crate::ids::{MessageId, WhatsAppMessageId};
use crate::message::{Attempt, ContentChoice, DeliveryStatus, MessageState, Pricing, Reason};
use crate::silence_policy::SilenceVerdict;

pub use report::{Judging, LastCall, Report};

/// The result of one call, with what follows from it.
#[derive(Debug, Clone)]
pub struct CallResult {
    pub id: MessageId,
    pub attempt: Attempt,
    /// How the message was sent.
    pub route: Route,
    pub next: NextStep,
    /// The hold that other messages have to wait for.
    pub hold: Option<NewHold>,
    pub error_code: Option<i64>,
    /// WhatsApp accepted the message and holds it back to judge its template first (pacing).
    pub paced: bool,
    /// The guest's names at WhatsApp.
    pub names: Vec<GuestName>,
}

/// The columns of a message that are decided about here, or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRecord {
    pub state: MessageState,
    /// The reason for the state. A text, not an enum: another version of the program may have written it.
    pub reason: Option<String>,
    pub due_at: DateTime<Utc>,
    /// When the relay publishes the id next; `None` if the message is not queued.
    pub publish_at: Option<DateTime<Utc>>,
    /// How often the relay published the id since the message was queued.
    pub publishes: i32,
    /// The last call; 0 before the first.
    pub attempt: Attempt,
    /// Retries used up so far.
    pub retries: u32,
    pub turn: ContentChoice,
    /// The mark that the message must never be queued again, with the reason.
    pub withdrawn: Option<String>,
    /// When the last call was claimed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// The keyed hash of WhatsApp's id of the message.
    pub whatsapp_hash: Option<Vec<u8>>,
    /// When WhatsApp accepted it, as far as known.
    pub sent_at: Option<DateTime<Utc>>,
    /// The highest status that WhatsApp has reported for the last call.
    pub delivery: Option<DeliveryStatus>,
    /// When that happened, by WhatsApp's clock.
    pub delivery_at: Option<DateTime<Utc>>,
    /// WhatsApp's code for the last error.
    pub error_code: Option<i64>,
    /// Whether the relay still has to publish the dead letter.
    pub dead_letter_due: bool,
    pub dead_lettered_at: Option<DateTime<Utc>>,
    /// The key of the hold that the message waits for.
    pub held_by: Option<String>,
    /// WhatsApp held it back to judge its template (pacing).
    pub paced: bool,
    /// The call that counted as lost on the evidence of silence; see [`crate::silence_policy`].
    pub silent_attempt: Option<Attempt>,
    /// The last call that WhatsApp reported as failed: an acceptance of it that arrives later says nothing.
    pub failed_attempt: Option<Attempt>,
    /// Whether it has waited a day because the guest had enough marketing.
    pub rested: bool,
    /// Whether WhatsApp refused free text for it, although the guest's window seemed open.
    pub text_refused: bool,
    /// What WhatsApp charges for the last call, as far as it was reported.
    pub pricing: Option<Pricing>,
}

/// Computes the keyed hash of WhatsApp's id of a message.
pub type Hash<'a> = &'a dyn Fn(&WhatsAppMessageId) -> Vec<u8>;

impl MessageRecord {
    /// The record after the answer to a call; `None` if nothing changes: the answer belongs to an older attempt, or
    /// the message has moved on.
    pub fn after_call(&self, result: &CallResult, hash: Hash<'_>, now: DateTime<Utc>) -> Option<Self> {
        let mut after = self.clone();
        if let NextStep::Finish(id) = &result.next {
            // WhatsApp reported the failure after it had accepted the call, so the failure is the newer fact.
            if self.failed_attempt.is_some_and(|failed| result.attempt <= failed) {
                return None;
            }
            after.accept(id, hash, now);
            after.paced |= result.paced;
            return (after != *self).then_some(after);
        }
        // A refusal says something about its own call only, and only while the outcome of that call is open.
        let open = matches!(self.state, MessageState::Sending | MessageState::Unknown);
        if self.attempt != result.attempt || !open {
            return None;
        }
        after.error_code = result.error_code;
        after.apply(&result.next, result.hold.as_ref().map(NewHold::key), now);
        (after != *self).then_some(after)
    }

    /// The record after a report. `None` if nothing changes: the report's status is not higher than the known one,
    /// or it is the failure of an older attempt, which says nothing about later ones.
    ///
    /// A failure of the last attempt leads to the same decision as an error answer to the call would have;
    /// `last_call` is what was called, `None` where that is not known.
    pub fn after_report(
        &self,
        report: &Report,
        judging: &Judging,
        last_call: Option<&LastCall>,
        hash: Hash<'_>,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        if self.is_of_failed_call(report) {
            return None;
        }
        if self.delivery.is_some_and(|known| known >= report.status) {
            return self.with_late_pricing(report);
        }
        let mut after = self.clone();
        match report.failed() {
            Some(_) if !self.is_failed_by(report) => return None,
            Some(outcome) => after.fail(&outcome, judging, last_call, now),
            None => {
                after.enter(report.status.state(), None);
                after.error_code = None;
                after.sent_at.get_or_insert(self.sent_at(report, now));
            }
        }
        if report.pricing.is_some() && report.status != DeliveryStatus::Failed {
            after.pricing.clone_from(&report.pricing);
        }
        after.remember_id(&report.whatsapp_id, hash);
        after.delivery = Some(report.status);
        after.delivery_at = Some(report.at);
        Some(after)
    }

    /// Of the statuses of a call only some have a pricing, and those may arrive last.
    fn with_late_pricing(&self, report: &Report) -> Option<Self> {
        let is_news = self.pricing.is_none() && report.pricing.is_some() && self.is_brought_by(report);
        is_news.then(|| Self {
            pricing: report.pricing.clone(),
            ..self.clone()
        })
    }

    /// The record after the decision about a call without an outcome. `None` if nothing changes: the outcome became
    /// known meanwhile, another call has followed, or the decision is to wait.
    pub fn after_silence(
        &self,
        attempt: Attempt,
        verdict: SilenceVerdict,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        if self.state != MessageState::Unknown || self.attempt != attempt {
            return None;
        }
        let mut after = self.clone();
        match verdict {
            SilenceVerdict::Wait => return None,
            SilenceVerdict::QueueAgain => {
                after.silent_attempt = Some(attempt);
                after.requeue(now);
            }
            SilenceVerdict::GiveUp => after.dead_letter(DeadLetterReason::OutcomeUnknown, now),
        }
        Some(after)
    }

    /// Applies the next step after a call that did not get the message sent.
    fn apply(&mut self, next: &NextStep, hold: Option<String>, now: DateTime<Utc>) {
        let later = |pause: &Duration| now + TimeDelta::from_std(*pause).unwrap_or_default();
        match next {
            NextStep::RetryAfter(pause) => {
                self.retries = self.retries.saturating_add(1);
                self.requeue(later(pause));
            }
            NextStep::WaitAtNoCost(pause) => self.requeue(later(pause)),
            NextStep::Rest(pause) => {
                self.rested = true;
                self.requeue(later(pause));
            }
            NextStep::TakeFallback => {
                self.turn = ContentChoice::Fallback;
                self.requeue(now);
            }
            NextStep::LeaveText => {
                self.text_refused = true;
                self.requeue(now);
            }
            NextStep::UseMessages => self.requeue(now),
            NextStep::Hold(scope) => self.hold(*scope, hold),
            NextStep::OptOut => self.skip(Reason::OptedOut),
            NextStep::Skip(reason) => self.skip(*reason),
            NextStep::GiveUp(reason) => self.dead_letter(*reason, now),
            NextStep::AwaitEvidence | NextStep::Finish(_) => self.await_outcome(),
        }
    }

    /// Enters a state in which the message is not queued and no dead letter has to be published.
    fn enter(&mut self, state: MessageState, reason: Option<String>) {
        self.state = state;
        self.reason = reason;
        self.publish_at = None;
        self.publishes = 0;
        self.dead_letter_due = false;
        self.held_by = None;
    }

    fn await_outcome(&mut self) {
        let reason = self.reason.take();
        self.enter(MessageState::Unknown, reason);
    }

    fn dead_letter(&mut self, reason: DeadLetterReason, now: DateTime<Utc>) {
        self.enter(MessageState::Dead, Some(reason.as_str().to_owned()));
        self.dead_letter_due = true;
        self.dead_lettered_at = Some(now);
    }

    /// Queues the message, unless it was withdrawn meanwhile.
    fn requeue(&mut self, due_at: DateTime<Utc>) {
        if let Some(mark) = self.withdrawn.clone() {
            self.enter(MessageState::Withdrawn, Some(mark));
        } else {
            self.enter(MessageState::Queued, None);
            self.due_at = due_at;
            self.publish_at = Some(due_at);
        }
    }

    /// Lets the message wait for a hold, unless it was withdrawn meanwhile.
    fn hold(&mut self, scope: Scope, key: Option<String>) {
        if let Some(mark) = self.withdrawn.clone() {
            self.enter(MessageState::Withdrawn, Some(mark));
        } else {
            self.enter(MessageState::Held, Some(scope.as_str().to_owned()));
            self.held_by = key;
        }
    }

    fn skip(&mut self, reason: Reason) {
        self.enter(MessageState::Skipped, Some(reason.as_str().to_owned()));
    }

    /// Records an acceptance, of any attempt. A status that WhatsApp has reported already says more, and stays.
    fn accept(&mut self, id: &WhatsAppMessageId, hash: Hash<'_>, now: DateTime<Utc>) {
        self.remember_id(id, hash);
        self.sent_at.get_or_insert(now);
        if self.delivery.is_none() && self.state != MessageState::Sent {
            self.enter(MessageState::Sent, None);
            self.error_code = None;
        }
    }

    fn remember_id(&mut self, id: &WhatsAppMessageId, hash: Hash<'_>) {
        self.whatsapp_hash.get_or_insert_with(|| hash(id));
    }

    /// WhatsApp's times are whole seconds, so they can lie before the claim; no message was sent before it was
    /// claimed.
    fn sent_at(&self, report: &Report, now: DateTime<Utc>) -> DateTime<Utc> {
        report.at.max(self.claimed_at.unwrap_or(report.at)).min(now)
    }
}

#[cfg(test)]
mod tests;
