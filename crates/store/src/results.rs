//! Records the results of calls: from their answers, and from WhatsApp's later reports.
//!
//! Both lock holds, bookings and messages, in this order. Results are fenced by the attempt's number; an acceptance is recorded from
//! any attempt.

mod called;
mod columns;
mod locked;
mod silence;

use std::collections::{BTreeMap, HashMap};

use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::after_call::NextStep;
use domain::hold::{NewHold, Route};
use domain::ids::{MessageId, WhatsAppMessageId};
use domain::message::{MessageKind, MessageState};
use domain::message_record::{CallResult, Judging, Report};
use domain::trace::TraceContext;
use uuid::Uuid;

use crate::error::StoreError;
use crate::holds::{self, Laid, Word};
use crate::planning::{Planned, Planner};
use crate::schema::messages;

use called::Known;
use locked::Locked;
pub use silence::{UnresolvedCall, doubt_due, doubt_lost_calls, gather, settle_silence};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub id: MessageId,
    pub booking_key: String,
    pub kind: MessageKind,
    pub state: MessageState,
    pub reason: Option<String>,
    /// The span in which it was planned.
    pub trace: Option<TraceContext>,
}

#[derive(Debug, Default)]
pub struct Outcome {
    pub recorded: Vec<Recorded>,
    /// What follows for their bookings.
    pub planned: Planned,
    pub unmatched: usize,
    /// Holds that refusals called for, and whether they were news.
    pub laid: Vec<(NewHold, Laid)>,
    /// Keys of holds that accepted or delivered messages ended.
    pub lifted: Vec<String>,
}

/// Records what came of calls.
pub fn record_calls(
    connection: &mut PgConnection,
    planner: &Planner,
    results: &[CallResult],
) -> Result<Outcome, StoreError> {
    // Lock order: holds before bookings.
    let laid = lay_holds(
        connection,
        results.iter().filter_map(|result| result.hold.clone()),
    )?;
    let lifted = lift_holds(connection, results)?;
    let ids: Vec<Uuid> = results.iter().map(|result| result.id.0).collect();
    let mut locked = Locked::take(connection, planner, &ids)?;
    for result in results {
        if let Some(record) = locked.record(result.id) {
            let after = record.after_call(result, &hash_under(planner), locked.now);
            if result.next == NextStep::OptOut {
                locked.opt_out(connection, planner, result.id)?;
            }
            locked.learn(planner, result.id, &result.names);
            locked.change(result.id, after);
        }
    }
    let outcome = locked.finish(connection, planner)?;
    Ok(Outcome {
        laid,
        lifted,
        ..outcome
    })
}

/// Lays each required hold once, for the newest of the refused calls.
fn lay_holds(
    connection: &mut PgConnection,
    wanted: impl Iterator<Item = NewHold>,
) -> Result<Vec<(NewHold, Laid)>, StoreError> {
    let mut holds: BTreeMap<String, NewHold> = BTreeMap::new();
    for hold in wanted {
        let known = holds.entry(hold.key()).or_insert_with(|| hold.clone());
        if known.called_at < hold.called_at {
            *known = hold;
        }
    }
    let lay = |hold: NewHold| holds::lay(connection, &hold).map(|laid| (hold, laid));
    holds.into_values().map(lay).collect()
}

/// Has accepted calls judge the half-open holds; returns the keys of the holds that end.
fn lift_holds(connection: &mut PgConnection, results: &[CallResult]) -> Result<Vec<String>, StoreError> {
    let accepted: Vec<(MessageId, &Route)> = results
        .iter()
        .filter(|result| matches!(result.next, NextStep::Finish(_)))
        .map(|result| (result.id, &result.route))
        .collect();
    if accepted.is_empty() {
        return Ok(Vec::new());
    }
    holds::accepted(connection, &accepted)
}

/// Records WhatsApp's reports. A report that arrives before the answer of its call counts as the answer.
pub fn record_reports(
    connection: &mut PgConnection,
    planner: &Planner,
    judging: &Judging,
    reports: &[Report],
) -> Result<Outcome, StoreError> {
    let resolved = resolve(connection, planner, reports)?;
    let ids: Vec<Uuid> = resolved.iter().flatten().copied().collect();
    // Lock order: holds before bookings. So the messages are read here without a lock, to find the holds.
    let known = called::read(connection, &ids)?;
    let known_of = |id: &Option<Uuid>| known.get(&MessageId((*id)?));
    let of_messages: Vec<(&Report, &Known)> = reports
        .iter()
        .zip(&resolved)
        .filter_map(|(report, id)| Some((report, known_of(id)?)))
        .collect();
    let wanted = of_messages
        .iter()
        .filter_map(|(report, known)| known.hold_after(report, judging));
    let laid = lay_holds(connection, wanted)?;
    let lifted = judge_probes(connection, &of_messages)?;
    let mut locked = Locked::take(connection, planner, &ids)?;
    for (report, id) in reports.iter().zip(&resolved) {
        let message = id.map(MessageId);
        let Some((id, record)) = message.and_then(|id| Some((id, locked.record(id)?))) else {
            locked.outcome.unmatched += 1;
            continue;
        };
        let called = known_of(&Some(id.0)).map(|known| &known.called);
        let after = record.after_report(report, judging, called, &hash_under(planner), locked.now);
        if report.refuses_marketing() {
            locked.opt_out(connection, planner, id)?;
        }
        locked.learn(planner, id, &report.names);
        locked.change(id, after);
    }
    let outcome = locked.finish(connection, planner)?;
    Ok(Outcome {
        laid,
        lifted,
        ..outcome
    })
}

/// Judges the probes of holds that were laid for a status by their reports; returns the keys of the holds that end.
fn judge_probes(
    connection: &mut PgConnection,
    reports: &[(&Report, &Known)],
) -> Result<Vec<String>, StoreError> {
    let with_word = |word: Word| -> Vec<MessageId> {
        let matching = reports
            .iter()
            .filter(|(report, known)| known.word(report) == Some(word));
        matching.map(|(_, known)| known.id).collect()
    };
    let (went, failed) = (with_word(Word::Went), with_word(Word::Failed));
    if !failed.is_empty() {
        holds::unmark_failed(connection, &failed)?;
    }
    if went.is_empty() {
        return Ok(Vec::new());
    }
    holds::lift_reported(connection, &went)
}

/// The message that each report is about: by our own callback data, else by WhatsApp's id.
fn resolve(
    connection: &mut PgConnection,
    planner: &Planner,
    reports: &[Report],
) -> Result<Vec<Option<Uuid>>, StoreError> {
    let hash_of = hash_under(planner);
    let hash = |report: &Report| Some(hash_of(&report.whatsapp_id));
    let hashes: Vec<_> = reports
        .iter()
        .filter(|report| report.callback.is_none())
        .map(hash)
        .collect();
    let by_hash: HashMap<Option<Vec<u8>>, Uuid> = if hashes.is_empty() {
        HashMap::new()
    } else {
        let rows: Vec<(Option<Vec<u8>>, Uuid)> = messages::table
            .filter(messages::whatsapp_hash.eq_any(hashes))
            .select((messages::whatsapp_hash, messages::id))
            .load(connection)
            .map_err(StoreError::query("find reported messages"))?;
        rows.into_iter().collect()
    };
    let id = |report: &Report| {
        let named = report.callback.map(|callback| callback.message.0);
        named.or_else(|| by_hash.get(&hash(report)).copied())
    };
    Ok(reports.iter().map(id).collect())
}

/// WhatsApp's ids hold the guest's number: only their keyed hash is kept.
fn hash_under(planner: &Planner) -> impl Fn(&WhatsAppMessageId) -> Vec<u8> {
    let ring = &planner.ring;
    move |id| ring.lookup(id.reveal()).to_vec()
}
