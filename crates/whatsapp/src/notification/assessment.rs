//! Whether an update about a template, a number or the account is good, neutral or bad: one table of all events
//! that Meta publishes.
//!
//! The names are those of Meta's webhook references (`account_update` of April 2026, `account_alerts` of May 2026,
//! `message_template_status_update` of April 2026, `template_category_update`, `phone_number_quality_update`) and
//! those that public clients have seen besides (`pywa` 4.5 and providers). A name that is not listed counts as bad:
//! a person reads it and decides.

use super::business::{Account, Number, Template, TemplateChange};

/// What an update means for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assessment {
    /// Messages that wait may be tried again.
    Good,
    Neutral,
    /// Messages stop, may stop or cost more: a person has to look.
    Bad,
}
use Assessment::{Bad, Good, Neutral};

impl Assessment {
    pub const fn as_str(self) -> &'static str {
        match self {
            Good => "good",
            Neutral => "neutral",
            Bad => "bad",
        }
    }
}

/// Events of the business account; where the event alone does not decide, with the detail that does.
const OF_ACCOUNTS: &[(&str, Option<&str>, Assessment)] = &[
    // account_update
    ("ACCOUNT_DELETED", None, Bad),
    ("ACCOUNT_OFFBOARDED", None, Bad),
    ("ACCOUNT_RECONNECTED", None, Good),
    ("ACCOUNT_RESTRICTION", None, Bad),
    ("ACCOUNT_VIOLATION", None, Bad),
    ("AD_ACCOUNT_LINKED", None, Neutral),
    ("AUTH_INTL_PRICE_ELIGIBILITY_UPDATE", None, Neutral),
    ("BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE", None, Neutral),
    ("DISABLED_UPDATE", Some("DISABLE"), Bad),
    ("DISABLED_UPDATE", Some("REINSTATE"), Good),
    ("DISABLED_UPDATE", Some("SCHEDULE_FOR_DISABLE"), Bad),
    ("MM_LITE_TERMS_SIGNED", None, Neutral),
    ("PARTNER_ADDED", None, Neutral),
    ("PARTNER_APP_INSTALLED", None, Neutral),
    ("PARTNER_APP_UNINSTALLED", None, Bad),
    (
        "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
        Some("APPROVED"),
        Neutral,
    ),
    (
        "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE",
        Some("PENDING"),
        Neutral,
    ),
    ("PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE", None, Bad),
    ("PARTNER_REMOVED", None, Bad),
    ("REINSTATED", None, Good),
    ("VERIFIED_ACCOUNT", None, Neutral),
    ("VOLUME_BASED_PRICING_TIER_UPDATE", None, Neutral),
    // account_review_update
    ("APPROVED", None, Good),
    ("DEFERRED", None, Bad),
    ("PENDING", None, Neutral),
    ("REJECTED", None, Bad),
    // account_alerts: without an increase the limit stays as it was; a lost badge or picture stops no message.
    ("INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED", None, Neutral),
    ("INCREASED_CAPABILITIES_ELIGIBILITY_FAILED", None, Bad),
    ("INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO", None, Bad),
    ("OBA_APPROVED", None, Neutral),
    ("OBA_REJECTED", None, Neutral),
    ("PROFILE_PICTURE_LOST", None, Neutral),
    // business_capability_update reports limits without an event.
    ("BUSINESS_CAPABILITY_UPDATE", None, Neutral),
];

const OF_NUMBERS: &[(&str, Assessment)] = &[
    // phone_number_quality_update
    ("DOWNGRADE", Bad),
    ("FLAGGED", Bad),
    ("ONBOARDING", Good),
    ("THROUGHPUT_UPGRADE", Good),
    ("UNFLAGGED", Good),
    ("UPGRADE", Good),
    // phone_number_name_update
    ("APPROVED", Good),
    ("DEFERRED", Neutral),
    ("PENDING", Neutral),
    ("REJECTED", Bad),
];

const OF_TEMPLATES: &[(&str, Assessment)] = &[
    ("APPROVED", Good),
    ("ARCHIVED", Bad),
    ("DELETED", Bad),
    ("DISABLED", Bad),
    ("FLAGGED", Bad),
    ("IN_APPEAL", Neutral),
    ("LIMIT_EXCEEDED", Bad),
    // A locked template cannot be edited, but it can be sent.
    ("LOCKED", Neutral),
    ("PAUSED", Bad),
    ("PENDING", Neutral),
    ("PENDING_DELETION", Bad),
    ("REINSTATED", Good),
    ("REJECTED", Bad),
    ("UNARCHIVED", Good),
    ("UNLOCKED", Neutral),
    ("UNPAUSED", Good),
];

/// A template with quality yellow is still sent.
const OF_QUALITIES: &[(&str, Assessment)] = &[
    ("GREEN", Neutral),
    ("RED", Bad),
    ("UNKNOWN", Neutral),
    ("YELLOW", Neutral),
];

/// Marketing costs more and is limited, and guests who opted out of marketing do not get it any more.
const OF_CATEGORIES: &[(&str, Assessment)] = &[
    ("AUTHENTICATION", Neutral),
    ("MARKETING", Bad),
    ("UTILITY", Neutral),
];

fn find(table: &[(&str, Assessment)], event: &str) -> Assessment {
    let row = table.iter().find(|(name, _)| *name == event);
    row.map_or(Bad, |(_, assessment)| *assessment)
}

impl Template {
    pub fn assessment(&self) -> Assessment {
        let table = match &self.change {
            TemplateChange::Status(_) => OF_TEMPLATES,
            TemplateChange::Quality(_) => OF_QUALITIES,
            TemplateChange::Category(_) => OF_CATEGORIES,
        };
        find(table, self.news())
    }
}

impl Number {
    pub fn assessment(&self) -> Assessment {
        find(OF_NUMBERS, &self.event)
    }
}

impl Account {
    pub fn assessment(&self) -> Assessment {
        let fits = |detail: &Option<&str>| detail.is_none() || *detail == self.reason.as_deref();
        let row = OF_ACCOUNTS
            .iter()
            .find(|(event, detail, _)| *event == self.event && fits(detail));
        row.map_or(Bad, |(_, _, assessment)| *assessment)
    }
}
