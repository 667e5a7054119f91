//! How much a guest gets at most, and who gets nothing.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Resort;
use crate::country::Country;
use crate::message::MessageKind;
use crate::phone_number::PhoneNumber;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many of the messages that count (see [`Resort::day_cap`]) one guest gets within 24 hours from one business
    /// number.
    pub reminders_per_day: NonZeroU32,
    /// For how long after a confirmation its guest gets no reminder from the resort.
    pub rest_after_confirmation: Duration,
    /// Whether to send reminders and review requests to numbers of the United States. Meta does not deliver them
    /// there (since April 2025): such a call ends as an error and costs the number's quality rating.
    pub us_marketing: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reminders_per_day: NonZeroU32::MIN,
            rest_after_confirmation: Duration::from_secs(24 * 3_600),
            us_marketing: false,
        }
    }
}

impl Resort {
    /// Whether WhatsApp delivers messages of this kind to the number at all.
    pub fn is_delivered(&self, kind: MessageKind, to: &PhoneNumber) -> bool {
        !self.is_marketing(kind) || self.is_marketing_delivered(to)
    }

    /// Whether WhatsApp delivers marketing to the number.
    pub fn is_marketing_delivered(&self, to: &PhoneNumber) -> bool {
        self.limits.us_marketing || to.country() != Some(Country::UNITED_STATES)
    }

    /// How many messages of the day a guest may get, where this kind is one of them; `None`: it neither counts nor is
    /// limited. A second reminder goes with its first, and a review request is no offer.
    pub fn day_cap(&self, kind: MessageKind) -> Option<NonZeroU32> {
        let counts = match kind {
            MessageKind::Reminder1 => true,
            MessageKind::Moment(_) => self.is_marketing(kind),
            _ => false,
        };
        counts.then_some(self.limits.reminders_per_day)
    }

    /// For how long after a confirmation its guest gets no message of this kind.
    pub fn rest_after_confirmation(&self, kind: MessageKind) -> Duration {
        match self.is_reminder(kind) {
            true => self.limits.rest_after_confirmation,
            false => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::MomentName;
    use crate::moment::{Basis, Category, Moment};

    #[test]
    fn first_reminders_and_offers_count_for_the_day_and_every_reminder_rests_after_a_confirmation() {
        let mut resort = crate::plan::tests::resort();
        let own = |name| MessageKind::Moment(MomentName::parse(name).unwrap());
        for (name, basis, category) in [
            ("nudge", Basis::Abandoned, Category::Utility),
            ("offer", Basis::CheckIn, Category::Marketing),
            ("directions", Basis::CheckIn, Category::Utility),
        ] {
            let moment = Moment::built_in(basis, Duration::ZERO, category, Resort::MOMENT_EXPIRY);
            resort.moments.insert(own(name), moment);
        }
        resort.limits.reminders_per_day = NonZeroU32::new(3).unwrap();
        let of = |kind| {
            let rest = resort.rest_after_confirmation(kind).as_secs() / 3_600;
            (resort.day_cap(kind).map(NonZeroU32::get), rest)
        };

        assert_eq!(of(MessageKind::Reminder1), (Some(3), 24));
        assert_eq!(of(MessageKind::Reminder2), (None, 24));
        assert_eq!(of(MessageKind::ReservationConfirmation), (None, 0));
        assert_eq!(of(MessageKind::ReviewRequest), (None, 0));
        assert_eq!(of(MessageKind::StopConfirmation), (None, 0));
        assert_eq!(of(own("nudge")), (Some(3), 24));
        assert_eq!(of(own("offer")), (Some(3), 0));
        assert_eq!(of(own("directions")), (None, 0));
    }
}
