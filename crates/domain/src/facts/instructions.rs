//! What staff want of a booking's upcoming messages: not to be sent, or to be sent now.
//!
//! Each is a fact of its own, `staff.<kind>`, merged like the others; the plan obeys it.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserializer, Serialize, Serializer};

use super::named::{self, Named};
use super::{Fact, Facts, Stamp};
use crate::message::MessageKind;
use crate::plan::difference;
use crate::text_enum::text_enum;

/// How the name of such a fact begins.
pub(super) const PREFIX: &str = "staff.";

text_enum! {
    /// What a member of the staff wants of an upcoming message.
    Instruction("instruction") {
        /// It is not sent in this round.
        Withdraw = "withdraw",
        /// It does not wait for its time or for the end of quiet hours. Everything else that forbids it holds.
        SendNow = "send_now",
    }
}

/// The newest instruction on each kind. The text may be one of a newer program, which counts as none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instructions(Named<MessageKind>);

impl Instructions {
    pub fn iter(&self) -> impl Iterator<Item = (&MessageKind, &Fact<String>)> {
        self.0.iter()
    }

    pub(super) fn merge(self, other: Self) -> Self {
        Self(named::merge(self.0, other.0))
    }
}

impl Serialize for Instructions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        named::write(&self.0, PREFIX, serializer)
    }
}

/// Reads them from among all facts.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Instructions, D::Error> {
    named::read(deserializer, PREFIX, |name| name.parse().ok()).map(Instructions)
}

impl Facts {
    /// The fact that a person (`by` is their name) wants this of the upcoming message of a kind.
    pub fn of_instruction(kind: MessageKind, instruction: Instruction, by: &str, at: DateTime<Utc>) -> Self {
        let stamp = Stamp {
            at: at.trunc_subsecs(6),
            rank: u8::MAX,
            event: format!("desk/{by}"),
        };
        let value = instruction.as_str().to_owned();
        Self {
            instructions: Instructions([(kind, Fact { stamp, value })].into()),
            ..Self::default()
        }
    }

    /// The instruction in force, with its time: one of a round that is over has ended with it.
    fn instruction(&self, kind: MessageKind) -> Option<(Instruction, DateTime<Utc>)> {
        let fact = self.instructions.0.get(&kind)?;
        let ended_at = difference::rounds_ended_at(self, kind);
        let at = fact.stamp.at;
        let in_force = ended_at.is_none_or(|ended| at > ended);
        in_force.then_some((fact.value.parse().ok()?, at))
    }

    /// Whether staff do not want the message of this kind to be sent.
    pub fn is_withdrawn_by_staff(&self, kind: MessageKind) -> bool {
        matches!(self.instruction(kind), Some((Instruction::Withdraw, _)))
    }

    /// Since when staff want the message of this kind to be sent without waiting. A reminder waits again if the guest was
    /// active on the cart since.
    pub fn sent_now_at(&self, kind: MessageKind, is_reminder: bool) -> Option<DateTime<Utc>> {
        let Some((Instruction::SendNow, at)) = self.instruction(kind) else {
            return None;
        };
        let is_active_again = self.activity.as_ref().is_some_and(|seen| seen.stamp.at > at);
        (!(is_reminder && is_active_again)).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(minute: u32) -> DateTime<Utc> {
        format!("2026-11-24T10:{minute:02}:00Z").parse().unwrap()
    }

    const KIND: MessageKind = MessageKind::ReviewRequest;

    #[test]
    fn an_instruction_is_written_beside_the_other_facts_and_read_back() {
        let facts = Facts::of_instruction(KIND, Instruction::SendNow, "zoe", at(1));

        let written = serde_json::to_value(&facts).unwrap();

        assert_eq!(written["staff.review_request"]["value"], json!("send_now"));
        let read: Facts = serde_json::from_value(written).unwrap();
        assert_eq!(read, facts);
        assert!(read.unknown.is_empty());
    }

    #[test]
    fn an_instruction_of_a_newer_program_counts_as_none_and_is_written_back() {
        let stamp = json!({ "at": at(1), "rank": 255, "event": "desk/zoe" });
        let written = json!({
            "staff.review_request": { "stamp": stamp, "value": "send_twice" },
            "staff.a-newer-kind": { "stamp": stamp, "value": "withdraw" },
        });

        let facts: Facts = serde_json::from_value(written.clone()).unwrap();

        assert_eq!(facts.sent_now_at(KIND, false), None);
        assert!(!facts.is_withdrawn_by_staff(KIND));
        assert_eq!(serde_json::to_value(&facts).unwrap(), written);
    }

    #[test]
    fn the_newest_instruction_counts_in_any_order() {
        let withdraw = Facts::of_instruction(KIND, Instruction::Withdraw, "zoe", at(1));
        let send = Facts::of_instruction(KIND, Instruction::SendNow, "max", at(2));

        let (one, other) = (withdraw.clone().merge(send.clone()), send.merge(withdraw));

        assert_eq!(one, other);
        assert_eq!(one.sent_now_at(KIND, false), Some(at(2)));
        assert!(!one.is_withdrawn_by_staff(KIND));
    }
}
