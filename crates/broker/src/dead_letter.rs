//! Why a message was dead-lettered, as headers beside its unchanged body. Only this file names those headers.

use chrono::{DateTime, Utc};
use domain::dead_letter::DeadLetterReason;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};

use crate::properties;

const REASON: &str = "bellhop-reason";
const ERROR: &str = "bellhop-error";
const ATTEMPTS: &str = "bellhop-attempts";
const DEAD_LETTERED_AT: &str = "bellhop-died-at";

/// RabbitMQ refuses headers that do not fit into one frame.
const LONGEST_ERROR: usize = 2_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// [`DeadLetterReason::DeliveryLimit`] where RabbitMQ itself dead-lettered the message, without headers of ours.
    pub reason: DeadLetterReason,
    /// The last error, without personal data. Only the first 2,000 characters travel.
    pub error: String,
    pub attempts: u32,
    /// `None` where RabbitMQ itself dead-lettered the message.
    pub dead_lettered_at: Option<DateTime<Utc>>,
}

impl Cause {
    pub(crate) fn headers(&self) -> FieldTable {
        let error: String = self.error.chars().take(LONGEST_ERROR).collect();
        let mut headers = FieldTable::default();
        headers.insert(REASON.into(), text(self.reason.as_str()));
        headers.insert(ERROR.into(), text(&error));
        headers.insert(ATTEMPTS.into(), AMQPValue::LongLongInt(i64::from(self.attempts)));
        if let Some(at) = self.dead_lettered_at {
            headers.insert(DEAD_LETTERED_AT.into(), text(&at.to_rfc3339()));
        }
        headers
    }

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
            dead_lettered_at: get(DEAD_LETTERED_AT)
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
    fn a_cause_is_read_as_it_was_written() {
        let cause = Cause {
            reason: DeadLetterReason::Refused,
            error: "template paused".into(),
            attempts: 4,
            dead_lettered_at: Some("2026-11-23T10:00:00Z".parse().unwrap()),
        };

        let read = Cause::read(&BasicProperties::default().with_headers(cause.headers()));

        assert_eq!(read, cause);
    }

    #[test]
    fn a_dead_letter_without_our_headers_has_reached_the_delivery_limit() {
        let cause = Cause::read(&BasicProperties::default());

        assert_eq!(cause.reason, DeadLetterReason::DeliveryLimit);
        assert_eq!(cause.dead_lettered_at, None);
    }
}
