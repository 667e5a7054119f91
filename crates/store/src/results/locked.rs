//! Bookings and their messages under lock, while results are written into them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel::{
    ExpressionMethods, PgConnection, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_query,
};
use domain::guest::Wish;
use domain::ids::{BookingKey, MessageId};
use domain::message::{MessageKind, MessageState};
use uuid::Uuid;

use super::transitions::Row;
use super::{Outcome, Recorded};
use crate::bookings;
use crate::error::StoreError;
use crate::guests;
use crate::letters;
use crate::planning::{self, Policies};
use crate::schema::messages;

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = Text)]
    key: String,
}

/// Locked bookings and messages, and what was done to them.
pub(super) struct Locked {
    bookings: Vec<bookings::Booking>,
    pub(super) rows: BTreeMap<Uuid, Row>,
    pub(super) now: DateTime<Utc>,
    followed: BTreeSet<String>,
    /// Messages that were dead when something was heard of them: their letters may be settled by it.
    were_dead: Vec<Uuid>,
    pub(super) outcome: Outcome,
}

impl Locked {
    pub(super) fn take(
        connection: &mut PgConnection,
        policies: &Policies<'_>,
        ids: &[Uuid],
    ) -> Result<Self, StoreError> {
        let owners: Vec<Owner> =
            sql_query("SELECT DISTINCT booking_key AS key FROM messages WHERE id = ANY($1)")
                .bind::<Array<SqlUuid>, _>(ids)
                .load(connection)
                .map_err(StoreError::query("find messages' bookings"))?;
        let key = |owner: &Owner| owner.key.parse::<BookingKey>().ok();
        let bookings = bookings::lock(
            connection,
            policies.ring,
            &owners.iter().filter_map(key).collect(),
        )?;
        // All messages of these bookings, in one order: planning takes the others too.
        let keys: Vec<String> = bookings.iter().map(|booking| booking.key.to_string()).collect();
        let rows: Vec<Row> = messages::table
            .filter(messages::booking_key.eq_any(keys))
            .order(messages::id)
            .for_no_key_update()
            .select(Row::as_select())
            .load(connection)
            .map_err(StoreError::query("lock messages"))?;
        let now = crate::pool::clock(connection)?;
        let rows = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(Self {
            bookings,
            rows,
            now,
            followed: BTreeSet::new(),
            were_dead: Vec::new(),
            outcome: Outcome::default(),
        })
    }

    /// Writes one message as it is now, and keeps it for the next result of the same message. `None` changes nothing.
    pub(super) fn write(
        &mut self,
        connection: &mut PgConnection,
        id: MessageId,
        after: Option<Row>,
    ) -> Result<(), StoreError> {
        let Some(row) = after else {
            return Ok(());
        };
        diesel::update(messages::table.find(id.0))
            .set((&row, messages::updated_at.eq(self.now)))
            .execute(connection)
            .map_err(StoreError::query("record what came of a message"))?;
        let unreadable = |what| move |_| StoreError::Unreadable { what };
        let kind: MessageKind = row.kind.parse().map_err(unreadable("message kind"))?;
        if kind.others_follow() {
            self.followed.insert(row.booking_key.clone());
        }
        self.outcome.recorded.push(Recorded {
            id,
            booking_key: row.booking_key.clone(),
            kind,
            state: row.state.parse().map_err(unreadable("message state"))?,
            reason: row.reason.clone(),
        });
        let before = self.rows.insert(id.0, row);
        if before.is_some_and(|before| before.is(MessageState::Dead)) {
            self.were_dead.push(id.0);
        }
        Ok(())
    }

    /// Remembers that the guest refuses marketing from this resort; each claim looks for that.
    pub(super) fn opt_out(
        &self,
        connection: &mut PgConnection,
        policies: &Policies<'_>,
        id: MessageId,
    ) -> Result<(), StoreError> {
        let row = self.rows.get(&id.0);
        let of_message =
            |booking: &&bookings::Booking| row.is_some_and(|row| row.booking_key == booking.key.to_string());
        let booking = self.bookings.iter().find(of_message);
        match booking.and_then(|booking| policies.guest_of_booking(booking)) {
            Some(guest) => guests::record_wish(connection, &guest, Wish::Stop, self.now),
            None => Ok(()),
        }
    }

    pub(super) fn finish(
        mut self,
        connection: &mut PgConnection,
        policies: &Policies<'_>,
    ) -> Result<Outcome, StoreError> {
        letters::settle_by_whatsapp(connection, &self.were_dead, self.now)?;
        self.bookings
            .retain(|booking| self.followed.contains(&booking.key.to_string()));
        if !self.bookings.is_empty() {
            self.outcome.planned = planning::replan(connection, policies, self.now, &self.bookings)?;
        }
        Ok(self.outcome)
    }
}
