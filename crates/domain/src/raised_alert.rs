//! Alerts of our programs: log lines with a field `alert`, as far as they may leave Bellhop, and whom they concern.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The fields of a log line that go out with it: names of what it is about. Texts of errors may name servers, and stay.
const FIELDS: [&str; 18] = [
    "account",
    "booking.id",
    "choice",
    "code",
    "file",
    "hold",
    "kind",
    "language",
    "moment",
    "news",
    "number",
    "resort",
    "resort.id",
    "rules",
    "scope",
    "source",
    "template",
    "title",
];

/// One alert. Nothing in it is personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedAlert {
    /// Its id: a heading of docs/operations.md.
    pub alert: String,
    /// The program that raised it.
    pub program: String,
    /// The log line's sentence.
    pub sentence: String,
    pub raised_at: DateTime<Utc>,
    pub fields: BTreeMap<String, String>,
}

/// What an alert is about, and so whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject<'a> {
    Resort(&'a str),
    Source(&'a str),
    /// WhatsApp's id of a business number.
    Number(&'a str),
    /// Meta's id of a business account.
    Account(&'a str),
    /// Everything, or what names no resort.
    Everything,
}

impl RaisedAlert {
    /// Whether a field of the log line may go out.
    pub fn may_hold(field: &str) -> bool {
        FIELDS.contains(&field)
    }

    pub fn subject(&self) -> Subject<'_> {
        let field = |name: &str| self.fields.get(name).map(String::as_str);
        let in_hold = |name: &str| {
            let parts = field("hold")?.split_whitespace();
            parts
                .filter_map(|part| part.split_once('='))
                .find(|(key, _)| *key == name)
        };
        let of_booking = || field("booking.id")?.split_once('/').map(|(resort, _)| resort);
        let of_file = || field("file")?.strip_prefix("resorts/")?.strip_suffix(".toml");
        let resort = field("resort.id")
            .or_else(|| field("resort"))
            .or_else(of_booking)
            .or_else(|| in_hold("resort").map(|(_, resort)| resort))
            .or_else(of_file);
        if let Some(resort) = resort {
            return Subject::Resort(resort);
        }
        if let Some(source) = field("source") {
            return Subject::Source(source);
        }
        if let Some(number) = in_hold("number")
            .map(|(_, number)| number)
            .or_else(|| field("number"))
        {
            return Subject::Number(number);
        }
        field("account").map_or(Subject::Everything, Subject::Account)
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resort(resort) => write!(f, "resort {resort}"),
            Self::Source(source) => write!(f, "source {source}"),
            Self::Number(number) => write!(f, "number {number}"),
            Self::Account(account) => write!(f, "account {account}"),
            Self::Everything => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(fields: &[(&str, &str)]) -> String {
        let fields = fields.iter();
        let alert = RaisedAlert {
            alert: "hold_laid".to_owned(),
            program: "sender".to_owned(),
            sentence: String::new(),
            raised_at: DateTime::UNIX_EPOCH,
            fields: fields
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
        };
        alert.subject().to_string()
    }

    #[test]
    fn an_alert_concerns_what_its_fields_name() {
        for (fields, wanted) in [
            (
                &[("resort.id", "azure-bay"), ("number", "1")][..],
                "resort azure-bay",
            ),
            (&[("booking.id", "azure-bay/BK-1")], "resort azure-bay"),
            (&[("hold", "token resort=azure-bay")], "resort azure-bay"),
            (&[("hold", "template number=106 template=a/en")], "number 106"),
            (
                &[("source", "lodgify"), ("file", "sources/lodgify.toml")],
                "source lodgify",
            ),
            (&[("file", "resorts/azure-bay.toml")], "resort azure-bay"),
            (&[("template", "a"), ("account", "102")], "account 102"),
            (&[("kind", "reminder_1")], ""),
        ] {
            assert_eq!(subject(fields), wanted, "{fields:?}");
        }
    }

    // shows: T49
    #[test]
    fn what_an_error_says_does_not_go_out() {
        for field in ["error", "reason", "message", "event.id", "text"] {
            assert!(!RaisedAlert::may_hold(field), "{field}");
        }
        assert!(RaisedAlert::may_hold("source"));
    }
}
