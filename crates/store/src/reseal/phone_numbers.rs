//! Parses the stored phone numbers again, and updates their keyed hashes where this program or the resort's file now gives
//! another number. SQL cannot do this, since it has no key.
//!
//! All bookings of a guest are updated and planned in one transaction, so that no reminder is sent between the old hash and
//! the new one. The work can be interrupted and repeated.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bytea, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::consent::ConsentChange;
use domain::event::{Event, EventType, sealing_identity};
use domain::ids::{BookingKey, ResortId};

use crate::bookings::{self, Booking};
use crate::error::StoreError;
use crate::guest_data::tombstones;
use crate::guests::{self, GuestKey};
use crate::planning::{self, Planner};
use crate::pool;
use crate::prepared;

/// What a page came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reread {
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<String>,
    /// Rows whose number is read differently now.
    pub changed: usize,
    /// Bookings whose number needs its resort's country, by resorts whose files cannot be read: they keep their hashes.
    pub without_resort: BTreeMap<ResortId, usize>,
}

/// Reads the numbers of up to `most` bookings after a key again, and plans those again whose reading changed. What cannot be
/// opened is left as it is: [`reseal`](super::reseal) counts it.
pub fn reread_bookings(
    connection: &mut PgConnection,
    planner: &Planner,
    after: &str,
    most: i64,
) -> Result<Reread, StoreError> {
    let (page, next) = bookings::page_after(connection, &planner.ring, after, most)?;
    let mut reread = Reread {
        next,
        ..Reread::default()
    };
    for booking in page.iter().filter(|booking| lacks_country(planner, booking)) {
        *reread
            .without_resort
            .entry(booking.key.resort.clone())
            .or_default() += 1;
    }
    let found: Vec<_> = page
        .iter()
        .filter_map(|booking| Some((&booking.key, guests_of_changed(planner, booking)?)))
        .collect();
    if found.is_empty() {
        return Ok(reread);
    }
    let own: BTreeSet<BookingKey> = found.iter().map(|(key, _)| (*key).clone()).collect();
    let guests: BTreeSet<GuestKey> = found.into_iter().flat_map(|(_, guests)| guests).collect();
    reread.changed = replan(connection, planner, &own, &guests, &[])?;
    Ok(reread)
}

/// The guest by the hash in the row and by the number as it is read now, where they are not the same.
fn guests_of_changed(planner: &Planner, booking: &Booking) -> Option<Vec<GuestKey>> {
    let now = planner.guest_of_booking(booking);
    if now.as_ref().map(|guest| guest.phone_hash) == booking.phone_hash {
        return None;
    }
    let was = planner.changed_guest(booking).map(|(was, _)| was);
    Some(was.into_iter().chain(now).collect())
}

fn lacks_country(planner: &Planner, booking: &Booking) -> bool {
    let is_unreadable = planner.resort(&booking.key.resort).is_none();
    is_unreadable
        && booking
            .facts
            .phone_number(None)
            .is_some_and(|number| number.is_err())
}

/// Locks some bookings and all others of some guests, and plans them with what these wish. Returns how many had another hash.
fn replan(
    connection: &mut PgConnection,
    planner: &Planner,
    own: &BTreeSet<BookingKey>,
    guests: &BTreeSet<GuestKey>,
    wishes: &[&PlatformConsent],
) -> Result<usize, StoreError> {
    let arrivals = guests.iter().map(|guest| tombstones::Arrival {
        booking: None,
        resort: Some(&guest.resort),
        names: vec![guest.phone_hash.as_slice()],
        message: None,
        received_at: DateTime::UNIX_EPOCH,
    });
    tombstones::lock_shared(connection, &arrivals.collect::<Vec<_>>())?;
    let mut keys = bookings::all_of_guests(connection, guests)?;
    keys.extend(own.iter().cloned());
    let locked = bookings::lock_readable(connection, &planner.ring, &keys)?;
    let now = pool::clock(connection)?;
    for (guest, wish, at) in wishes {
        guests::record_consent(connection, guest, *wish, *at)?;
    }
    planning::replan(connection, planner, now, &locked)?;
    let changed = locked
        .iter()
        .filter_map(|booking| guests_of_changed(planner, booking));
    Ok(changed.count())
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Timestamptz)]
    received_at: DateTime<Utc>,
    #[diesel(sql_type = Bytea)]
    sealed_body: Vec<u8>,
    #[diesel(sql_type = Nullable<Bytea>)]
    phone_hash: Option<Vec<u8>>,
}

/// Reads the numbers again of up to `most` raw events that come after a key.
///
/// What they said of a guest's wishes holds for the number as it is read now, also where it was taken for no number.
/// WhatsApp's updates bear the digits themselves.
pub fn reread_events(
    connection: &mut PgConnection,
    planner: &Planner,
    after: &str,
    most: i64,
) -> Result<Reread, StoreError> {
    let rows: Vec<EventRow> = prepared::sql(
        "SELECT key, received_at, sealed_body, phone_hash FROM events \
         WHERE key > $1 COLLATE \"C\" AND sealed_body IS NOT NULL AND source <> 'whatsapp' ORDER BY key LIMIT $2",
    )
    .bind::<Text, _>(after)
    .bind::<BigInt, _>(most)
    .load(connection)
    .map_err(StoreError::query("read events to read their numbers again"))?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|found| found >= most);
    let next = rows.last().filter(|_| is_full).map(|row| row.key.clone());
    let changed: Vec<Changed> = rows.iter().filter_map(|row| Changed::of(planner, row)).collect();
    let wishes: Vec<&PlatformConsent> = changed.iter().filter_map(|one| one.wish.as_ref()).collect();
    if !wishes.is_empty() {
        let guests = wishes.iter().map(|(guest, _, _)| guest.clone()).collect();
        replan(connection, planner, &BTreeSet::new(), &guests, &wishes)?;
    }
    Ok(Reread {
        next,
        changed: write_hashes(connection, &changed)?,
        ..Reread::default()
    })
}

/// A guest's wish, and when it was said.
type PlatformConsent = (GuestKey, ConsentChange, DateTime<Utc>);

struct Changed {
    key: String,
    phone_hash: Option<[u8; 32]>,
    wish: Option<PlatformConsent>,
}

impl Changed {
    fn of(planner: &Planner, row: &EventRow) -> Option<Self> {
        let opened = planner
            .ring
            .open(&row.sealed_body, &sealing_identity(&row.key))
            .ok()?;
        let event: Event = serde_json::from_slice(&opened).ok()?;
        let phone_hash = planner.hash_of_event(&event);
        let is_same = phone_hash.as_ref().map(<[u8; 32]>::as_slice) == row.phone_hash.as_deref();
        // Without the resort's file the number may be readable all the same.
        let is_unknown = phone_hash.is_none() && planner.resort(&event.resort).is_none();
        if is_same || is_unknown {
            return None;
        }
        let wish = match event.event_type {
            EventType::GuestOptedOut => Some(ConsentChange::Stop),
            EventType::GuestOptedIn => Some(ConsentChange::Start),
            _ => None,
        };
        let guest = phone_hash.map(|phone_hash| GuestKey {
            phone_hash,
            resort: event.resort.clone(),
        });
        let changed_at = event.occurred_at.min(row.received_at);
        Some(Self {
            key: row.key.clone(),
            phone_hash,
            wish: guest.zip(wish).map(|(guest, wish)| (guest, wish, changed_at)),
        })
    }
}

fn write_hashes(connection: &mut PgConnection, changed: &[Changed]) -> Result<usize, StoreError> {
    prepared::sql(
        "UPDATE events e SET phone_hash = n.phone_hash FROM unnest($1, $2) AS n(key, phone_hash) \
         WHERE e.key = n.key AND e.sealed_body IS NOT NULL AND e.key = ANY(ARRAY( \
         SELECT key FROM events WHERE key = ANY($1) ORDER BY key FOR NO KEY UPDATE))",
    )
    .bind::<Array<Text>, _>(changed.iter().map(|one| one.key.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Bytea>>, _>(
        changed
            .iter()
            .map(|one| one.phone_hash.as_ref().map(<[u8; 32]>::as_slice))
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .map_err(StoreError::query("write events' numbers"))
}
