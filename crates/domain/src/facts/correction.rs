//! A phone number that a person corrected.

use crate::country::Country;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Fact, Facts, Stamp};
use crate::message::Reason;
use crate::phone_number::{InvalidPhoneNumber, PhoneNumber};
use crate::stay::Personal;

/// The number that replaces wrong ones.
///
/// It is a fact beside the platform's own: events may repeat the wrong number as often and as late as they like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    pub number: PhoneNumber,
    /// The wrong numbers, as the platform wrote them.
    pub instead_of: Vec<Personal>,
}

impl Correction {
    /// Whether the correction holds while the platform says `text`: either a number that it replaces, or the right
    /// one.
    fn holds_for(&self, text: &Personal, country: Option<Country>) -> bool {
        let said = PhoneNumber::parse(text.reveal(), country).ok();
        let same = |wrong: &Personal| {
            let wrong_number = PhoneNumber::parse(wrong.reveal(), country).ok();
            wrong == text || (said.is_some() && wrong_number == said)
        };
        said.as_ref() == Some(&self.number) || self.instead_of.iter().any(same)
    }
}

impl Facts {
    /// The country of numbers without a country code: the guest's if the platform said it, else the resort's.
    pub fn country_of_numbers(&self, resort: Option<Country>) -> Option<Country> {
        self.country.as_ref().map(|country| country.value).or(resort)
    }

    /// The phone number, read with the guest's or the resort's country; `None` if no event brought one. A
    /// correction holds until the platform says a third number, neither the wrong nor the right one.
    pub fn phone_number(&self, resort: Option<Country>) -> Option<Result<PhoneNumber, InvalidPhoneNumber>> {
        if let Some(correction) = self.correction_in_force(resort) {
            return Some(Ok(correction.value.number.clone()));
        }
        let country = self.country_of_numbers(resort);
        self.phone
            .as_ref()
            .map(|phone| PhoneNumber::parse(phone.value.reveal(), country))
    }

    /// The number to write to, or the reason why the message has no recipient.
    pub fn recipient(&self, resort: Country) -> Result<PhoneNumber, Reason> {
        match self.phone_number(Some(resort)) {
            Some(Ok(number)) => Ok(number),
            Some(Err(InvalidPhoneNumber)) => Err(Reason::InvalidPhone),
            None => Err(Reason::NoPhone),
        }
    }

    /// The correction, unless the platform has said a third number since.
    pub fn correction_in_force(&self, resort: Option<Country>) -> Option<&Fact<Correction>> {
        let correction = self.corrected_phone.as_ref()?;
        let said = self.phone.as_ref().map(|phone| &phone.value);
        let country = self.country_of_numbers(resort);
        said.is_none_or(|text| correction.value.holds_for(text, country))
            .then_some(correction)
    }

    /// The fact that a person (`by` is their name) brings by giving the right number instead of the present one.
    pub fn corrected(
        &self,
        number: PhoneNumber,
        resort: Option<Country>,
        by: &str,
        at: DateTime<Utc>,
    ) -> Self {
        let mut instead_of: Vec<Personal> = Vec::new();
        if let Some(earlier) = self.correction_in_force(resort) {
            instead_of.clone_from(&earlier.value.instead_of);
            instead_of.push(Personal::new(earlier.value.number.reveal()));
        }
        instead_of.extend(self.phone.iter().map(|phone| phone.value.clone()));
        instead_of.sort();
        instead_of.dedup();
        let stamp = Stamp {
            at,
            rank: u8::MAX,
            event: format!("desk/{by}"),
        };
        let value = Correction { number, instead_of };
        Self {
            corrected_phone: Some(Fact { stamp, value }),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const WRONG: &str = "691 234 5670";
    const RIGHT: &str = "+306912345678";
    const THIRD: &str = "+306900000000";

    fn at(minute: i64) -> DateTime<Utc> {
        "2026-11-24T10:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minute)
    }

    fn greece() -> Option<Country> {
        Some(Country::parse("GR").unwrap())
    }

    fn said(text: &str, minute: i64) -> Facts {
        let stamp = Stamp {
            at: at(minute),
            rank: 0,
            event: format!("direct/{minute}"),
        };
        Facts {
            phone: Some(Fact {
                stamp,
                value: Personal::new(text),
            }),
            ..Facts::default()
        }
    }

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text, greece()).unwrap()
    }

    fn corrected(facts: Facts, right: &str, minute: i64) -> Facts {
        let correction = facts.corrected(number(right), greece(), "anna", at(minute));
        facts.merge(correction)
    }

    #[track_caller]
    fn check(facts: &Facts, expected: &str) {
        assert_eq!(facts.phone_number(greece()), Some(Ok(number(expected))));
    }

    #[test]
    fn a_corrected_number_stays_while_the_platform_repeats_the_wrong_one_or_says_the_right_one() {
        let facts = corrected(said(WRONG, 0), RIGHT, 1);

        check(&facts, RIGHT);
        check(&facts.clone().merge(said(WRONG, 2)), RIGHT);
        check(&facts.clone().merge(said("+30 691 234 5670", 2)), RIGHT);
        check(&facts.merge(said(RIGHT, 2)).merge(said(WRONG, 3)), RIGHT);
    }

    // shows: B111
    #[test]
    fn a_corrected_number_yields_to_a_third_one_of_the_platform() {
        let facts = corrected(said(WRONG, 0), RIGHT, 1);

        check(&facts.merge(said(THIRD, 2)), THIRD);
    }

    #[test]
    fn a_number_that_cannot_be_read_and_one_that_is_missing_can_be_corrected() {
        check(&corrected(said("12", 0), RIGHT, 1).merge(said("12", 2)), RIGHT);
        check(&corrected(Facts::default(), RIGHT, 1), RIGHT);
        check(
            &corrected(Facts::default(), RIGHT, 1).merge(said(THIRD, 2)),
            THIRD,
        );
    }

    #[test]
    fn of_two_corrections_the_later_one_holds_for_both_wrong_numbers() {
        let facts = corrected(corrected(said(WRONG, 0), THIRD, 1), RIGHT, 2);

        check(&facts, RIGHT);
        check(&facts.clone().merge(said(THIRD, 3)), RIGHT);
        check(&facts.merge(said(WRONG, 4)), RIGHT);
    }

    #[test]
    fn corrections_merge_in_any_order_and_any_number_of_times() {
        let first = corrected(said(WRONG, 0), THIRD, 1);
        let parts = [
            first.corrected(number(RIGHT), greece(), "ben", at(2)),
            first,
            said(WRONG, 3),
        ];
        let merged = |order: [usize; 4]| {
            let all = order.into_iter().map(|index| parts[index].clone());
            all.fold(Facts::default(), Facts::merge)
        };

        let expected = merged([0, 1, 2, 2]);
        check(&expected, RIGHT);
        for order in [[2, 1, 0, 1], [1, 0, 2, 0], [2, 0, 1, 2], [1, 2, 0, 0]] {
            assert_eq!(merged(order), expected);
        }
    }

    /// The platform says that the guest is from this country.
    fn from(country: &str, minute: i64) -> Facts {
        let said = said("", minute);
        let country = Fact {
            stamp: said.phone.unwrap().stamp,
            value: Country::parse(country).unwrap(),
        };
        Facts {
            country: Some(country),
            ..Facts::default()
        }
    }

    // shows: B58
    #[test]
    fn a_number_without_a_country_code_is_one_of_the_guests_country_or_else_the_resorts() {
        let read = |facts: &Facts| {
            facts
                .recipient(greece().unwrap())
                .map(|number| number.reveal().to_owned())
        };
        let national = said("0171 1234567", 0);

        assert_eq!(read(&national), Err(Reason::InvalidPhone));
        assert_eq!(
            read(&national.merge(from("DE", 1))),
            Ok("+491711234567".to_owned())
        );
        let greek = said(WRONG, 0);
        assert_eq!(read(&greek), Ok("+306912345670".to_owned()));
        // The platform named the country, and the number fits only another one: the message is not sent.
        assert_eq!(read(&greek.merge(from("US", 1))), Err(Reason::InvalidPhone));
        let international = said(RIGHT, 0).merge(from("US", 1));
        assert_eq!(read(&international), Ok(RIGHT.to_owned()));
    }

    #[test]
    fn a_correction_holds_for_the_wrong_number_as_the_guests_country_reads_it() {
        let wrong = said("0171 1234567", 0).merge(from("DE", 0));
        let facts = corrected(wrong, RIGHT, 1);

        check(&facts.clone().merge(said("+49 171 1234567", 2)), RIGHT);
        check(&facts.merge(said(THIRD, 3)), THIRD);
    }

    #[test]
    fn a_reservation_inherits_the_guests_country_of_its_cart() {
        let cart = said("0171 1234567", 0).merge(from("DE", 0));

        let reservation = Facts::default().inherit(&cart);

        assert_eq!(reservation, cart);
    }

    #[test]
    fn a_reservation_inherits_the_corrected_number_of_its_cart() {
        let cart = corrected(said(WRONG, 0), RIGHT, 1);

        check(&Facts::default().inherit(&cart), RIGHT);
    }
}
