//! Calls that broke a rule. There should be none, and the report says so only because they are counted.
//!
//! A call counts by the rules that its sender had when it claimed the message, which its row keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::text_enum::text_enum;

text_enum! {
    /// The rule that a call broke.
    Breach("breach") {
        /// A reminder, although the confirmation of its booking was applied before.
        AfterConfirmation = "after_confirmation",
        /// Any message of a booking whose cancellation was applied before.
        AfterCancellation = "after_cancellation",
        /// Marketing to a guest whose stop was recorded before.
        OptedOut = "opted_out",
        QuietHours = "quiet_hours",
        /// One message of the day more than the resort's file allows.
        OverCap = "over_cap",
        /// A reminder to a guest whom the hold-out had kept one from.
        HeldOut = "held_out",
        /// The same step of a booking a second time, although WhatsApp had accepted it.
        Twice = "twice",
        TooEarly = "too_early",
        TooLate = "too_late",
    }
}

/// How many calls broke a rule, by rule.
///
/// Months that a version without this count made final know nothing of it, which is not the same as 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Breaches(Option<BTreeMap<String, u64>>);

impl Breaches {
    /// As read from figures that have no such count.
    pub fn not_counted() -> Self {
        Self(None)
    }

    pub fn of(counts: BTreeMap<String, u64>) -> Self {
        Self(Some(counts))
    }

    /// All of them together; `None`: they were not counted.
    pub fn total(&self) -> Option<u64> {
        self.0.as_ref().map(|counts| counts.values().sum())
    }

    /// By rule; a rule that no call broke is left out.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let counts = self.0.iter().flatten();
        counts.map(|(breach, count)| (breach.as_str(), *count))
    }

    /// The sum with a part that was not counted is not known either.
    pub(crate) fn add(&mut self, other: &Self) {
        let Some(more) = &other.0 else {
            self.0 = None;
            return;
        };
        let Some(counts) = &mut self.0 else {
            return;
        };
        for (breach, count) in more {
            *counts.entry(breach.clone()).or_default() += count;
        }
    }
}

/// Counted, and none.
impl Default for Breaches {
    fn default() -> Self {
        Self::of(BTreeMap::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Figures;

    fn breaches(counts: &[(Breach, u64)]) -> Breaches {
        let named = counts
            .iter()
            .map(|(breach, count)| (breach.as_str().to_owned(), *count));
        Breaches::of(named.collect())
    }

    #[test]
    fn a_stored_breach_reads_back_what_it_writes() {
        for breach in Breach::ALL {
            assert_eq!(breach.as_str().parse(), Ok(*breach));
        }
    }

    // shows: B218
    #[test]
    fn figures_without_a_count_of_breaches_do_not_say_that_there_were_none() {
        let old: Figures = serde_json::from_str(r#"{"carts": 7}"#).unwrap();
        let mut sum = Figures {
            breaches: breaches(&[(Breach::Twice, 1)]),
            ..Figures::default()
        };

        assert_eq!(Figures::default().breaches.total(), Some(0));
        assert_eq!(sum.breaches.total(), Some(1));
        assert_eq!(old.breaches.total(), None);
        sum.add(&old);
        assert_eq!(sum.breaches.total(), None);
        let json = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<Figures>(&json).unwrap(), sum);
    }

    #[test]
    fn breaches_add_up_by_rule() {
        let mut sum = breaches(&[(Breach::Twice, 1)]);
        sum.add(&breaches(&[(Breach::Twice, 2), (Breach::TooLate, 3)]));

        assert_eq!(sum.iter().collect::<Vec<_>>(), [("too_late", 3), ("twice", 3)]);
        assert_eq!(sum.total(), Some(6));
    }
}
