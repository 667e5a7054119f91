//! What the results are made of: Postgres' rows, and the sandbox's memory.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Integer, Nullable, Text, Timestamptz};

use crate::play::Played;
use crate::postgres::Postgres;
use crate::stage::Stage;
use crate::whatsapp::Call;

/// A reminder, and the confirmation that forbids it; also that of the reservation that its cart became, or that the guest
/// made elsewhere: here all of one guest are for the same days.
const FORBIDDEN: &str = "FROM messages m JOIN bookings b ON b.key = m.booking_key \
     JOIN bookings o ON o.key = b.key OR o.key = b.became_key OR o.phone_hash = b.phone_hash \
     JOIN events e ON e.booking_key = o.key AND e.event_type = 'reservation_confirmed' \
     WHERE m.kind IN ('reminder_1', 'reminder_2') AND m.claimed_at IS NOT NULL AND";

/// The confirmation came between such a reminder's claim and its end, and could only mark it.
const IN_FLIGHT: &str = "m.claimed_at <= pg_xact_commit_timestamp(e.xmin) \
     AND m.updated_at >= pg_xact_commit_timestamp(e.xmin) AND m.withdrawn_reason IS NOT NULL AND m.state <> 'withdrawn'";

/// The claim came after the confirmation. Postgres takes a commit's timestamp before it flushes the commit to disk, and shows the
/// commit to other sessions after that.
const CLAIMED_AFTER: &str = "m.claimed_at > pg_xact_commit_timestamp(e.xmin) + interval '200 ms'";

/// Everything that there is to compare.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// Source and id of every event that was applied.
    pub(crate) events: HashSet<String>,
    /// The state of every booking.
    pub(crate) bookings: HashMap<String, String>,
    /// Every message by its id.
    pub(crate) messages: HashMap<String, Message>,
    /// Every dead letter of a message.
    pub(crate) letters: Vec<Letter>,
    /// Every call that WhatsApp got.
    pub(crate) calls: Vec<Call>,
    /// The faults, and when they really were.
    pub(crate) played: Vec<Played>,
}

/// A message's row.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Message {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    pub(crate) booking: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Integer)]
    pub(crate) round: i32,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
}

/// A dead letter of a message, as a person sees it.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Letter {
    #[diesel(sql_type = Text)]
    pub(crate) message: String,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Text)]
    error: String,
    /// When its last call was claimed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(crate) claimed_at: Option<DateTime<Utc>>,
    /// Whether that was for the silence after an earlier one.
    #[diesel(sql_type = Bool)]
    went_once_more: bool,
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    key: String,
}

#[derive(QueryableByName)]
struct Booking {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    status: String,
}

/// What Postgres finds and counts.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Reminders whose claim is younger than the commit of a confirmation that forbids them.
    pub(crate) reminders_after_confirmation: Vec<String>,
    /// Reminders of which that cannot be said, because the commit's time is not kept.
    pub(crate) unjudged: Vec<String>,
    /// Letters of events, which there should be none of.
    pub(crate) event_letters: Vec<String>,
    /// Reminders that a confirmation met before their claim.
    pub(crate) withdrawn: i64,
    /// As before, of a cart that nothing but the guest's number binds to the reservation.
    pub(crate) booked_elsewhere: i64,
    /// Reminders that a confirmation met during their call.
    pub(crate) in_flight: i64,
    /// Messages that were sent once more, by the evidence of their neighbours.
    pub(crate) sent_once_more: i64,
}

impl Evidence {
    /// To be taken after the dead queues were emptied into Postgres.
    pub(crate) async fn gather(stage: &Stage, played: Vec<Played>) -> anyhow::Result<Self> {
        let postgres = &stage.postgres;
        let events = postgres
            .list::<Key>("SELECT key FROM events WHERE source <> 'whatsapp'")
            .await?;
        let bookings = postgres
            .list::<Booking>("SELECT id, status FROM bookings")
            .await?;
        let messages = postgres.list::<Message>(
            "SELECT m.id::text AS id, b.id AS booking, m.kind, m.round, m.state, m.reason \
             FROM messages m JOIN bookings b ON b.key = m.booking_key",
        );
        let letters = postgres.list::<Letter>(
            "SELECT coalesce(l.message_id::text, l.subject) AS message, l.reason, l.error, m.claimed_at, \
             coalesce(m.attempts > m.silent_attempt, false) AS went_once_more \
             FROM letters l LEFT JOIN messages m ON m.id = l.message_id WHERE l.kind = 'messages'",
        );
        Ok(Self {
            letters: letters.await?,
            played,
            events: events.into_iter().map(|row| row.key).collect(),
            bookings: bookings.into_iter().map(|row| (row.id, row.status)).collect(),
            messages: messages
                .await?
                .into_iter()
                .map(|row| (row.id.clone(), row))
                .collect(),
            calls: stage.whatsapp.calls().await?,
        })
    }
}

impl Counts {
    /// To be taken after the dead queues were emptied into Postgres.
    pub(crate) async fn gather(postgres: &Postgres) -> anyhow::Result<Self> {
        let forbidden = async |when: &str| {
            let what = "concat_ws(' ', m.kind, 'of', b.key, 'claimed', m.claimed_at, 'confirmed', pg_xact_commit_timestamp(e.xmin))";
            list(postgres, format!("SELECT {what} AS key {FORBIDDEN} {when}")).await
        };
        let event_letters = "SELECT concat_ws(' ', subject, booking, reason, error) AS key FROM letters WHERE kind = 'events'";
        let withdrawn = async |why: &str| {
            let what =
                "SELECT count(*) AS count FROM messages WHERE kind = 'reminder_1' AND state = 'withdrawn'";
            postgres.count(&format!("{what} {why}")).await
        };
        Ok(Self {
            reminders_after_confirmation: forbidden(CLAIMED_AFTER).await?,
            unjudged: forbidden("pg_xact_commit_timestamp(e.xmin) IS NULL").await?,
            event_letters: list(postgres, event_letters.to_owned()).await?,
            withdrawn: withdrawn("").await?,
            booked_elsewhere: withdrawn("AND reason = 'booked_elsewhere'").await?,
            in_flight: postgres.count(&format!("SELECT count(DISTINCT m.id) AS count {FORBIDDEN} {IN_FLIGHT}")).await?,
            sent_once_more: postgres
                .count("SELECT count(*) AS count FROM messages WHERE silent_attempt IS NOT NULL AND attempts > silent_attempt")
                .await?,
        })
    }
}

async fn list(postgres: &Postgres, statement: String) -> anyhow::Result<Vec<String>> {
    let found = postgres.list::<Key>(&statement).await?;
    Ok(found.into_iter().map(|row| row.key).collect())
}

impl Letter {
    #[cfg(test)]
    pub(crate) fn of_second_silence(message: &str, claimed_at: DateTime<Utc>) -> Self {
        Self {
            message: message.to_owned(),
            reason: "outcome_unknown".to_owned(),
            error: String::new(),
            claimed_at: Some(claimed_at),
            went_once_more: true,
        }
    }

    /// WhatsApp reported on neither its first call nor its second.
    pub(crate) fn is_of_second_silence(&self) -> bool {
        self.reason == "outcome_unknown" && self.went_once_more
    }

    pub(crate) fn describe(&self) -> String {
        let once_more = if self.went_once_more {
            "went once more"
        } else {
            "went once"
        };
        let claimed_at = self.claimed_at.map_or("never".to_owned(), |at| at.to_rfc3339());
        let Self {
            message,
            reason,
            error,
            ..
        } = self;
        format!("{message}: {reason}, {error}; {once_more}, last claimed {claimed_at}")
    }
}

impl Message {
    #[cfg(test)]
    pub(crate) fn of(id: &str, (booking, round): (&str, i32), kind: &str, state: &str) -> Self {
        Self {
            id: id.to_owned(),
            booking: booking.to_owned(),
            kind: kind.to_owned(),
            round,
            state: state.to_owned(),
            reason: None,
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether it has not come to its end.
    pub(crate) fn is_under_way(&self) -> bool {
        ["queued", "sending", "unknown", "held"].contains(&self.state.as_str())
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state == "dead"
    }

    /// The template of its kind.
    pub(crate) fn template(&self) -> &str {
        match self.kind.as_str() {
            "reservation_confirmation" => "confirmed",
            "review_request" => "review",
            reminder => reminder,
        }
    }

    pub(crate) fn describe(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or("no reason");
        format!(
            "{} of {}, round {} ({}): {}, {reason}",
            self.kind, self.booking, self.round, self.id, self.state
        )
    }
}
