//! Updates about templates, accounts and numbers, and errors that belong to no message.
//!
//! WhatsApp writes event names sometimes in capitals, sometimes in lower case; here they are in capitals.

use chrono::{DateTime, Utc};
use domain::ids::NumberId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Origin, ReportedError, json};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateChange {
    /// `APPROVED`, `PAUSED`, `DISABLED`, `REJECTED`, …
    Status(String),
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    Quality(String),
    /// `MARKETING`, `UTILITY`, `AUTHENTICATION`.
    Category(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub account: Option<String>,
    pub at: Option<DateTime<Utc>>,
    pub name: String,
    /// In the form of requests: `en_US`.
    pub language: Option<String>,
    pub change: TemplateChange,
    /// The change is announced only: the template still has its present category. Older programs did not read it.
    #[serde(default)]
    pub is_announced: bool,
    pub category: Option<String>,
    /// The reason, or which pause it is (`FIRST_PAUSE`, …).
    pub reason: Option<String>,
    pub(super) fingerprint: Uuid,
}

impl Template {
    pub(super) fn read(origin: &Origin<'_>) -> Option<Self> {
        let value = origin.value;
        let (present, coming) = (
            capitals(value, "new_category"),
            capitals(value, "correct_category"),
        );
        let change = match origin.field.as_str() {
            "message_template_quality_update" => {
                TemplateChange::Quality(capitals(value, "new_quality_score")?)
            }
            "template_category_update" | "template_correct_category_detection" => {
                // An announcement repeats the present category as `new_category`; `correct_category` is what it
                // will become.
                TemplateChange::Category(coming.clone().or_else(|| present.clone())?)
            }
            _ => TemplateChange::Status(capitals(value, "event")?),
        };
        let reason = json::short(value, "reason").filter(|reason| reason != "NONE");
        Some(Self {
            account: origin.account.clone(),
            at: origin.at,
            name: json::short(value, "message_template_name")?,
            language: json::short(value, "message_template_language").map(|code| code.replace('-', "_")),
            change,
            is_announced: coming.is_some() && coming != present,
            category: capitals(value, "message_template_category"),
            reason: reason.or_else(|| capitals(value.get("other_info")?, "title")),
            fingerprint: origin.fingerprint(value),
        })
    }

    /// The name and the language, `booking_reminder_1/en_US`; `None` where the update names no language.
    pub fn key(&self) -> Option<String> {
        let language = self.language.as_ref()?;
        Some(format!("{}/{language}", self.name))
    }

    /// The new state, quality or category.
    pub fn news(&self) -> &str {
        match &self.change {
            TemplateChange::Status(word) | TemplateChange::Quality(word) | TemplateChange::Category(word) => {
                word
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// `RESTRICTED_BIZ_INITIATED_MESSAGING` and the like.
    pub name: String,
    pub until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub account: Option<String>,
    pub at: Option<DateTime<Utc>>,
    /// `ACCOUNT_RESTRICTION`, `ACCOUNT_VIOLATION`, `DISABLED_UPDATE`, …; without an event, the subscription's name.
    pub event: String,
    pub restrictions: Vec<Restriction>,
    /// The violation, the state of a ban or of a verification, or the reason of a disconnection.
    pub reason: Option<String>,
    pub(super) fingerprint: Uuid,
}

/// Where the details of account events are found.
const REASONS: [(&str, &str); 4] = [
    ("violation_info", "violation_type"),
    ("ban_info", "waba_ban_state"),
    ("partner_client_certification_info", "status"),
    ("disconnection_info", "reason"),
];

impl Account {
    pub(super) fn read(origin: &Origin<'_>) -> Option<Self> {
        let value = origin.value.as_object().map(|_| origin.value)?;
        // Since 2026, alerts are nested one level deeper.
        let alert = value.get("alert_info").unwrap_or(value);
        let named = ["event", "decision"]
            .iter()
            .find_map(|key| capitals(value, key))
            .or_else(|| capitals(alert, "alert_type"));
        let restrictions = value
            .get("restriction_info")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let reason = REASONS
            .iter()
            .find_map(|(info, key)| capitals(value.get(info)?, key));
        Some(Self {
            account: origin.account.clone(),
            at: origin.at,
            event: named.unwrap_or_else(|| origin.field.to_ascii_uppercase()),
            restrictions: restrictions.filter_map(restriction).collect(),
            reason,
            fingerprint: origin.fingerprint(value),
        })
    }
}

fn restriction(info: &Value) -> Option<Restriction> {
    Some(Restriction {
        name: capitals(info, "restriction_type")?,
        until: json::instant(info, "expiration"),
    })
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    pub account: Option<String>,
    pub at: Option<DateTime<Utc>>,
    /// The number as guests see it, digits only: WhatsApp gives no id here.
    pub display_number: Option<String>,
    /// `THROUGHPUT_UPGRADE`, `FLAGGED`, …; without an event, the subscription's name.
    pub event: String,
    /// How many guests a day the number may write to first: `TIER_250`, `TIER_UNLIMITED`, …
    pub limit: Option<String>,
    pub(super) fingerprint: Uuid,
}

impl Number {
    pub(super) fn read(origin: &Origin<'_>) -> Option<Self> {
        let value = origin.value.as_object().map(|_| origin.value)?;
        let limit = capitals(value, "max_daily_conversations_per_business");
        Some(Self {
            account: origin.account.clone(),
            at: origin.at,
            display_number: json::short(value, "display_phone_number"),
            event: ["event", "decision"]
                .iter()
                .find_map(|key| capitals(value, key))
                .unwrap_or_else(|| origin.field.to_ascii_uppercase()),
            limit: limit.or_else(|| capitals(value, "current_limit")),
            fingerprint: origin.fingerprint(value),
        })
    }
}

/// An error that belongs to no single message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub account: Option<String>,
    pub number: Option<NumberId>,
    pub error: ReportedError,
    pub(super) fingerprint: Uuid,
}

impl Problem {
    pub(super) fn read(origin: &Origin<'_>, error: &Value) -> Option<Self> {
        Some(Self {
            account: origin.account.clone(),
            number: json::number(origin.value),
            error: ReportedError::read(error)?,
            fingerprint: origin.fingerprint(error),
        })
    }
}

fn capitals(object: &Value, key: &str) -> Option<String> {
    json::short(object, key).map(|word| word.to_ascii_uppercase())
}
