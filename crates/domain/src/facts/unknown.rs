//! Facts that a newer program wrote. This program does not know them and writes them back unchanged.
//!
//! During an upgrade, and for as long as it takes to roll one back, both versions write the same rows: without
//! this, the older one would drop what the newer one learned.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Fact, answers, instructions, newer};
use crate::message::{MessageKind, MomentName};

/// The value of a fact that this program does not know. It may be personal, so `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnknownFact(Value);

impl fmt::Debug for UnknownFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnknownFact(..)")
    }
}

/// Reads those that no other field of the facts takes.
pub(super) fn read<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Fact<UnknownFact>>, D::Error> {
    let mut facts: BTreeMap<String, Fact<UnknownFact>> = Deserialize::deserialize(deserializer)?;
    facts.retain(|name, _| !is_named(name));
    Ok(facts)
}

/// Whether it is one of the facts of which there is one for each of some names.
fn is_named(name: &str) -> bool {
    let answers = name.strip_prefix(answers::PREFIX);
    let instructions = name.strip_prefix(instructions::PREFIX);
    answers.is_some_and(|moment| MomentName::parse(moment).is_ok())
        || instructions.is_some_and(|kind| kind.parse::<MessageKind>().is_ok())
}

/// Keeps the newer of each fact, as for all others.
pub(super) fn merge(
    mut known: BTreeMap<String, Fact<UnknownFact>>,
    other: BTreeMap<String, Fact<UnknownFact>>,
) -> BTreeMap<String, Fact<UnknownFact>> {
    for (name, fact) in other {
        let merged = newer(known.remove(&name), Some(fact));
        known.extend(merged.map(|fact| (name, fact)));
    }
    known
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::facts::Facts;

    fn said(value: &str, minute: u32) -> Facts {
        let stamp = json!({ "at": format!("2026-11-24T10:{minute:02}:00Z"), "rank": 0, "event": "direct/1" });
        let facts =
            json!({ "guests": { "stamp": stamp, "value": 2 }, "pets": { "stamp": stamp, "value": [value] } });
        serde_json::from_value(facts).unwrap()
    }

    #[test]
    fn unknown_facts_of_a_newer_program_are_written_back_unchanged() {
        let facts = said("a cat", 1);

        let written = serde_json::to_value(&facts).unwrap();

        assert_eq!(written["pets"]["value"], json!(["a cat"]));
        assert_eq!(written["guests"]["value"], json!(2));
        assert_eq!(serde_json::from_value::<Facts>(written).unwrap(), facts);
    }

    #[test]
    fn unknown_facts_merge_in_any_order() {
        let (early, late) = (said("a cat", 1), said("a dog", 2));

        assert_eq!(early.clone().merge(late.clone()), late);
        assert_eq!(late.clone().merge(early), late);
        assert_eq!(late.clone().merge(Facts::default()), late);
        assert_eq!(Facts::default().merge(late.clone()), late);
    }

    #[test]
    fn unknown_facts_may_be_personal_and_are_erased_with_the_guest() {
        let facts = said("Ada's cat", 1);
        let (before, after) = (
            "2026-11-24T10:00:00Z".parse().unwrap(),
            "2026-11-24T10:02:00Z".parse().unwrap(),
        );

        assert!(!format!("{facts:?}").contains("cat"));
        assert!(facts.tells_of_guest());
        assert!(facts.clone().without_guest(before).tells_of_guest());
        assert!(!facts.without_guest(after).tells_of_guest());
    }
}
