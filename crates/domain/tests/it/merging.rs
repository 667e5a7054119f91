//! Merging facts is commutative, associative and idempotent.

use chrono::{DateTime, TimeDelta};
use domain::facts::{Facts, Instruction};
use domain::message::MessageKind;
use proptest::prelude::*;

use crate::stories::{Delivery, deliveries};

fn facts(deliveries: &[Delivery]) -> Facts {
    deliveries
        .iter()
        .map(Delivery::facts)
        .fold(Facts::default(), Facts::merge)
}

/// What staff want of two kinds of messages, at few times, so that some are of the same instant.
fn instructions() -> impl Strategy<Value = Vec<Facts>> {
    let kind = prop::sample::select(vec![MessageKind::Reminder1, MessageKind::ReviewRequest]);
    let instruction = prop::sample::select(Instruction::ALL.to_vec());
    let member = prop::sample::select(vec!["anna", "zoe"]);
    let one = (kind, instruction, member, 0..4_i64).prop_map(|(kind, instruction, member, minute)| {
        let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        // One member gives one instruction at a time.
        let member = format!("{member}-{instruction}");
        Facts::of_instruction(kind, instruction, &member, at)
    });
    prop::collection::vec(one, 0..8)
}

proptest! {
    // shows: B184
    #[test]
    fn what_staff_want_does_not_depend_on_order_or_repetition(all in deliveries(), wanted in instructions()) {
        let mut parts: Vec<Facts> = all.iter().map(Delivery::facts).chain(wanted).collect();
        let merged = |parts: &[Facts]| parts.iter().cloned().fold(Facts::default(), Facts::merge);
        let forward = merged(&parts);

        parts.reverse();
        let repeated: Vec<Facts> = parts.iter().chain(&parts).cloned().collect();

        prop_assert_eq!(&merged(&repeated), &forward);
        let stored = serde_json::to_string(&forward).unwrap();
        prop_assert_eq!(serde_json::from_str::<Facts>(&stored).unwrap(), forward);
    }

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
