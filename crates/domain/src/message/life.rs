//! A message's life from its first call on: what answers, reports and silence make of it.
//!
//! Pure, so that every order of arrival can be tried. Results are fenced by the attempt's number; an acceptance is
//! recorded from any attempt; statuses climb; what was withdrawn goes back to the queue on no way.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Attempt, CallbackData, DeliveryStatus, MessageState, Reason, Turn};
use crate::after_call::{Advice, CallOutcome, NextStep, Refusal, RetryPolicy, Scope, Tried};
use crate::dead_letter::DeadLetterReason;
use crate::guest::GuestName;
use crate::hold::{self, NewHold, Route};
use crate::ids::{MessageId, WhatsAppMessageId};
use crate::silence::Verdict;

/// What one call came to.
#[derive(Debug, Clone)]
pub struct CallResult {
    /// The message.
    pub id: MessageId,
    /// Which of its calls.
    pub attempt: Attempt,
    /// How it went.
    pub route: Route,
    /// What happens to it now.
    pub next: NextStep,
    /// What has to be held besides.
    pub hold: Option<NewHold>,
    /// WhatsApp's error code, where there was one.
    pub error_code: Option<i64>,
    /// WhatsApp took it and holds it back to judge its template first.
    pub paced: bool,
    /// How WhatsApp names the guest who was called.
    pub names: Vec<GuestName>,
}

/// What WhatsApp reports of a message.
#[derive(Debug, Clone)]
pub struct Report {
    /// The call, where the report names one of ours.
    pub callback: Option<CallbackData>,
    /// WhatsApp's name of the message.
    pub whatsapp_id: WhatsAppMessageId,
    /// How far it came.
    pub status: DeliveryStatus,
    /// When, by WhatsApp's clock.
    pub at: DateTime<Utc>,
    /// Why it failed, where WhatsApp says so.
    pub failure: Option<Refusal>,
    /// How WhatsApp names the guest who was called.
    pub names: Vec<GuestName>,
}

impl Report {
    /// Whether the message failed because the guest refuses marketing.
    pub fn refuses_marketing(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|refusal| refusal.advice == Advice::OptOut)
    }

    /// What the call came to, where it failed after all.
    pub fn failed(&self) -> Option<CallOutcome> {
        (self.status == DeliveryStatus::Failed).then(|| CallOutcome::Failed(self.failure.clone()))
    }
}

/// How failures that are reported are judged.
#[derive(Debug, Clone, Copy)]
pub struct Judging {
    /// How often a message is tried.
    pub policy: RetryPolicy,
    /// How long a hold lasts until one message may try again.
    pub pause: Duration,
}

/// What was called for last, as far as it is stored.
#[derive(Debug, Clone)]
pub struct Called {
    /// How it went; the parts that are not known are left out.
    pub route: Route,
    /// Whether the guest's country is known.
    pub country_is_known: bool,
    /// Whether free text was sent, not a template.
    pub free_text: bool,
}

impl Called {
    /// What has to be held after a call of which this came. `None` also where it is not known what was called for.
    fn hold(&self, outcome: &CallOutcome, pause: Duration) -> Option<NewHold> {
        let new = hold::after(outcome, &self.route, pause)?;
        (new.scope != Scope::Country || self.country_is_known).then_some(new)
    }
}

/// The part of a message that is decided upon here, or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where it stands.
    pub state: MessageState,
    /// Why, in the word of the version that put it there.
    pub reason: Option<String>,
    /// When it may go.
    pub due_at: DateTime<Utc>,
    /// When its id is handed out next; `None`: it is not queued.
    pub publish_at: Option<DateTime<Utc>>,
    /// How often its id was handed out since it was queued.
    pub publishes: i32,
    /// Its last call; 0 where there was none.
    pub attempt: Attempt,
    /// Passing refusals so far.
    pub retries: u32,
    /// Whether the kind's own template or the fallback is next.
    pub turn: Turn,
    /// The mark that it must not be queued again, with the word for why.
    pub withdrawn: Option<String>,
    /// When its last call was claimed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// WhatsApp's name of it, hidden.
    pub whatsapp_hash: Option<Vec<u8>>,
    /// When WhatsApp took it, as far as known.
    pub sent_at: Option<DateTime<Utc>>,
    /// The highest status that WhatsApp has reported of its last call.
    pub delivery: Option<DeliveryStatus>,
    /// When that was, by WhatsApp's clock.
    pub delivery_at: Option<DateTime<Utc>>,
    /// WhatsApp's code for what went wrong last.
    pub error_code: Option<i64>,
    /// Whether the letter of its death is still to be published.
    pub letter_due: bool,
    /// When it died last.
    pub died_at: Option<DateTime<Utc>>,
    /// The key of the hold that it waits for.
    pub held_by: Option<String>,
    /// WhatsApp held it back to judge its template.
    pub paced: bool,
    /// The call that was taken for lost.
    pub silent_attempt: Option<Attempt>,
    /// The last call that WhatsApp reported as failed: its late acceptance says nothing.
    pub failed_attempt: Option<Attempt>,
    /// Whether it has rested a day because the guest had enough marketing.
    pub rested: bool,
    /// Whether WhatsApp refused free text for it, although the guest's window seemed open.
    pub text_refused: bool,
}

/// Hides WhatsApp's name of a message.
pub type Hash<'a> = &'a dyn Fn(&WhatsAppMessageId) -> Vec<u8>;

impl Life {
    /// After the answer to a call. `None`: it is of an older attempt, or the message has moved on.
    pub fn after_call(&self, result: &CallResult, hash: Hash<'_>, now: DateTime<Utc>) -> Option<Self> {
        let mut after = self.clone();
        if let NextStep::Finish(id) = &result.next {
            if self.failed_attempt.is_some_and(|failed| result.attempt <= failed) {
                return None;
            }
            after.accept(id, hash, now);
            after.paced |= result.paced;
            return (after != *self).then_some(after);
        }
        let open = matches!(self.state, MessageState::Sending | MessageState::Unknown);
        if self.attempt != result.attempt || !open {
            return None;
        }
        after.error_code = result.error_code;
        after.take(&result.next, result.hold.as_ref().map(NewHold::key), now);
        (after != *self).then_some(after)
    }

    /// After a report. Statuses climb: sent, failed, delivered, read. `None`: it says nothing that is higher than what is
    /// known, or it is the failure of an older attempt, which says nothing of the one that followed or is about to.
    ///
    /// A failure of the last attempt is judged as its answer would have been; `called` is what was called for, `None`
    /// where that is not known.
    pub fn after_report(
        &self,
        report: &Report,
        judging: &Judging,
        called: Option<&Called>,
        hash: Hash<'_>,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        if self.delivery.is_some_and(|known| known >= report.status) || self.is_of_failed_call(report) {
            return None;
        }
        let mut after = self.clone();
        match report.failed() {
            Some(_) if !self.is_failed_by(report) => return None,
            Some(outcome) => after.fail(&outcome, judging, called, now),
            None => {
                after.enter(report.status.state(), None);
                after.error_code = None;
                after.sent_at.get_or_insert(self.sent_at(report, now));
            }
        }
        after.remember(&report.whatsapp_id, hash);
        after.delivery = Some(report.status);
        after.delivery_at = Some(report.at);
        Some(after)
    }

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
    fn is_of_failed_call(&self, report: &Report) -> bool {
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
    fn fail(
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

    /// After what was made of the silence that followed a call. `None`: somebody spoke meanwhile, another call has
    /// followed, or the verdict is to wait.
    pub fn after_silence(&self, attempt: Attempt, verdict: Verdict, now: DateTime<Utc>) -> Option<Self> {
        if self.state != MessageState::Unknown || self.attempt != attempt {
            return None;
        }
        let mut after = self.clone();
        match verdict {
            Verdict::Wait => return None,
            Verdict::QueueAgain => {
                after.silent_attempt = Some(attempt);
                after.requeue(now);
            }
            Verdict::GiveUp => after.die(DeadLetterReason::OutcomeUnknown, now),
        }
        Some(after)
    }

    /// Does what follows from a call that did not bring the message.
    fn take(&mut self, next: &NextStep, hold: Option<String>, now: DateTime<Utc>) {
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
                self.turn = Turn::Fallback;
                self.requeue(now);
            }
            NextStep::LeaveText => {
                self.text_refused = true;
                self.requeue(now);
            }
            NextStep::Hold(scope) => self.hold(*scope, hold),
            NextStep::OptOut => self.skip(Reason::OptedOut),
            NextStep::Skip(reason) => self.skip(*reason),
            NextStep::GiveUp(reason) => self.die(*reason, now),
            NextStep::AwaitEvidence | NextStep::Finish(_) => self.doubt(),
        }
    }

    /// Moves it to a state in which it is not queued and no letter waits to be published.
    fn enter(&mut self, state: MessageState, reason: Option<String>) {
        self.state = state;
        self.reason = reason;
        self.publish_at = None;
        self.publishes = 0;
        self.letter_due = false;
        self.held_by = None;
    }

    fn doubt(&mut self) {
        let reason = self.reason.take();
        self.enter(MessageState::Unknown, reason);
    }

    fn die(&mut self, reason: DeadLetterReason, now: DateTime<Utc>) {
        self.enter(MessageState::Dead, Some(reason.as_str().to_owned()));
        self.letter_due = true;
        self.died_at = Some(now);
    }

    /// Back to the queue, unless the message was withdrawn meanwhile.
    fn requeue(&mut self, due_at: DateTime<Utc>) {
        if let Some(mark) = self.withdrawn.clone() {
            self.enter(MessageState::Withdrawn, Some(mark));
        } else {
            self.enter(MessageState::Queued, None);
            self.due_at = due_at;
            self.publish_at = Some(due_at);
        }
    }

    /// Waits for a scope, unless the message was withdrawn meanwhile.
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

    /// An acceptance counts from any attempt. What WhatsApp has reported already says more than it.
    fn accept(&mut self, id: &WhatsAppMessageId, hash: Hash<'_>, now: DateTime<Utc>) {
        self.remember(id, hash);
        self.sent_at.get_or_insert(now);
        if self.delivery.is_none() && self.state != MessageState::Sent {
            self.enter(MessageState::Sent, None);
            self.error_code = None;
        }
    }

    fn remember(&mut self, id: &WhatsAppMessageId, hash: Hash<'_>) {
        self.whatsapp_hash.get_or_insert_with(|| hash(id));
    }

    /// WhatsApp's times are whole seconds: no message went before it was claimed.
    fn sent_at(&self, report: &Report, now: DateTime<Utc>) -> DateTime<Utc> {
        report.at.max(self.claimed_at.unwrap_or(report.at)).min(now)
    }
}

#[cfg(test)]
mod tests;
