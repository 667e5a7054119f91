//! What the guest chose of the quick replies that moments offered.
//!
//! Each answer is a fact of its own, `answer.<moment>`, beside the others: a program that does not know it writes it back
//! as an unknown fact.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserializer, Serialize, Serializer};

use super::named::{self, Named};
use super::{Fact, Facts, Stamp};
use crate::message::MomentName;

/// How the name of such a fact begins.
pub(super) const PREFIX: &str = "answer.";

/// The newest answer to each moment's question: the payload of the reply, as the resort's file names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(Named<MomentName>);

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
    pub(super) fn merge(self, other: Self) -> Self {
        Self(named::merge(self.0, other.0))
    }
}

impl Serialize for Answers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named::write(&self.0, PREFIX, serializer)
    }
}

impl Facts {
    /// The fact that the guest chose this of a moment's quick replies, at the time `at`, by this event.
    pub fn of_answer(moment: MomentName, choice: &str, event: &str, at: DateTime<Utc>) -> Self {
        let stamp = Stamp {
            at: at.trunc_subsecs(6),
            rank: 0,
            event: event.to_owned(),
        };
        let value = choice.to_owned();
        Self {
            answers: Answers::of(moment, Fact { stamp, value }),
            ..Self::default()
        }
    }
}

/// Reads them from among all facts.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Answers, D::Error> {
    named::read(deserializer, PREFIX, |name| MomentName::parse(name).ok()).map(Answers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
