//! What is known of a booking.
//!
//! An event adds facts. [`Facts::merge`] keeps, of each fact, the one with the greater [`Stamp`]. Merging is
//! commutative, associative and idempotent, so neither the order nor the number of deliveries matters.

mod answers;
mod correction;
mod erasure;
mod instructions;
mod named;
mod unknown;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use crate::country::Country;
use crate::event::{Event, EventType};
use crate::ids::BookingId;
use crate::resort::Language;
use crate::stay::{Dates, Money, Personal};

pub use answers::Answers;
pub use correction::Correction;
pub use instructions::{Instruction, Instructions};
pub use unknown::UnknownFact;

/// When a fact became true; it also decides between two facts on the same matter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    // The order of the fields is the order of comparison.
    /// `occurred_at` of the event, but never later than its arrival: otherwise one event of a clock that runs ahead
    /// would win over all later ones.
    pub at: DateTime<Utc>,
    /// [`EventType::rank`], which decides between facts of the same instant.
    pub rank: u8,
    /// The source and the id of the event.
    pub event: String,
}

impl Stamp {
    fn of(event: &Event, received_at: DateTime<Utc>) -> Self {
        Self {
            // Postgres keeps microseconds: a finer time would differ from its own stored copy.
            at: event.occurred_at.min(received_at).trunc_subsecs(6),
            rank: event.event_type.rank(),
            event: event.key.to_string(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact<T> {
    pub stamp: Stamp,
    pub value: T,
}

/// Whether the event that brought a fact allows messages for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notify {
    Yes,
    /// The event said `notify: false`.
    No,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $field:ident: $type:ty),+ $(,)?) => {
        /// Everything known of one booking; each field holds the newest fact on its matter.
        ///
        /// Older and newer programs write the same rows: a new version may add a fact, but must not change the
        /// shape of another.
        ///
        /// It holds personal data, so it is sealed as a whole before it is stored. `Debug` shows none of that.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Facts {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<Fact<$type>>,)+
            /// What the guest chose of the quick replies that moments offered.
            #[serde(flatten, deserialize_with = "answers::read")]
            pub answers: Answers,
            /// What staff want of upcoming messages.
            #[serde(flatten, deserialize_with = "instructions::read")]
            pub instructions: Instructions,
            /// Facts that a newer program wrote, by the names of its fields.
            #[serde(flatten, deserialize_with = "unknown::read")]
            pub unknown: BTreeMap<String, Fact<UnknownFact>>,
        }

        impl Facts {
            #[must_use]
            pub fn merge(self, other: Self) -> Self {
                Self {
                    $($field: newer(self.$field, other.$field),)+
                    answers: self.answers.merge(other.answers),
                    instructions: self.instructions.merge(other.instructions),
                    unknown: unknown::merge(self.unknown, other.unknown),
                }
            }

            /// The time of the newest fact.
            pub fn newest_at(&self) -> Option<DateTime<Utc>> {
                let times = [$(self.$field.as_ref().map(|fact| fact.stamp.at)),+];
                let unknown = self.unknown.values().map(|fact| fact.stamp.at);
                let answers = self.answers.iter().map(|(_, fact)| fact.stamp.at);
                let instructions = self.instructions.iter().map(|(_, fact)| fact.stamp.at);
                times.into_iter().flatten().chain(answers).chain(instructions).chain(unknown).max()
            }
        }
    };
}

facts! {
    /// The last `booking_started`.
    activity: Notify,
    /// The platform reported that the guest left the booking unfinished.
    abandoned: Notify,
    confirmed: Notify,
    modified: Notify,
    cancelled: Notify,
    checked_in: Notify,
    checked_out: Notify,
    /// The cart that became this reservation.
    cart: BookingId,
    /// The reservation that this cart became.
    became: BookingId,
    /// The link under which the guest can continue the booking.
    resume_url: Personal,
    check_in: NaiveDate,
    check_out: NaiveDate,
    guests: u32,
    room: String,
    total: Money,
    name: Personal,
    /// The guest's phone number, as the platform wrote it.
    phone: Personal,
    /// The number that a person gave instead, and the numbers that it replaces.
    corrected_phone: Correction,
    /// The country of the guest's numbers that have no country code.
    country: Country,
    /// The guest's language tag, as the platform wrote it.
    language: String,
    /// Whether the guest consented to reminders and review requests.
    consent: bool,
    /// The booking was imported; the stamp holds when. Nothing is sent for what was past by then, and what its stay still
    /// asks for is.
    imported: (),
    /// The guest was erased: nothing from before that identifies the guest is stored.
    erased: (),
    /// The guest opted out while their 24-hour window was open, and this booking's resort answers. Each such stop
    /// begins a round.
    stopped: Notify,
}

fn newer<T>(one: Option<Fact<T>>, other: Option<Fact<T>>) -> Option<Fact<T>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.stamp > one.stamp { other } else { one }),
        (one, other) => one.or(other),
    }
}

impl Facts {
    /// The facts that one event brings for its own booking. `received_at` is when `ingest` accepted it.
    pub fn of_event(event: &Event, received_at: DateTime<Utc>) -> Self {
        let stamp = Stamp::of(event, received_at);
        let notify = if event.notify { Notify::Yes } else { Notify::No };
        let happened = |event_type: EventType| {
            (event.event_type == event_type).then(|| Fact {
                stamp: stamp.clone(),
                value: notify,
            })
        };
        fn known<T: Clone>(stamp: &Stamp, value: &Option<T>) -> Option<Fact<T>> {
            value.clone().map(|value| Fact {
                stamp: stamp.clone(),
                value,
            })
        }
        let (details, guest) = (&event.details, &event.guest);
        let arrival = Stamp {
            at: received_at.trunc_subsecs(6),
            ..stamp.clone()
        };
        Self {
            imported: event.imported.then_some(Fact {
                stamp: arrival,
                value: (),
            }),
            activity: happened(EventType::BookingStarted),
            abandoned: happened(EventType::BookingAbandoned),
            confirmed: happened(EventType::ReservationConfirmed),
            modified: happened(EventType::ReservationModified),
            cancelled: happened(EventType::ReservationCancelled),
            checked_in: happened(EventType::GuestCheckedIn),
            checked_out: happened(EventType::GuestCheckedOut),
            cart: known(&stamp, &details.cart),
            resume_url: known(&stamp, &details.resume_url),
            check_in: known(&stamp, &details.check_in),
            check_out: known(&stamp, &details.check_out),
            guests: known(&stamp, &details.guests),
            room: known(&stamp, &details.room),
            total: known(&stamp, &details.total),
            name: known(&stamp, &guest.name),
            phone: known(&stamp, &guest.phone),
            country: known(&stamp, &guest.country),
            language: known(&stamp, &guest.language),
            consent: known(&stamp, &guest.consent),
            ..Self::default()
        }
    }

    /// The fact that an order's event brings for the cart that it names: the cart became a reservation.
    pub fn of_cart(event: &Event, received_at: DateTime<Utc>) -> Option<(BookingId, Self)> {
        let reservation = event.booking.clone()?;
        let cart = event.details.cart.clone().filter(|cart| *cart != reservation)?;
        let became = Some(Fact {
            stamp: Stamp::of(event, received_at),
            value: reservation,
        });
        (event.event_type.family() == crate::event::Family::Order).then(|| {
            (
                cart,
                Self {
                    became,
                    ..Self::default()
                },
            )
        })
    }

    /// Adds what the cart knew to the reservation that it became: who the guest is and what the stay looks like.
    /// What happened to the cart stays with the cart.
    ///
    /// The stamps stay as they are, so inheriting again, or in another order, gives the same. What was erased from
    /// the reservation is not inherited again.
    #[must_use]
    pub fn inherit(self, cart: &Self) -> Self {
        let known = Self {
            resume_url: cart.resume_url.clone(),
            check_in: cart.check_in.clone(),
            check_out: cart.check_out.clone(),
            guests: cart.guests.clone(),
            room: cart.room.clone(),
            total: cart.total.clone(),
            name: cart.name.clone(),
            phone: cart.phone.clone(),
            corrected_phone: cart.corrected_phone.clone(),
            country: cart.country.clone(),
            language: cart.language.clone(),
            consent: cart.consent.clone(),
            ..Self::default()
        };
        let known = match &self.erased {
            Some(erased) => known.without_guest(erased.stamp.at),
            None => known,
        };
        self.merge(known)
    }

    /// The fact that this booking's resort confirms a stop of the time `at`, which came with this event.
    pub fn of_stop(event: &str, at: DateTime<Utc>) -> Self {
        let stamp = Stamp {
            at: at.trunc_subsecs(6),
            rank: EventType::GuestOptedOut.rank(),
            event: event.to_owned(),
        };
        let value = Notify::Yes;
        Self {
            stopped: Some(Fact { stamp, value }),
            ..Self::default()
        }
    }

    /// The guest's language, if the platform wrote a readable tag.
    pub fn language_tag(&self) -> Option<Language> {
        self.language
            .as_ref()
            .and_then(|fact| Language::parse(&fact.value))
    }

    /// Whether the platform reported that the guest does not consent to marketing.
    pub fn refuses_marketing(&self) -> bool {
        self.consent.as_ref().is_some_and(|consent| !consent.value)
    }

    pub fn dates(&self) -> Dates {
        (
            self.check_in.as_ref().map(|f| f.value),
            self.check_out.as_ref().map(|f| f.value),
        )
    }
}
