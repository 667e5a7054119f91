//! Dead letters: the original message and, in headers, why it died. Only this file names those headers.

use chrono::{DateTime, Utc};
use domain::dead_letter::DeadLetterReason;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};

use crate::properties;

const REASON: &str = "bellhop-reason";
const ERROR: &str = "bellhop-error";
const ATTEMPTS: &str = "bellhop-attempts";
const DIED_AT: &str = "bellhop-died-at";

/// RabbitMQ refuses headers that do not fit into one frame.
const LONGEST_ERROR: usize = 2_000;

/// Why something died; it becomes the letter's headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The class, which people sort by.
    pub reason: DeadLetterReason,
    /// What went wrong last, without personal data. Only the first 2,000 characters travel.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub died_at: DateTime<Utc>,
}

impl Letter {
    pub(crate) fn headers(&self) -> FieldTable {
        let error: String = self.error.chars().take(LONGEST_ERROR).collect();
        let mut headers = FieldTable::default();
        headers.insert(REASON.into(), text(self.reason.as_str()));
        headers.insert(ERROR.into(), text(&error));
        headers.insert(ATTEMPTS.into(), AMQPValue::LongLongInt(i64::from(self.attempts)));
        headers.insert(DIED_AT.into(), text(&self.died_at.to_rfc3339()));
        headers
    }
}

/// What the headers of a letter say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseOfDeath {
    /// [`DeadLetterReason::DeliveryLimit`] when the letter is RabbitMQ's own and has no headers of ours.
    pub reason: DeadLetterReason,
    /// Empty when the letter is RabbitMQ's own.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// `None` when nobody said it.
    pub died_at: Option<DateTime<Utc>>,
}

impl CauseOfDeath {
    pub(crate) fn read(properties: &BasicProperties) -> Self {
        let get = |name| properties::text_header(properties, name);
        Self {
            reason: get(REASON)
                .and_then(|reason| reason.parse().ok())
                .unwrap_or(DeadLetterReason::DeliveryLimit),
            error: get(ERROR).unwrap_or_default(),
            attempts: properties::number_header(properties, ATTEMPTS)
                .or_else(|| properties::number_header(properties, properties::DELIVERY_COUNT))
                .unwrap_or(0),
            died_at: get(DIED_AT)
                .and_then(|at| DateTime::parse_from_rfc3339(&at).ok())
                .map(|at| at.with_timezone(&Utc)),
        }
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_says_on_arrival_what_it_said_at_death() {
        let letter = Letter {
            reason: DeadLetterReason::Refused,
            error: "template paused".into(),
            attempts: 4,
            died_at: "2026-11-23T10:00:00Z".parse().unwrap(),
        };

        let cause = CauseOfDeath::read(&BasicProperties::default().with_headers(letter.headers()));

        assert_eq!(cause.reason, letter.reason);
        assert_eq!(cause.error, letter.error);
        assert_eq!(cause.attempts, letter.attempts);
        assert_eq!(cause.died_at, Some(letter.died_at));
    }

    #[test]
    fn a_letter_without_our_headers_died_of_the_delivery_limit() {
        let cause = CauseOfDeath::read(&BasicProperties::default());

        assert_eq!(cause.reason, DeadLetterReason::DeliveryLimit);
        assert_eq!(cause.died_at, None);
    }
}
