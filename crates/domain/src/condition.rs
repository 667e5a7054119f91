//! Conditions on a booking, as files write them: `stay.nights >= 2 and not (stay.room == 'Suite')`.
//!
//! A comparison of what cannot be compared is false: a missing value, or a text that is neither a number nor a day
//! beside a number or a day. [`parse`] reads the text.

mod parse;

use std::cmp::Ordering;

use chrono::NaiveDate;

use crate::facts::Facts;
use crate::message::MomentName;
use crate::render::{Subject, text_of};
use crate::resort::Value;

pub use parse::InvalidCondition;

#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    Compare(Operand, Comparison, Operand),
    Not(Box<Condition>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Value(Value),
    /// What the guest chose of a moment's quick replies: `answer.<moment>`.
    Answer(MomentName),
    Number(f64),
    Text(String),
}

impl Condition {
    /// Whether it holds for a booking of a resort.
    pub fn holds(&self, subject: Subject<'_>) -> bool {
        match self {
            Self::Compare(left, comparison, right) => {
                let (left, right) = (left.known(subject), right.known(subject));
                left.zip(right)
                    .is_some_and(|(left, right)| comparison.holds(&left, &right))
            }
            Self::Not(condition) => !condition.holds(subject),
            Self::All(conditions) => conditions.iter().all(|one| one.holds(subject)),
            Self::Any(conditions) => conditions.iter().any(|one| one.holds(subject)),
        }
    }

    /// Every operand, from left to right.
    pub fn operands(&self) -> Vec<&Operand> {
        match self {
            Self::Compare(left, _, right) => vec![left, right],
            Self::Not(condition) => condition.operands(),
            Self::All(conditions) | Self::Any(conditions) => {
                conditions.iter().flat_map(Self::operands).collect()
            }
        }
    }
}

/// A value that is known, in the form in which it is compared.
enum Known {
    Number(f64),
    Day(NaiveDate),
    Text(String),
}

impl Known {
    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Day(_) => None,
        }
    }

    fn day(&self) -> Option<NaiveDate> {
        match self {
            Self::Day(day) => Some(*day),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(_) => None,
        }
    }
}

impl Operand {
    fn known(&self, subject: Subject<'_>) -> Option<Known> {
        let facts: &Facts = subject.facts;
        let (check_in, check_out) = facts.dates();
        Some(match self {
            Self::Number(number) => Known::Number(*number),
            Self::Text(text) => Known::Text(text.clone()),
            Self::Answer(moment) => Known::Text(facts.answers.get(*moment)?.value.clone()),
            Self::Value(Value::CheckIn) => Known::Day(check_in?),
            Self::Value(Value::CheckOut) => Known::Day(check_out?),
            Self::Value(Value::Total) => Known::Text(facts.total.as_ref()?.value.amount.clone()),
            Self::Value(value) => Known::Text(text_of(subject, &subject.resort.language, value)?),
        })
    }
}

impl Comparison {
    fn holds(self, left: &Known, right: &Known) -> bool {
        let Some(order) = order(left, right) else {
            return false;
        };
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// As numbers where both are, else as days where both are, else as texts; `None` if they are of different kinds.
fn order(left: &Known, right: &Known) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (left.number(), right.number()) {
        return left.partial_cmp(&right);
    }
    if let (Some(left), Some(right)) = (left.day(), right.day()) {
        return Some(left.cmp(&right));
    }
    match (left, right) {
        (Known::Text(left), Known::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}
