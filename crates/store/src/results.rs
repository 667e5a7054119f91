//! What came of calls: by their own answers, and by what WhatsApp reports later.
//!
//! Both lock the booking, then the message. Results are fenced by the attempt's number; an acceptance is recorded from
//! any attempt.

mod columns;
mod locked;
mod silence;

use std::collections::{BTreeMap, HashMap};

use diesel::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl};
use domain::after_call::NextStep;
use domain::hold::{NewHold, Route};
use domain::ids::{MessageId, WhatsAppMessageId};
use domain::message::life::{CallResult, Report};
use domain::message::{MessageKind, MessageState};
use uuid::Uuid;

use crate::error::StoreError;
use crate::holds::{self, Laid};
use crate::planning::{Planned, Policies};
use crate::schema::messages;

use locked::Locked;
pub use silence::{Silent, doubt_lost_calls, gather, settle_silence};

/// A message that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which.
    pub id: MessageId,
    /// Whose.
    pub booking_key: String,
    /// What it is about.
    pub kind: MessageKind,
    /// Where it stands now.
    pub state: MessageState,
    /// Why.
    pub reason: Option<String>,
}

/// What recording came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Messages that moved.
    pub recorded: Vec<Recorded>,
    /// What follows for their bookings.
    pub planned: Planned,
    /// Reports that name no message of ours.
    pub unmatched: usize,
    /// Holds that refusals called for, and whether they were news.
    pub laid: Vec<(NewHold, Laid)>,
    /// Keys of holds that accepted messages ended.
    pub lifted: Vec<String>,
}

/// Records what came of calls.
pub fn record_calls(
    connection: &mut PgConnection,
    policies: &Policies<'_>,
    results: &[CallResult],
) -> Result<Outcome, StoreError> {
    // Holds before bookings: whoever takes both takes them in this order.
    let laid = lay_holds(connection, results)?;
    let lifted = lift_holds(connection, results)?;
    let ids: Vec<Uuid> = results.iter().map(|result| result.id.0).collect();
    let mut locked = Locked::take(connection, policies, &ids)?;
    for result in results {
        if let Some(life) = locked.life(result.id) {
            let after = life.after_call(result, &hash_under(policies), locked.now);
            if result.next == NextStep::OptOut {
                locked.opt_out(connection, policies, result.id)?;
            }
            locked.learn(policies, result.id, &result.names);
            locked.write(connection, result.id, after)?;
        }
    }
    let outcome = locked.finish(connection, policies)?;
    Ok(Outcome {
        laid,
        lifted,
        ..outcome
    })
}

/// Lays each hold that is called for, once.
fn lay_holds(
    connection: &mut PgConnection,
    results: &[CallResult],
) -> Result<Vec<(NewHold, Laid)>, StoreError> {
    let wanted: BTreeMap<String, &NewHold> = results
        .iter()
        .filter_map(|result| result.hold.as_ref())
        .map(|hold| (hold.key(), hold))
        .collect();
    wanted
        .into_values()
        .map(|hold| Ok((hold.clone(), holds::lay(connection, hold)?)))
        .collect()
}

/// Ends the holds that accepted messages disprove.
fn lift_holds(connection: &mut PgConnection, results: &[CallResult]) -> Result<Vec<String>, StoreError> {
    let accepted: Vec<&Route> = results
        .iter()
        .filter(|result| matches!(result.next, NextStep::Finish(_)))
        .map(|result| &result.route)
        .collect();
    if accepted.is_empty() {
        return Ok(Vec::new());
    }
    holds::lift_disproved(connection, &accepted)
}

/// Records what WhatsApp reports. A report that comes before the answer of its call counts as that answer.
pub fn record_reports(
    connection: &mut PgConnection,
    policies: &Policies<'_>,
    reports: &[Report],
) -> Result<Outcome, StoreError> {
    let known = resolve(connection, policies, reports)?;
    let ids: Vec<Uuid> = known.iter().flatten().copied().collect();
    let mut locked = Locked::take(connection, policies, &ids)?;
    for (report, id) in reports.iter().zip(&known) {
        let id = id.map(MessageId);
        let Some((id, life)) = id.and_then(|id| Some((id, locked.life(id)?))) else {
            locked.outcome.unmatched += 1;
            continue;
        };
        let after = life.after_report(report, &hash_under(policies), locked.now);
        if report.opted_out {
            locked.opt_out(connection, policies, id)?;
        }
        locked.learn(policies, id, &report.names);
        locked.write(connection, id, after)?;
    }
    locked.finish(connection, policies)
}

/// The message that each report is about: by our own callback data, else by WhatsApp's id.
fn resolve(
    connection: &mut PgConnection,
    policies: &Policies<'_>,
    reports: &[Report],
) -> Result<Vec<Option<Uuid>>, StoreError> {
    let hash_of = hash_under(policies);
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
fn hash_under(policies: &Policies<'_>) -> impl Fn(&WhatsAppMessageId) -> Vec<u8> {
    let ring = policies.ring;
    move |id| ring.lookup(id.reveal()).to_vec()
}
