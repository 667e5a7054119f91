//! What staff answer guests: a message of its own, whose content is kept here, sealed, for as long as conversations are.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use crypto::key_ring::KeyRing;
use diesel::sql_types::{Array, Bytea, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, QueryableByName, RunQueryDsl};
use domain::audit::Action;
use domain::dead_letter::DecisionRefused;
use domain::ids::{BookingKey, MessageId};
use domain::message::{ContentChoice, MessageKind, Reason};
use domain::plan::{Existing, Window};
use domain::render::Subject;
use domain::staff_answer::{self, AnswerRefused, Around, StaffAnswer};
use uuid::Uuid;

use crate::audit::{self, Actor};
use crate::bookings::{self, Booking};
use crate::error::StoreError;
use crate::guests::consents::Consents;
use crate::guests::{self, GuestKey};
use crate::known_templates::KnownTemplates;
use crate::planner::Planner;
use crate::schema::{answers, messages};
use crate::{conversations, guest_names, pool, prepared};

/// With this turn from the start, a refusal never leads to a fallback: nothing else can be sent in an answer's place.
pub(crate) const TURN: ContentChoice = ContentChoice::Fallback;

/// The identity under which an answer is sealed.
pub(crate) fn identity(message: &str) -> String {
    format!("answer:{message}")
}

pub(crate) fn unseal(ring: &KeyRing, id: MessageId, sealed: &[u8]) -> Result<StaffAnswer, StoreError> {
    let what = "answer to a guest";
    let opened = ring
        .open(sealed, &identity(&id.to_string()))
        .map_err(|cause| StoreError::Sealed { what, cause })?;
    serde_json::from_slice(&opened).map_err(|_| StoreError::Unreadable { what })
}

/// An answer that was taken; its message goes like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    pub message: MessageId,
    /// Until when it may be sent; `None`: it had been taken before, by the same id.
    pub until: Option<DateTime<Utc>>,
}

/// What is known around a booking that decides about an answer.
pub struct Situation {
    /// When the guest's 24-hour window ends, or ended lately.
    pub open_until: Option<DateTime<Utc>>,
    is_opted_out: bool,
    marketing: BTreeSet<String>,
    guest: Option<GuestKey>,
}

impl Situation {
    /// Of a booking whose resort has a readable file. Locks nothing.
    pub fn of(
        connection: &mut PgConnection,
        planner: &Planner,
        booking: &Booking,
    ) -> Result<Self, StoreError> {
        let number = planner.resort(&booking.key.resort).map(|resort| &resort.number);
        let guest = planner.guest_of_booking(booking);
        let phones: BTreeSet<_> = guest.iter().map(|guest| guest.phone_hash).collect();
        let hashes = guest_names::known_as(connection, &phones)?;
        let consents = Consents::of(connection, &phones)?;
        Ok(Self {
            open_until: match number {
                Some(number) => conversations::open_until(connection, number, &hashes)?,
                None => None,
            },
            is_opted_out: guest.as_ref().is_some_and(|guest| {
                let consent = consents.at(&guest.phone_hash, &guest.resort, number);
                consent.is_opted_out()
            }),
            marketing: KnownTemplates::read(connection)?.marketing,
            guest,
        })
    }

    /// For the rules.
    pub fn around(&self) -> Around<'_> {
        Around {
            open_until: self.open_until,
            is_opted_out: self.is_opted_out,
            marketing: &self.marketing,
        }
    }
}

/// Takes an answer to the guest of a booking, once for each id.
///
/// It locks the booking, and ends the guest's waiting at every resort that sends from the same number; reminders stay
/// paused.
pub fn post(
    connection: &mut PgConnection,
    planner: &Planner,
    (key, id): (&BookingKey, MessageId),
    answer: &StaffAnswer,
    by: &Actor,
) -> Result<Result<Posted, AnswerRefused>, StoreError> {
    let locked = match bookings::lock(connection, &planner.ring, &BTreeSet::from([key.clone()])) {
        Err(error) if error.is_damage() => return Ok(Err(AnswerRefused::Damaged)),
        locked => locked?,
    };
    let Some(booking) = locked.into_iter().next() else {
        return Ok(Err(AnswerRefused::BookingUnknown));
    };
    if let Some(before) = taken_before(connection, key, id)? {
        return Ok(before);
    }
    let Some(resort) = planner.resort(&key.resort) else {
        return Ok(Err(AnswerRefused::WithoutResort));
    };
    let situation = Situation::of(connection, planner, &booking)?;
    let now = pool::clock(connection)?;
    let subject = Subject {
        kind: MessageKind::StaffAnswer,
        booking: &key.booking,
        facts: &booking.facts,
        resort,
    };
    let window = match staff_answer::judge(subject, answer, &situation.around(), now) {
        Ok(window) => window,
        Err(refused) => return Ok(Err(refused)),
    };
    insert(connection, planner, (key, id), answer, (by, window))?;
    if let Some(guest) = situation.guest {
        guests::record_answer(
            connection,
            &guest.phone_hash,
            &planner.resorts_of(&resort.number),
            id,
        )?;
    }
    let what = match answer {
        StaffAnswer::Text(_) => "text".to_owned(),
        StaffAnswer::Template(kind) => format!("template of {kind}"),
    };
    let subject = audit::Subject::from(key).with(format!("{what}, message {id}"));
    audit::append(connection, by, Action::GuestAnswered, &subject)?;
    Ok(Ok(Posted {
        message: id,
        until: Some(window.closes_at),
    }))
}

fn taken_before(
    connection: &mut PgConnection,
    key: &BookingKey,
    id: MessageId,
) -> Result<Option<Result<Posted, AnswerRefused>>, StoreError> {
    let found: Option<(String, String)> = messages::table
        .find(id.0)
        .select((messages::booking_key, messages::kind))
        .first(connection)
        .optional()
        .map_err(StoreError::query("look for an answer"))?;
    let is_ours = |(booking, kind): (String, String)| {
        booking == key.to_string() && kind == MessageKind::StaffAnswer.as_str()
    };
    let posted = Posted {
        message: id,
        until: None,
    };
    Ok(found.map(|found| is_ours(found).then_some(posted).ok_or(AnswerRefused::IdTaken)))
}

fn insert(
    connection: &mut PgConnection,
    planner: &Planner,
    (key, id): (&BookingKey, MessageId),
    answer: &StaffAnswer,
    (by, window): (&Actor, Window),
) -> Result<(), StoreError> {
    // The booking is locked, so no other answer gets the same number.
    prepared::sql(
        "INSERT INTO messages (id, booking_key, kind, round, basis_at, state, due_at, expires_at, publish_at, turn) \
         SELECT $1, $2, $3, coalesce((SELECT max(round) + 1 FROM messages WHERE booking_key = $2 AND kind = $3), $7), \
            $4, 'queued', $4, $5, $4, $6",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<Text, _>(key.to_string())
    .bind::<Text, _>(MessageKind::StaffAnswer.as_str())
    .bind::<Timestamptz, _>(window.opens_at)
    .bind::<Timestamptz, _>(window.closes_at)
    .bind::<Text, _>(TURN.as_str())
    .bind::<Integer, _>(0)
    .execute(connection)
    .map_err(StoreError::query("queue an answer"))?;
    let unwritable = |_| StoreError::Unreadable {
        what: "answer to a guest",
    };
    let content = serde_json::to_vec(answer).map_err(unwritable)?;
    diesel::insert_into(answers::table)
        .values((
            answers::message_id.eq(id.0),
            answers::booking_key.eq(key.to_string()),
            answers::by_whom.eq(by.name.as_str()),
            answers::written_at.eq(window.opens_at),
            answers::sealed_answer.eq(planner.ring.seal(&content, &identity(&id.to_string()))),
        ))
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("keep an answer"))
}

/// Whether a dead answer may be tried once more: by the same rules as a new one.
pub(crate) fn judge_again(
    connection: &mut PgConnection,
    planner: &Planner,
    booking: &Booking,
    message: &Existing,
    now: DateTime<Utc>,
) -> Result<Result<Window, DecisionRefused>, StoreError> {
    let Some(resort) = planner.resort(&booking.key.resort) else {
        return Ok(Err(DecisionRefused::WithoutResort));
    };
    let Some(kept) = of_booking(connection, &booking.key)?
        .into_iter()
        .find(|one| one.message() == message.id)
    else {
        return Ok(Err(DecisionRefused::NotWanted(Reason::Erased)));
    };
    let answer = match kept.open(&planner.ring) {
        Err(error) if error.is_damage() => return Ok(Err(DecisionRefused::Damaged)),
        answer => answer?,
    };
    let situation = Situation::of(connection, planner, booking)?;
    let subject = Subject {
        kind: MessageKind::StaffAnswer,
        booking: &booking.key.booking,
        facts: &booking.facts,
        resort,
    };
    let judged = staff_answer::judge(subject, &answer, &situation.around(), now);
    Ok(judged.map_err(|refused| DecisionRefused::NotWanted(refused.reason())))
}

/// An answer as it lies there.
#[derive(QueryableByName)]
pub struct Kept {
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
    #[diesel(sql_type = Text)]
    pub by_whom: String,
    #[diesel(sql_type = Timestamptz)]
    pub written_at: DateTime<Utc>,
    #[diesel(sql_type = Bytea)]
    sealed_answer: Vec<u8>,
}

impl Kept {
    pub fn message(&self) -> MessageId {
        MessageId(self.message_id)
    }

    pub fn open(&self, ring: &KeyRing) -> Result<StaffAnswer, StoreError> {
        unseal(ring, self.message(), &self.sealed_answer)
    }
}

/// The answers in a booking's conversation that are still kept.
pub fn of_booking(connection: &mut PgConnection, key: &BookingKey) -> Result<Vec<Kept>, StoreError> {
    prepared::sql(
        "SELECT message_id, by_whom, written_at, sealed_answer FROM answers WHERE booking_key = $1 \
         ORDER BY written_at, message_id",
    )
    .bind::<Text, _>(key.to_string())
    .load(connection)
    .map_err(StoreError::query("read what staff answered"))
}

/// Deletes the answers in some bookings' conversations: their guest is erased.
pub(crate) fn forget(connection: &mut PgConnection, bookings: &[String]) -> Result<(), StoreError> {
    prepared::sql("DELETE FROM answers WHERE booking_key = ANY($1)")
        .bind::<Array<Text>, _>(bookings)
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("forget what staff answered"))
}
