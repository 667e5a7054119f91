//! What is known of a booking.
//!
//! An event adds facts; [`Facts::merge`] keeps for each fact the greatest by its [`Stamp`]. Merging is commutative,
//! associative and idempotent, so neither the order nor the number of deliveries can matter.

mod correction;
mod erasure;
mod unknown;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use crate::country::Country;
use crate::event::{Event, EventType};
use crate::ids::BookingId;
use crate::resort::Language;
use crate::stay::{Dates, Money, Personal};

pub use correction::Correction;
pub use unknown::UnknownFact;

/// When a fact became true, and what decides between two of the same instant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// `occurred_at`, but never later than its arrival: a clock that runs ahead must not outvote the future.
    pub at: DateTime<Utc>,
    /// [`EventType::rank`].
    pub rank: u8,
    /// Source and id of the event.
    pub event: String,
}

impl Stamp {
    fn of(event: &Event, received_at: DateTime<Utc>) -> Self {
        Self {
            // Microseconds are what Postgres keeps: a finer time would differ from its own stored copy.
            at: event.occurred_at.min(received_at).trunc_subsecs(6),
            rank: event.event_type.rank(),
            event: event.key.to_string(),
        }
    }
}

/// Something that is known since a stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact<T> {
    /// Since when, and who said so.
    pub stamp: Stamp,
    /// What.
    pub value: T,
}

/// Whether the event that brought a fact allows sending something for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notify {
    /// As usual.
    Yes,
    /// `notify: false`.
    No,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $field:ident: $type:ty),+ $(,)?) => {
        /// Everything known of one booking. A field is the newest word on its matter.
        ///
        /// Older and newer programs write the same rows: a new version may add a fact, and never gives one another shape.
        ///
        /// Holds personal data (sealed as a whole before it is stored); `Debug` shows none of it.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Facts {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<Fact<$type>>,)+
            /// What a newer program knows: kept for it, by the names of its fields.
            #[serde(flatten)]
            pub later: BTreeMap<String, Fact<UnknownFact>>,
        }

        impl Facts {
            /// Keeps for each fact the one with the greater stamp.
            #[must_use]
            pub fn merge(self, other: Self) -> Self {
                Self {
                    $($field: newer(self.$field, other.$field),)+
                    later: unknown::merge(self.later, other.later),
                }
            }

            /// When the newest of the facts was said.
            pub fn newest_at(&self) -> Option<DateTime<Utc>> {
                let times = [$(self.$field.as_ref().map(|fact| fact.stamp.at)),+];
                let later = self.later.values().map(|fact| fact.stamp.at);
                times.into_iter().flatten().chain(later).max()
            }
        }
    };
}

facts! {
    /// The guest was booking: the last `booking_started`.
    activity: Notify,
    /// The platform said that the guest drifted away.
    abandoned: Notify,
    /// The reservation was made.
    confirmed: Notify,
    /// The reservation was changed.
    modified: Notify,
    /// The reservation was called off.
    cancelled: Notify,
    /// The guest arrived.
    checked_in: Notify,
    /// The guest left.
    checked_out: Notify,
    /// The cart that this reservation grew from.
    cart: BookingId,
    /// The reservation that this cart became.
    became: BookingId,
    /// Where the guest can go on booking.
    resume_url: Personal,
    /// Arrival day.
    check_in: NaiveDate,
    /// Departure day.
    check_out: NaiveDate,
    /// How many people.
    guests: u32,
    /// The room's name.
    room: String,
    /// The price.
    total: Money,
    /// The guest's full name.
    name: Personal,
    /// The guest's phone number as the platform wrote it.
    phone: Personal,
    /// The number that a person gave instead, and what it replaces.
    corrected_phone: Correction,
    /// The country that a number of the guest without a country code belongs to.
    country: Country,
    /// The guest's language tag as the platform wrote it.
    language: String,
    /// Whether reminders and review requests are welcome.
    consent: bool,
    /// The guest was taken out: nothing that told who it was is kept from before.
    erased: (),
    /// The guest opted out while their window was open, and this booking's resort answers. Each such stop begins a round.
    stopped: Notify,
}

fn newer<T>(one: Option<Fact<T>>, other: Option<Fact<T>>) -> Option<Fact<T>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.stamp > one.stamp { other } else { one }),
        (one, other) => one.or(other),
    }
}

impl Facts {
    /// The facts that one event brings for its own booking. `received_at` is when `ingest` took it.
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
        Self {
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

    /// What an order's event says of the cart that it names: that cart is a reservation now.
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

    /// What a reservation knows from the cart that it grew from: who the guest is and what the stay looks like. What
    /// happened to the cart stays its own. Keeps the stamps, so learning it again, or in another order, is the same.
    /// What was erased from the reservation does not come back by its cart.
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

    /// The fact that this booking's resort confirms a stop that was said at `at`, in the event with this key.
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

    /// The guest's language, where it is a readable tag.
    pub fn language_tag(&self) -> Option<Language> {
        self.language
            .as_ref()
            .and_then(|fact| Language::parse(&fact.value))
    }

    /// Arrival and departure day as far as they are known.
    pub fn dates(&self) -> Dates {
        (
            self.check_in.as_ref().map(|f| f.value),
            self.check_out.as_ref().map(|f| f.value),
        )
    }
}
