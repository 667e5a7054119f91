//! Reading the phone number that a member of the staff types.

use std::collections::{BTreeMap, BTreeSet};

use domain::country::Country;
use domain::ids::ResortId;
use domain::phone_number::PhoneNumber;
use domain::staff::Scope;
use store::{StoreError, guests};

use crate::actions::context::Context;

/// The readings of a number without a country code with the countries of all resorts' files. `Display` masks the numbers.
#[derive(Debug, Default)]
pub(crate) struct Readings(BTreeMap<Option<PhoneNumber>, BTreeSet<Country>>);

impl Readings {
    fn of(context: &Context, text: &str, within: &Scope) -> Self {
        let mut readings: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let resorts = context.files().resorts();
        let resorts = resorts.filter(|resort| within.includes(Some(&resort.id)));
        for country in resorts.map(|resort| resort.country) {
            let number = PhoneNumber::parse(text, Some(country)).ok();
            readings.entry(number).or_default().insert(country);
        }
        Self(readings)
    }

    fn numbers(&self) -> Vec<PhoneNumber> {
        self.0.keys().flatten().cloned().collect()
    }
}

impl std::fmt::Display for Readings {
    /// `GR: +30•••••••678; AT, DE: not a valid number`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none, since no resort's file can be read");
        }
        for (index, (number, countries)) in self.0.iter().rev().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let countries: Vec<String> = countries.iter().map(ToString::to_string).collect();
            let number = number
                .as_ref()
                .map_or_else(|| "not a valid number".to_owned(), PhoneNumber::masked);
            write!(f, "{separator}{}: {number}", countries.join(", "))?;
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) enum Meant {
    /// With the readings that were tried, if it has no country code.
    Number(PhoneNumber, Option<Readings>),
    Invalid(Option<Readings>),
    /// Several numbers are possible, and not exactly one of them is a known guest's.
    Ambiguous(Readings),
}

/// Reads a number as platforms' numbers are read: without a country code it is one of the resort's country. Without a resort
/// the countries of all files are tried, and of several possible numbers the one of a known guest is taken. Files and guests of
/// resorts that are not `within` do not count: what is found would tell of them.
pub(crate) async fn meant(
    context: &Context,
    text: &str,
    resort: Option<&ResortId>,
    within: &Scope,
) -> Result<Meant, StoreError> {
    let country = resort
        .and_then(|id| context.resort(id))
        .map(|resort| resort.country);
    if let Ok(number) = PhoneNumber::parse(text, country) {
        return Ok(Meant::Number(number, None));
    }
    if resort.is_some() {
        return Ok(Meant::Invalid(None));
    }
    let readings = Readings::of(context, text, within);
    let mut numbers = readings.numbers();
    if numbers.len() > 1 {
        numbers = known(context, numbers, within.clone()).await?;
    }
    Ok(match (numbers.pop(), numbers.is_empty()) {
        (Some(number), true) => Meant::Number(number, Some(readings)),
        (None, _) if readings.numbers().is_empty() => Meant::Invalid(Some(readings)),
        _ => Meant::Ambiguous(readings),
    })
}

/// The numbers of guests about whom data is stored, or who are known at these resorts.
async fn known(
    context: &Context,
    numbers: Vec<PhoneNumber>,
    within: Scope,
) -> Result<Vec<PhoneNumber>, StoreError> {
    context
        .transaction(move |connection, planner| {
            let hashes: Vec<_> = numbers.iter().map(|number| planner.phone_hash(number)).collect();
            let mut known = Vec::new();
            if within == Scope::All {
                known = guests::held(connection, &hashes)?;
            } else {
                for hash in &hashes {
                    let resorts = guests::resorts_that_know(connection, hash)?;
                    if resorts.iter().any(|resort| within.includes(Some(resort))) {
                        known.push(*hash);
                    }
                }
            }
            let held = numbers
                .iter()
                .zip(&hashes)
                .filter(|(_, hash)| known.contains(*hash));
            Ok(held.map(|(number, _)| number.clone()).collect())
        })
        .await
}
