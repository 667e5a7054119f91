//! A message's life from its first call on: what answers, reports and silence make of it.
//!
//! Pure, so that every order of arrival can be tried. Results are fenced by the attempt's number; an acceptance is
//! recorded from any attempt; statuses climb; what was withdrawn goes back to the queue on no way.

mod failure;
mod report;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Attempt, ContentChoice, DeliveryStatus, MessageState, Reason};
use crate::after_call::{NextStep, Scope};
use crate::dead_letter::DeadLetterReason;
use crate::guest::GuestName;
use crate::hold::{NewHold, Route};
use crate::ids::{MessageId, WhatsAppMessageId};
use crate::silence_policy::SilenceVerdict;

pub use report::{Called, Judging, Report};

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

/// The part of a message that is decided upon here, or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRecord {
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
    pub turn: ContentChoice,
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

impl MessageRecord {
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

    /// After what was made of the silence that followed a call. `None`: somebody spoke meanwhile, another call has
    /// followed, or the verdict is to wait.
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
            SilenceVerdict::GiveUp => after.die(DeadLetterReason::OutcomeUnknown, now),
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
                self.turn = ContentChoice::Fallback;
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
