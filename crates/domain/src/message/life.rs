//! Where a message stands after an answer or a report: pure, so that every order of arrival can be tried.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{AsChangeset, Queryable, Selectable};
use domain::after_call::{NextStep, Scope};
use domain::dead_letter::DeadLetterReason;
use domain::hold::NewHold;
use domain::ids::WhatsAppMessageId;
use domain::message::{DeliveryStatus, MessageState, Reason, Turn};
use uuid::Uuid;

use super::{CallResult, Report};
use crate::schema::messages;

/// The part of a message's row that answers and reports decide upon, or change.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = messages)]
#[diesel(check_for_backend(diesel::pg::Pg))]
#[diesel(treat_none_as_null = true)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) booking_key: String,
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) due_at: DateTime<Utc>,
    pub(super) publish_at: Option<DateTime<Utc>>,
    pub(super) publishes: i32,
    pub(super) attempts: i32,
    pub(super) retries: i32,
    pub(super) turn: String,
    pub(super) withdrawn_reason: Option<String>,
    pub(super) claimed_at: Option<DateTime<Utc>>,
    pub(super) whatsapp_hash: Option<Vec<u8>>,
    pub(super) sent_at: Option<DateTime<Utc>>,
    pub(super) delivery: Option<String>,
    pub(super) delivery_at: Option<DateTime<Utc>>,
    pub(super) error_code: Option<i64>,
    pub(super) letter_due: bool,
    pub(super) died_at: Option<DateTime<Utc>>,
    pub(super) held_by: Option<String>,
    pub(super) paced: bool,
    pub(super) silent_attempt: Option<i32>,
}

/// Hides WhatsApp's id of a message.
pub(super) type Hash<'a> = &'a dyn Fn(&WhatsAppMessageId) -> Vec<u8>;

impl Row {
    pub(super) fn is(&self, state: MessageState) -> bool {
        self.state == state.as_str()
    }

    /// Moves it to a state in which it is not queued and no letter waits to be published.
    fn enter(&mut self, state: MessageState, reason: Option<String>) {
        self.state = state.as_str().to_owned();
        self.reason = reason;
        self.publish_at = None;
        self.publishes = 0;
        self.letter_due = false;
        self.held_by = None;
    }

    pub(super) fn die(&mut self, reason: DeadLetterReason, now: DateTime<Utc>) {
        self.enter(MessageState::Dead, Some(reason.as_str().to_owned()));
        self.letter_due = true;
        self.died_at = Some(now);
    }

    /// Back to the queue, unless the message was withdrawn meanwhile.
    pub(super) fn requeue(&mut self, due_at: DateTime<Utc>) {
        if let Some(mark) = self.withdrawn_reason.clone() {
            self.enter(MessageState::Withdrawn, Some(mark));
        } else {
            self.enter(MessageState::Queued, None);
            self.due_at = due_at;
            self.publish_at = Some(due_at);
        }
    }

    /// Waits for a scope, unless the message was withdrawn meanwhile.
    fn hold(&mut self, scope: Scope, key: Option<String>) {
        if let Some(mark) = self.withdrawn_reason.clone() {
            self.enter(MessageState::Withdrawn, Some(mark));
        } else {
            self.enter(MessageState::Held, Some(scope.as_str().to_owned()));
            self.held_by = key;
        }
    }

    /// Whether it is queued because this call was taken for lost: WhatsApp had it after all.
    fn is_queued_by_silence_of(&self, attempt: Option<i64>) -> bool {
        attempt.is_some() && self.silent_attempt.map(i64::from) == attempt
    }

    fn opt_out(&mut self) {
        self.enter(MessageState::Skipped, Some(Reason::OptedOut.as_str().to_owned()));
    }

    fn remember(&mut self, id: &WhatsAppMessageId, hash: Hash<'_>) {
        self.whatsapp_hash.get_or_insert_with(|| hash(id));
    }
}

/// After the answer to a call. `None`: it is of an older attempt, or the row has moved on.
pub(super) fn after_call(row: &Row, result: &CallResult, hash: Hash<'_>, now: DateTime<Utc>) -> Option<Row> {
    let mut after = row.clone();
    if let NextStep::Finish(id) = &result.next {
        accept(&mut after, id, hash, now);
        after.paced |= result.paced;
        return (after != *row).then_some(after);
    }
    let current = i64::from(row.attempts) == i64::from(result.attempt.0);
    let open = row.is(MessageState::Sending) || row.is(MessageState::Unknown);
    if !current || !open {
        return None;
    }
    after.error_code = result.error_code;
    let later = |pause: &std::time::Duration| now + TimeDelta::from_std(*pause).unwrap_or_default();
    match &result.next {
        NextStep::RetryAfter(pause) => {
            after.retries = row.retries.saturating_add(1);
            after.requeue(later(pause));
        }
        NextStep::WaitAtNoCost(pause) => after.requeue(later(pause)),
        NextStep::TakeFallback => {
            after.turn = Turn::Fallback.as_str().to_owned();
            after.requeue(now);
        }
        NextStep::Hold(scope) => after.hold(*scope, result.hold.as_ref().map(NewHold::key)),
        NextStep::OptOut => after.opt_out(),
        NextStep::GiveUp(reason) => after.die(*reason, now),
        NextStep::AwaitEvidence | NextStep::Finish(_) => {
            after.enter(MessageState::Unknown, row.reason.clone())
        }
    }
    (after != *row).then_some(after)
}

/// An acceptance counts from any attempt. What WhatsApp has reported already says more than it.
fn accept(after: &mut Row, id: &WhatsAppMessageId, hash: Hash<'_>, now: DateTime<Utc>) {
    after.remember(id, hash);
    after.sent_at.get_or_insert(now);
    if after.delivery.is_none() && !after.is(MessageState::Sent) {
        after.enter(MessageState::Sent, None);
        after.error_code = None;
    }
}

/// After a report. Statuses climb: sent, failed, delivered, read. `None`: it says nothing that is higher than what is
/// known, or it is the failure of an older attempt, which says nothing of the one that followed or is about to.
pub(super) fn after_report(row: &Row, report: &Report, hash: Hash<'_>, now: DateTime<Utc>) -> Option<Row> {
    let known: Option<DeliveryStatus> = row.delivery.as_deref().and_then(|text| text.parse().ok());
    if known.is_some_and(|known| known >= report.status) {
        return None;
    }
    let failed = report.status == DeliveryStatus::Failed;
    let attempt = report.callback.map(|callback| i64::from(callback.attempt.0));
    let older = attempt.is_some_and(|attempt| attempt < i64::from(row.attempts));
    if failed && (older || row.is(MessageState::Queued) && !row.is_queued_by_silence_of(attempt)) {
        return None;
    }
    let mut after = row.clone();
    after.remember(&report.whatsapp_id, hash);
    after.delivery = Some(report.status.as_str().to_owned());
    after.delivery_at = Some(report.at);
    after.error_code = report.error_code;
    if failed && report.opted_out {
        after.opt_out();
    } else if failed {
        after.die(DeadLetterReason::DeliveryFailed, now);
    } else {
        after.enter(report.status.state(), None);
        after.sent_at.get_or_insert(sent_at(row, report, now));
    }
    Some(after)
}

/// WhatsApp's times are whole seconds: no message went before it was claimed.
fn sent_at(row: &Row, report: &Report, now: DateTime<Utc>) -> DateTime<Utc> {
    report.at.max(row.claimed_at.unwrap_or(report.at)).min(now)
}

#[cfg(test)]
mod tests;
