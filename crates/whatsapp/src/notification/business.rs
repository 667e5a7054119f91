//! Updates about what belongs to the business: templates, accounts, numbers, troubles.
//!
//! WhatsApp writes event names now in capitals, now small; here they are capitals.

use chrono::{DateTime, Utc};
use domain::ids::NumberId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Origin, ReportedError, json};

/// What happened to a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateChange {
    /// Its state: `APPROVED`, `PAUSED`, `DISABLED`, `REJECTED`, …
    Status(String),
    /// Its quality: `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    Quality(String),
    /// Its category: `MARKETING`, `UTILITY`, `AUTHENTICATION`.
    Category(String),
}

/// A template was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The business account that owns it.
    pub account: Option<String>,
    /// When WhatsApp told.
    pub at: Option<DateTime<Utc>>,
    /// Its name.
    pub name: String,
    /// Its language as requests write it, `en_US`.
    pub language: Option<String>,
    /// What happened.
    pub change: TemplateChange,
    /// Its category, where that was told too.
    pub category: Option<String>,
    /// Why, or which pause it is (`FIRST_PAUSE`, …).
    pub reason: Option<String>,
    pub(super) fingerprint: Uuid,
}

impl Template {
    pub(super) fn read(origin: &Origin<'_>) -> Option<Self> {
        let value = origin.value;
        let change = match origin.field.as_str() {
            "message_template_quality_update" => {
                TemplateChange::Quality(capitals(value, "new_quality_score")?)
            }
            "template_category_update" => {
                // An announcement has no new category yet, only the one that would be correct.
                let category =
                    capitals(value, "new_category").or_else(|| capitals(value, "correct_category"));
                TemplateChange::Category(category?)
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
            category: capitals(value, "message_template_category"),
            reason: reason.or_else(|| capitals(value.get("other_info")?, "title")),
            fingerprint: origin.fingerprint(value),
        })
    }

    /// The new state, quality or category.
    pub fn news(&self) -> &str {
        match &self.change {
            TemplateChange::Status(word) | TemplateChange::Quality(word) | TemplateChange::Category(word) => {
                word
            }
        }
    }

    /// Whether it may be usable again.
    pub fn is_good_news(&self) -> bool {
        matches!(&self.change, TemplateChange::Status(status)
            if ["APPROVED", "REINSTATED", "UNPAUSED"].contains(&status.as_str()))
    }
}

/// Something that an account may not do for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// `RESTRICTED_BIZ_INITIATED_MESSAGING` and the like.
    pub name: String,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
}

/// Something befell the business account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The business account.
    pub account: Option<String>,
    /// When WhatsApp told.
    pub at: Option<DateTime<Utc>>,
    /// `ACCOUNT_RESTRICTION`, `ACCOUNT_VIOLATION`, `DISABLED_UPDATE`, …; where there is none, the subscription's name.
    pub event: String,
    /// What it may not do.
    pub restrictions: Vec<Restriction>,
    /// What it did wrong, or the state of a ban.
    pub reason: Option<String>,
    pub(super) fingerprint: Uuid,
}

impl Account {
    pub(super) fn read(origin: &Origin<'_>) -> Option<Self> {
        let value = origin.value.as_object().map(|_| origin.value)?;
        let named = ["event", "decision", "alert_type"]
            .iter()
            .find_map(|key| capitals(value, key));
        let restrictions = value
            .get("restriction_info")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let violation = value
            .get("violation_info")
            .and_then(|info| capitals(info, "violation_type"));
        let ban = || capitals(value.get("ban_info")?, "waba_ban_state");
        Some(Self {
            account: origin.account.clone(),
            at: origin.at,
            event: named.unwrap_or_else(|| origin.field.to_ascii_uppercase()),
            restrictions: restrictions.filter_map(restriction).collect(),
            reason: violation.or_else(ban),
            fingerprint: origin.fingerprint(value),
        })
    }

    /// Whether it may send again.
    pub fn is_good_news(&self) -> bool {
        ["ACCOUNT_RECONNECTED", "APPROVED", "REINSTATED"].contains(&self.event.as_str())
    }
}

fn restriction(info: &Value) -> Option<Restriction> {
    Some(Restriction {
        name: capitals(info, "restriction_type")?,
        until: json::instant(info, "expiration"),
    })
}

/// Something befell a business number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// The business account that owns it.
    pub account: Option<String>,
    /// When WhatsApp told.
    pub at: Option<DateTime<Utc>>,
    /// The number as guests see it, digits only: WhatsApp gives no id here.
    pub display_number: Option<String>,
    /// `THROUGHPUT_UPGRADE`, `FLAGGED`, …; where there is none, the subscription's name.
    pub event: String,
    /// How many guests a day it may write to first: `TIER_250`, `TIER_UNLIMITED`, …
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

    /// Whether it may send again, or more.
    pub fn is_good_news(&self) -> bool {
        let good = [
            "UNFLAGGED",
            "UPGRADE",
            "THROUGHPUT_UPGRADE",
            "ONBOARDING",
            "APPROVED",
        ];
        good.contains(&self.event.as_str())
    }
}

/// A trouble that belongs to no single message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The business account.
    pub account: Option<String>,
    /// The business number.
    pub number: Option<NumberId>,
    /// What it is.
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
