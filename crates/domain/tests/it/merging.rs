//! Merging facts is commutative, associative and idempotent.

use domain::facts::Facts;
use proptest::prelude::*;

use crate::stories::{Delivery, deliveries};

fn facts(deliveries: &[Delivery]) -> Facts {
    deliveries
        .iter()
        .map(Delivery::facts)
        .fold(Facts::default(), Facts::merge)
}

proptest! {
    #[test]
    fn merging_does_not_depend_on_order_grouping_or_repetition(all in deliveries(), first in 0..8_usize, second in 0..8_usize) {
        let (first, second) = (first.min(all.len()), second.min(all.len()));
        let (low, high) = (first.min(second), first.max(second));
        let (a, b, c) = (facts(&all[..low]), facts(&all[low..high]), facts(&all[high..]));

        prop_assert_eq!(a.clone().merge(b.clone()), b.clone().merge(a.clone()));
        prop_assert_eq!(
            a.clone().merge(b.clone()).merge(c.clone()),
            a.clone().merge(b.clone().merge(c))
        );
        prop_assert_eq!(a.clone().merge(a.clone()), a.clone());
        prop_assert_eq!(a.clone().merge(b.clone()).merge(b.clone()), a.merge(b));
    }

    #[test]
    fn facts_read_back_from_storage_are_the_same(all in deliveries()) {
        let facts = facts(&all);

        let stored = serde_json::to_string(&facts).unwrap();

        prop_assert_eq!(serde_json::from_str::<Facts>(&stored).unwrap(), facts);
    }
}
