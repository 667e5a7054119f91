//! Erasing the guest from a booking's facts: what happened stays, what identifies the guest goes.

use chrono::{DateTime, SubsecRound, Utc};

use super::{Fact, Facts, Stamp};

impl Facts {
    /// Removes what identifies the guest, or what the platform wrote in its own words, if it was said up to `at`:
    /// name, number, link, country, language, the room's name, and facts that only a newer program understands.
    /// What happened and when stays, and so do the days, the number of people, the money and an opt-out. Erasing
    /// again, or merging in any order, gives the same.
    #[must_use]
    pub fn without_guest(self, at: DateTime<Utc>) -> Self {
        let at = at.trunc_subsecs(6);
        fn later<T>(fact: Option<Fact<T>>, at: DateTime<Utc>) -> Option<Fact<T>> {
            fact.filter(|fact| fact.stamp.at > at)
        }
        let stamp = Stamp {
            at,
            rank: u8::MAX,
            event: "erasure".to_owned(),
        };
        let erased = Self {
            erased: Some(Fact { stamp, value: () }),
            ..Self::default()
        };
        Self {
            resume_url: later(self.resume_url, at),
            room: later(self.room, at),
            name: later(self.name, at),
            phone: later(self.phone, at),
            corrected_phone: later(self.corrected_phone, at),
            country: later(self.country, at),
            language: later(self.language, at),
            unknown: self
                .unknown
                .into_iter()
                .filter(|(_, fact)| fact.stamp.at > at)
                .collect(),
            ..self
        }
        .merge(erased)
    }

    /// Whether any fact is left that [`without_guest`](Self::without_guest) would remove.
    pub fn tells_of_guest(&self) -> bool {
        let texts = [&self.resume_url, &self.name, &self.phone];
        texts.into_iter().any(Option::is_some)
            || self.corrected_phone.is_some()
            || self.room.is_some()
            || self.country.is_some()
            || self.language.is_some()
            || !self.unknown.is_empty()
    }

    /// Whether the guest was erased and no event has identified one since.
    pub fn is_without_guest(&self) -> bool {
        self.erased.is_some() && !self.tells_of_guest()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeDelta};

    use super::*;
    use crate::country::Country;
    use crate::facts::Notify;
    use crate::stay::{Money, Personal};

    fn at(minute: i64) -> DateTime<Utc> {
        "2026-11-24T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
    }

    fn fact<T>(value: T, minute: i64) -> Option<Fact<T>> {
        let stamp = Stamp {
            at: at(minute),
            rank: 0,
            event: format!("direct/{minute}"),
        };
        Some(Fact { stamp, value })
    }

    fn personal(minute: i64) -> Facts {
        Facts {
            resume_url: fact(Personal::new("https://book.example/r/1"), minute),
            name: fact(Personal::new("Ada Lovelace"), minute),
            phone: fact(Personal::new("+306912345678"), minute),
            room: fact("Ada's room".to_owned(), minute),
            country: fact(Country::UNITED_STATES, minute),
            language: fact("en".to_owned(), minute),
            ..Facts::default()
        }
    }

    fn statistics(minute: i64) -> Facts {
        Facts {
            confirmed: fact(Notify::Yes, minute),
            check_in: fact(NaiveDate::MIN, minute),
            guests: fact(2, minute),
            total: fact(Money::parse("1240.00", "EUR").unwrap(), minute),
            consent: fact(false, minute),
            ..Facts::default()
        }
    }

    // shows: B126
    #[test]
    fn an_erasure_removes_who_the_guest_is_and_keeps_what_happened() {
        let facts = statistics(0).merge(personal(0));

        let erased = facts.without_guest(at(1));

        assert!(!erased.tells_of_guest() && erased.is_without_guest());
        let kept = Facts {
            erased: None,
            ..erased
        };
        assert_eq!(kept, statistics(0));
    }

    #[test]
    fn facts_about_the_guest_from_after_the_erasure_stay() {
        let back = statistics(0).merge(personal(2));

        let erased = back.clone().without_guest(at(1));

        assert!(erased.tells_of_guest() && !erased.is_without_guest());
        assert_eq!((erased.phone, erased.country), (back.phone, back.country));
    }

    #[test]
    fn erasing_twice_and_merging_in_any_order_give_the_same_facts() {
        let facts = statistics(0).merge(personal(0));
        let (once, late) = (
            facts.clone().without_guest(at(1)),
            personal(-1).without_guest(at(1)),
        );

        assert_eq!(once.clone().without_guest(at(1)), once);
        assert_eq!(once.clone().merge(late.clone()), once);
        assert_eq!(late.merge(once.clone()), once);
        let later = once.clone().without_guest(at(5));
        assert_eq!(once.merge(later.clone()), later);
    }

    #[test]
    fn a_reservation_does_not_inherit_from_its_cart_what_was_erased() {
        let erased = statistics(0).without_guest(at(1));

        assert!(!erased.clone().inherit(&personal(0)).tells_of_guest());
        assert!(erased.inherit(&personal(2)).tells_of_guest());
    }

    #[test]
    fn neither_the_stamp_nor_debug_shows_the_guest() {
        let erased = personal(0).without_guest(at(1));

        assert!(!format!("{erased:?}").contains("Ada"));
        assert!(!serde_json::to_string(&erased).unwrap().contains("6912"));
    }
}
