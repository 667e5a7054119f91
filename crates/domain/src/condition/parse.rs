//! Reads a condition: `or` binds less than `and`, `and` less than `not`, and a comparison most.

use std::str::FromStr;

use super::{Comparison, Condition, Operand};
use crate::message::MomentName;
use crate::resort::Value;

/// The greatest length of a condition, in bytes; it also bounds how deep one can nest.
const LONGEST: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCondition {
    #[error("is longer than {LONGEST} characters")]
    TooLong,
    #[error("has a text without its closing quote")]
    OpenText,
    #[error("ends where {0} is expected")]
    Ends(&'static str),
    #[error("has `{found}` where {expected} is expected")]
    Unexpected { found: String, expected: &'static str },
}

const A_VALUE: &str = "a value such as stay.nights, a number or a 'text'";
const A_COMPARISON: &str = "one of == != < <= > >=";

impl FromStr for Condition {
    type Err = InvalidCondition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(InvalidCondition::TooLong);
        }
        let mut tokens = Tokens::of(text)?;
        let condition = any(&mut tokens)?;
        match tokens.next() {
            None => Ok(condition),
            Some(token) => Err(token.unexpected("and, or, or the end")),
        }
    }
}

fn any(tokens: &mut Tokens) -> Result<Condition, InvalidCondition> {
    let mut conditions = vec![all(tokens)?];
    while tokens.take_word("or") {
        conditions.push(all(tokens)?);
    }
    Ok(single(conditions, Condition::Any))
}

fn all(tokens: &mut Tokens) -> Result<Condition, InvalidCondition> {
    let mut conditions = vec![one(tokens)?];
    while tokens.take_word("and") {
        conditions.push(one(tokens)?);
    }
    Ok(single(conditions, Condition::All))
}

fn single(mut conditions: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match (conditions.len(), conditions.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            conditions.push(last);
            join(conditions)
        }
        (_, None) => join(conditions),
    }
}

fn one(tokens: &mut Tokens) -> Result<Condition, InvalidCondition> {
    if tokens.take_word("not") {
        return Ok(Condition::Not(Box::new(one(tokens)?)));
    }
    if tokens.take_word("(") {
        let inner = any(tokens)?;
        return match tokens.next() {
            Some(Token::Word(word)) if word == ")" => Ok(inner),
            Some(token) => Err(token.unexpected("`)`")),
            None => Err(InvalidCondition::Ends("`)`")),
        };
    }
    let left = operand(tokens)?;
    let comparison = comparison(tokens)?;
    Ok(Condition::Compare(left, comparison, operand(tokens)?))
}

fn operand(tokens: &mut Tokens) -> Result<Operand, InvalidCondition> {
    let token = tokens.next().ok_or(InvalidCondition::Ends(A_VALUE))?;
    let word = match token {
        Token::Text(text) => return Ok(Operand::Text(text)),
        Token::Word(word) => word,
    };
    let number = word.parse::<f64>().ok();
    let answer = || {
        MomentName::parse(word.strip_prefix("answer.")?)
            .ok()
            .map(Operand::Answer)
    };
    number
        .filter(|number| number.is_finite() && !word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(Operand::Number)
        .or_else(answer)
        .or_else(|| Value::parse(&word).map(Operand::Value))
        .ok_or(InvalidCondition::Unexpected {
            found: word,
            expected: A_VALUE,
        })
}

fn comparison(tokens: &mut Tokens) -> Result<Comparison, InvalidCondition> {
    let token = tokens.next().ok_or(InvalidCondition::Ends(A_COMPARISON))?;
    Ok(match &token {
        Token::Word(word) => match word.as_str() {
            "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::Greater,
            ">=" => Comparison::AtLeast,
            _ => return Err(token.unexpected(A_COMPARISON)),
        },
        Token::Text(_) => return Err(token.unexpected(A_COMPARISON)),
    })
}

enum Token {
    /// A name, a number, a sign or a bracket.
    Word(String),
    /// What stands between quotes.
    Text(String),
}

impl Token {
    fn unexpected(self, expected: &'static str) -> InvalidCondition {
        let (Self::Word(found) | Self::Text(found)) = self;
        InvalidCondition::Unexpected { found, expected }
    }
}

struct Tokens(std::iter::Peekable<std::vec::IntoIter<Token>>);

impl Tokens {
    fn of(text: &str) -> Result<Self, InvalidCondition> {
        let mut tokens = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (token, after) = match first {
                '\'' | '"' => {
                    let inside = rest.get(1..).unwrap_or_default();
                    let (text, after) = inside.split_once(first).ok_or(InvalidCondition::OpenText)?;
                    (Token::Text(text.to_owned()), after)
                }
                _ => {
                    let (word, after) = rest.split_at(length(rest, first));
                    (Token::Word(word.to_owned()), after)
                }
            };
            tokens.push(token);
            rest = after.trim_start();
        }
        Ok(Self(tokens.into_iter().peekable()))
    }

    fn next(&mut self) -> Option<Token> {
        self.0.next()
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.0
            .next_if(|token| matches!(token, Token::Word(found) if found == word))
            .is_some()
    }
}

/// How long the word is that begins here: a bracket stands alone, signs of comparison stay together.
fn length(text: &str, first: char) -> usize {
    let is_sign = |c: char| matches!(c, '=' | '!' | '<' | '>');
    let is_bracket = |c: char| matches!(c, '(' | ')');
    let ends = |c: char| match is_sign(first) {
        true => !is_sign(c),
        false => c.is_whitespace() || is_sign(c) || is_bracket(c) || matches!(c, '\'' | '"'),
    };
    if is_bracket(first) {
        return first.len_utf8();
    }
    text.find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answers, Fact, Facts, Stamp};
    use crate::ids::BookingId;
    use crate::plan::tests::resort;
    use crate::render::Subject;
    use crate::stay::Money;

    fn fact<T>(value: T) -> Option<Fact<T>> {
        let stamp = Stamp {
            at: chrono::DateTime::UNIX_EPOCH,
            rank: 0,
            event: "direct/1".into(),
        };
        Some(Fact { stamp, value })
    }

    /// Whether a condition holds for four nights from 20 December for 1,240.00 euros.
    fn holds(text: &str) -> bool {
        let mut resort = resort();
        resort.values.insert("stars".into(), "4".into());
        let moment = MomentName::parse("stay_check").unwrap();
        let mut facts = Facts {
            check_in: fact("2026-12-20".parse().unwrap()),
            check_out: fact("2026-12-24".parse().unwrap()),
            room: fact("Sea view".into()),
            total: fact(Money::parse("1240.00", "EUR").unwrap()),
            ..Facts::default()
        };
        facts.answers = Answers::of(moment, fact("help".to_owned()).unwrap());
        let booking = BookingId::parse("BK-1").unwrap();
        let condition: Condition = text.parse().unwrap();
        condition.holds(Subject {
            kind: crate::message::MessageKind::Moment(moment),
            booking: &booking,
            facts: &facts,
            resort: &resort,
        })
    }

    #[test]
    fn values_are_compared_as_numbers_days_and_texts() {
        for text in [
            "stay.nights >= 2",
            "stay.nights == 4.0",
            "stay.nights<5",
            "stay.total > 999.5",
            "stay.check_in == '2026-12-20'",
            "stay.check_out <= \"2026-12-24\"",
            "stay.room == 'Sea view'",
            "stay.room != 'Suite'",
            "values.stars >= 4",
            "answer.stay_check == 'help'",
            "2 < stay.nights",
            "resort.name == 'Azure Bay Resort'",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "stay.nights > 4",
            "stay.total < 99",
            "stay.check_in > '2026-12-20'",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_false_in_both_senses() {
        for text in [
            "stay.guests == 2",
            "stay.guests != 2",
            "stay.room > 3",
            "stay.check_in != 3",
            "answer.other == 'help'",
            "values.unknown == 'x'",
        ] {
            assert!(!holds(text), "{text}");
            assert!(holds(&format!("not {text}")), "{text}");
        }
    }

    #[test]
    fn not_binds_more_than_and_which_binds_more_than_or() {
        assert!(holds("stay.nights == 4 or stay.nights == 5 and stay.nights == 6"));
        assert!(!holds(
            "(stay.nights == 4 or stay.nights == 5) and stay.nights == 6"
        ));
        assert!(holds("not stay.nights == 5 and stay.nights == 4"));
        assert!(!holds("not (stay.nights == 5 or stay.nights == 4)"));
        assert!(holds("not not stay.nights == 4"));
    }

    #[test]
    fn nonsense_is_refused_with_what_was_found_and_what_is_expected() {
        for (text, error) in [
            (
                "",
                "ends where a value such as stay.nights, a number or a 'text' is expected",
            ),
            ("stay.nights", "ends where one of == != < <= > >= is expected"),
            (
                "stay.nights = 2",
                "has `=` where one of == != < <= > >= is expected",
            ),
            (
                "stay.night > 2",
                "has `stay.night` where a value such as stay.nights, a number or a 'text' is expected",
            ),
            (
                "stay.nights > 2 stay.room",
                "has `stay.room` where and, or, or the end is expected",
            ),
            ("(stay.nights > 2", "ends where `)` is expected"),
            ("stay.room == 'Suite", "has a text without its closing quote"),
        ] {
            let found = text.parse::<Condition>().unwrap_err();
            assert_eq!(found.to_string(), error, "{text}");
        }
        assert_eq!(
            "not ".repeat(200).parse::<Condition>(),
            Err(InvalidCondition::TooLong)
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[a-z.' ()<>=!0-9\"ä]{0,60}") {
            let _ = text.parse::<Condition>();
        }
    }
}
