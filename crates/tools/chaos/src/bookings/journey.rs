//! What a guest does, event by event.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::{CONFIRMATION, Expected, REMINDERS, REVIEW, Webhook};

/// What a guest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Journey {
    /// Begins, and never comes back.
    Drifts,
    /// Begins and confirms, sooner or later: while reminders wait, are claimed, and are on their way.
    Wavers,
    /// As before, and the platform itself says that the cart was left.
    IsCalledAbandoned,
    /// Begins in a cart that becomes a reservation under another name.
    Renames,
    /// Begins in a cart, and books under another name, with the same number: nothing but that tells whose cart it was.
    BooksElsewhere,
    /// Books, arrives and leaves.
    Stays,
    /// Books a stay that has begun days ago, and is not there.
    IsMissing,
    /// Books and cancels.
    Cancels,
    /// As before, and books the same once more.
    BooksAgain,
}

/// Most of all those who confirm while reminders are about to go.
pub(super) const JOURNEYS: [Journey; 12] = [
    Journey::Drifts,
    Journey::Wavers,
    Journey::Wavers,
    Journey::Wavers,
    Journey::IsCalledAbandoned,
    Journey::IsCalledAbandoned,
    Journey::Renames,
    Journey::BooksElsewhere,
    Journey::Stays,
    Journey::IsMissing,
    Journey::Cancels,
    Journey::BooksAgain,
];

/// States that a booking may end in.
type States = &'static [&'static str];

/// What must come of a journey.
struct Ending {
    /// Of the cart that has a name of its own, where there is one.
    cart: Option<States>,
    booking: States,
    gets: Vec<&'static str>,
    may_get: Vec<&'static str>,
}

impl Journey {
    fn is_told(self, story: &mut Story<'_>, booking: &str, cart: &str) {
        match self {
            Self::Drifts => story.tells("booking_started", booking, 0),
            Self::Wavers => {
                story.tells("booking_started", booking, 0);
                story.tells("reservation_confirmed", booking, 8_000);
            }
            Self::IsCalledAbandoned => {
                story.tells("booking_started", booking, 0);
                story.tells("booking_abandoned", booking, 1_500);
                story.tells("reservation_confirmed", booking, 8_000);
            }
            Self::Renames | Self::BooksElsewhere => {
                story.tells("booking_started", cart, 0);
                story.tells("reservation_confirmed", booking, 8_000);
            }
            Self::Stays => {
                story.tells("reservation_confirmed", booking, 0);
                story.tells("guest_checked_in", booking, 3_000);
                story.tells("guest_checked_out", booking, 3_000);
            }
            Self::IsMissing => story.tells("reservation_confirmed", booking, 0),
            Self::Cancels | Self::BooksAgain => {
                story.tells("booking_started", booking, 0);
                story.tells("reservation_confirmed", booking, 5_000);
                story.tells("reservation_cancelled", booking, 3_000);
            }
        }
        if self == Self::BooksAgain {
            story.tells("reservation_confirmed", booking, 3_000);
        }
        for webhook in &mut story.webhooks {
            webhook.arrives_in_days = if self == Self::IsMissing { -4 } else { 0 };
            webhook.cart = (self == Self::Renames && webhook.booking == booking).then(|| cart.to_owned());
        }
    }

    fn ends(self) -> Ending {
        let reminders = REMINDERS.to_vec();
        let (booking, gets, may_get): (States, _, _) = match self {
            Self::Drifts => (&["abandoned"], reminders, vec![]),
            Self::Wavers | Self::IsCalledAbandoned | Self::Renames | Self::BooksElsewhere => {
                (&["confirmed"], vec![CONFIRMATION], reminders)
            }
            Self::Stays => (&["checked_out"], vec![CONFIRMATION, REVIEW], vec![]),
            Self::IsMissing => (&["no_show"], vec![CONFIRMATION], vec![]),
            Self::Cancels => (&["cancelled"], vec![], [reminders, vec![CONFIRMATION]].concat()),
            // The first round's confirmation goes unless the cancellation is heard before.
            Self::BooksAgain => {
                let of_first = [reminders, vec![CONFIRMATION]].concat();
                (&["confirmed"], vec![CONFIRMATION], of_first)
            }
        };
        let cart: Option<States> = match self {
            // A cart that became a reservation keeps the state that it had then.
            Self::Renames => Some(&["started", "abandoned"]),
            Self::BooksElsewhere => Some(&["abandoned"]),
            _ => None,
        };
        Ending {
            cart,
            booking,
            gets,
            may_get,
        }
    }
}

pub(super) struct Guest {
    pub(super) number: usize,
    pub(super) source: usize,
    pub(super) begins_at: Duration,
}

impl Guest {
    /// The events of the guest, and what must come of them.
    pub(super) fn goes(&self, journey: Journey, rng: &mut StdRng) -> (Vec<Webhook>, Expected) {
        let (booking, cart) = (format!("BK-{}", self.number), format!("CART-{}", self.number));
        let mut story = Story {
            guest: self,
            rng,
            at: self.begins_at,
            webhooks: Vec::new(),
        };
        journey.is_told(&mut story, &booking, &cart);
        let ending = journey.ends();
        let cart = ending.cart.map(|states| (cart, states));
        let expected = Expected {
            phone: self.phone(),
            begins_at: self.begins_at,
            bookings: cart.into_iter().chain([(booking, ending.booking)]).collect(),
            gets: ending.gets,
            may_get: ending.may_get,
        };
        (story.webhooks, expected)
    }

    fn phone(&self) -> String {
        format!("+3069{:08}", self.number)
    }
}

struct Story<'a> {
    guest: &'a Guest,
    rng: &'a mut StdRng,
    at: Duration,
    webhooks: Vec<Webhook>,
}

impl Story<'_> {
    /// The next event of the guest, within so many milliseconds of the last one.
    fn tells(&mut self, kind: &'static str, booking: &str, within_ms: u64) {
        self.at += Duration::from_millis(self.rng.random_range(within_ms / 10..=within_ms));
        self.webhooks.push(Webhook {
            at: self.at,
            guest_begins_at: self.guest.begins_at,
            source: self.guest.source,
            id: String::new(),
            times: if self.rng.random_bool(0.05) { 2 } else { 1 },
            kind,
            booking: booking.to_owned(),
            phone: self.guest.phone(),
            cart: None,
            arrives_in_days: 0,
        });
    }
}
