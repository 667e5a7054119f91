//! Claiming: only the sender that moved a row from `queued` to `sending` may call WhatsApp.
//!
//! A sender first reads messages and renders them ([`read_drafts`]), then claims those that it calls at once ([`claim`]).
//! The claim checks again everything that could have changed in between.

mod drafts;
mod guest_limits;
mod hold_out;
mod uncalled;
mod unprepared;

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{
    BigInt, Bool, Date, Double, Integer, Nullable, Text, Time, Timestamptz, Uuid as SqlUuid,
};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::hold::Route;
use domain::hold_out::HoldOut;
use domain::ids::MessageId;
use domain::message::{Attempt, Reason};
use domain::resort::QuietHours;
use uuid::Uuid;

use crate::error::StoreError;
use crate::messages;
use crate::prepared::sql;
use crate::rows::Rows;

pub use drafts::{Draft, Drafts, read_drafts};
pub use guest_limits::forget_reminded;
pub use hold_out::is_held_out;
pub use uncalled::{NotNow, Uncalled, hand_out_later, release, set_aside};
pub use unprepared::{Lacks, note_unprepared, retry_of_mended_bookings, retry_of_resorts};

/// One message that its sender is ready to call for.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub id: MessageId,
    /// The facts that it was written from.
    pub version: i64,
    /// The day on which the guest was last active on the cart, by those facts.
    pub last_seen_on: Option<NaiveDate>,
    /// Quiet hours begin then: no claim is granted after this time.
    pub not_after: Option<DateTime<Utc>>,
    /// The route, by which the holds are found.
    pub route: Route,
    /// Whether it ends if the guest has opted out.
    pub is_marketing: bool,
    /// Whether it asks the guest to finish a booking.
    pub is_reminder: bool,
    /// How many messages of the day its guest may get, itself included; `None`: it is none of those that count.
    pub day_cap: Option<NonZeroU32>,
    /// For how long after a confirmation its guest may not get it.
    pub rest_after_confirmation: Duration,
    /// Whether it is a reminder and its guest in the hold-out ([`is_held_out`]): it ends where it would have been granted.
    pub is_held_out: bool,
    /// The share that is held out, and the quiet hours that it keeps: the row keeps them, so that a breach can be counted.
    pub hold_out: HoldOut,
    pub quiet_hours: Option<QuietHours>,
    /// Whether the claim may be granted. If not, it only ends or holds the message where that is due.
    pub may_call: bool,
}

/// What a claim came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This sender may make the call, as this attempt.
    Granted(MessageId, Attempt),
    /// The message ended instead: it is no longer wanted, or too late.
    Ended(MessageId, Reason),
    /// Its booking or its possible content changed since it was read. Read it again.
    Outdated(MessageId),
    /// A hold of this scope stops it.
    Held(MessageId, String),
    /// Another transaction has locked it, and its lock was not waited for.
    Locked(MessageId),
}

impl Claim {
    pub fn id(&self) -> MessageId {
        match self {
            Self::Granted(id, _)
            | Self::Ended(id, _)
            | Self::Outdated(id)
            | Self::Held(id, _)
            | Self::Locked(id) => *id,
        }
    }
}

#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    verdict: String,
    #[diesel(sql_type = Nullable<Text>)]
    scope: Option<String>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

/// Claims messages under a token, by which a commit without an answer can be read back ([`claimed_by`]), leaving out those
/// that another transaction has locked.
///
/// Run it in a transaction of its own: it first takes the rows' locks, then those of guests whose messages count, and judges
/// by what is committed by then. Messages
/// that another sender took, or whose time has not come, are missing from the answer.
pub fn claim(
    connection: &mut PgConnection,
    token: Uuid,
    wanted: &[Wanted],
) -> Result<Vec<Claim>, StoreError> {
    let free = messages::lock_free(connection, wanted.iter().map(|one| one.id))?;
    let (free, locked): (Vec<&Wanted>, Vec<&Wanted>) = wanted.iter().partition(|one| free.contains(&one.id));
    let mut claims = judge(connection, token, &free)?;
    claims.extend(locked.into_iter().map(|one| Claim::Locked(one.id)));
    Ok(claims)
}

/// Claims one message as [`claim`] does, after waiting for its lock.
pub fn claim_waiting(
    connection: &mut PgConnection,
    token: Uuid,
    wanted: &Wanted,
) -> Result<Option<Claim>, StoreError> {
    messages::lock(connection, std::iter::once(wanted.id))?;
    Ok(judge(connection, token, &[wanted])?.pop())
}

/// Judges messages whose rows are locked, and moves each.
fn judge(connection: &mut PgConnection, token: Uuid, wanted: &[&Wanted]) -> Result<Vec<Claim>, StoreError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    guest_limits::lock(connection, wanted)?;
    let rows: Vec<ClaimRow> = Rows::new(include_str!("claims/claim.sql"), wanted.iter().copied())
        .column::<SqlUuid, _>("id", |one| one.id.0)
        .column::<SqlUuid, _>("token", |_| token)
        .column::<BigInt, _>("version", |one| one.version)
        .column::<Nullable<Timestamptz>, _>("not_after", |one| one.not_after)
        .column::<Bool, _>("is_marketing", |one| one.is_marketing)
        .column::<Bool, _>("is_reminder", |one| one.is_reminder)
        .column::<Nullable<Integer>, _>("day_cap", |one| one.day_cap.map(guest_limits::count))
        .column::<Double, _>("rest", |one| one.rest_after_confirmation.as_secs_f64())
        .column::<Bool, _>("is_held_out", |one| one.is_held_out)
        .column::<Nullable<Integer>, _>("hold_out", |one| one.is_reminder.then_some(share(one.hold_out)))
        .column::<Nullable<Time>, _>("quiet_from", |one| one.quiet_hours.map(|quiet| quiet.from))
        .column::<Nullable<Time>, _>("quiet_to", |one| one.quiet_hours.map(|quiet| quiet.to))
        .column::<Text, _>("template_name", |one| one.route.template_name())
        .column::<Text, _>("number", |one| one.route.number.as_str())
        .column::<Integer, _>("country", |one| i32::from(one.route.country))
        .column::<Nullable<Text>, _>("template", |one| one.route.template.as_deref())
        .column::<Bool, _>("may_call", |one| one.may_call)
        .column::<Nullable<Date>, _>("last_seen_on", |one| one.last_seen_on)
        .load(connection)
        .map_err(StoreError::query("claim messages"))?;
    rows.into_iter().map(into_claim).collect()
}

/// In millionths.
fn share(of: HoldOut) -> i32 {
    i32::try_from(of.millionths()).unwrap_or(i32::MAX)
}

fn into_claim(row: ClaimRow) -> Result<Claim, StoreError> {
    let id = MessageId(row.id);
    Ok(match row.verdict.as_str() {
        "claimed" => Claim::Granted(id, Attempt(u32::try_from(row.attempts).unwrap_or_default())),
        "outdated" => Claim::Outdated(id),
        "held" => Claim::Held(id, row.scope.unwrap_or_default()),
        reason => {
            let unreadable = |_| StoreError::Unreadable {
                what: "verdict of a claim",
            };
            Claim::Ended(id, reason.parse().map_err(unreadable)?)
        }
    })
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    attempts: i32,
}

/// The messages that were claimed under a token. It tells whether a claim was committed whose answer was lost.
pub fn claimed_by(
    connection: &mut PgConnection,
    token: Uuid,
) -> Result<Vec<(MessageId, Attempt)>, StoreError> {
    let rows: Vec<HeldRow> =
        sql("SELECT id, attempts FROM messages WHERE claim_token = $1 AND state = 'sending'")
            .bind::<SqlUuid, _>(token)
            .load(connection)
            .map_err(StoreError::query("read a claim back"))?;
    let held = |row: HeldRow| {
        (
            MessageId(row.id),
            Attempt(u32::try_from(row.attempts).unwrap_or_default()),
        )
    };
    Ok(rows.into_iter().map(held).collect())
}
