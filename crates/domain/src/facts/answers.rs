//! What the guest chose of the quick replies that moments offered.
//!
//! Each answer is a fact of its own, `answer.<moment>`, beside the others: a program that does not know it writes it back
//! as an unknown fact.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserializer, Serialize, Serializer};

use super::{Fact, newer};
use crate::message::MomentName;

/// How the name of such a fact begins.
pub(super) const PREFIX: &str = "answer.";

/// The newest answer to each moment's question: the payload of the reply, as the resort's file names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<MomentName, Fact<String>>);

impl Answers {
    pub fn of(moment: MomentName, choice: Fact<String>) -> Self {
        Self([(moment, choice)].into())
    }

    pub fn get(&self, moment: MomentName) -> Option<&Fact<String>> {
        self.0.get(&moment)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&MomentName, &Fact<String>)> {
        self.0.iter()
    }

    /// Keeps the newer answer of each moment.
    pub(super) fn merge(mut self, other: Self) -> Self {
        for (moment, fact) in other.0 {
            let merged = newer(self.0.remove(&moment), Some(fact));
            self.0.extend(merged.map(|fact| (moment, fact)));
        }
        self
    }
}

impl Serialize for Answers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|(moment, fact)| (format!("{PREFIX}{moment}"), fact)),
        )
    }
}

/// Reads them from among all facts.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Answers, D::Error> {
    struct Reader;

    impl<'de> Visitor<'de> for Reader {
        type Value = Answers;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the facts of a booking")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut facts: A) -> Result<Answers, A::Error> {
            let mut answers = Answers::default();
            while let Some(name) = facts.next_key::<String>()? {
                let moment = name.strip_prefix(PREFIX).map(MomentName::parse);
                match moment {
                    Some(Ok(moment)) => {
                        answers.0.insert(moment, facts.next_value()?);
                    }
                    _ => drop(facts.next_value::<IgnoredAny>()?),
                }
            }
            Ok(answers)
        }
    }
    deserializer.deserialize_map(Reader)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts::Facts;

    fn answered(choice: &str, minute: u32) -> Facts {
        let at = format!("2026-11-24T10:{minute:02}:00Z");
        let fact = json!({ "stamp": { "at": at, "rank": 0, "event": "whatsapp/1" }, "value": choice });
        serde_json::from_value(json!({ "answer.stay_check": fact, "pets": fact })).unwrap()
    }

    #[test]
    fn answers_are_written_beside_the_other_facts_and_read_back() {
        let facts = answered("help", 1);
        let moment = MomentName::parse("stay_check").unwrap();

        let written = serde_json::to_value(&facts).unwrap();

        assert_eq!(
            facts.answers.get(moment).map(|fact| fact.value.as_str()),
            Some("help")
        );
        assert_eq!(facts.unknown.keys().collect::<Vec<_>>(), ["pets"]);
        assert_eq!(written["answer.stay_check"]["value"], json!("help"));
        assert_eq!(serde_json::from_value::<Facts>(written).unwrap(), facts);
    }

    #[test]
    fn the_newer_answer_counts_in_any_order() {
        let (early, late) = (answered("fine", 1), answered("help", 2));

        assert_eq!(early.clone().merge(late.clone()), late);
        assert_eq!(late.clone().merge(early), late);
        assert_eq!(Facts::default().merge(late.clone()), late);
    }
}
