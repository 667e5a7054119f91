//! Whether news of what belongs to the business is good, neutral or bad: one table of every event that Meta publishes.
//!
//! The names are those of Meta's webhook references (`account_update` of April 2026, `account_alerts` of May 2026,
//! `message_template_status_update` of April 2026, `template_category_update`, `phone_number_quality_update`) and of what
//! public clients have seen beside them (`pywa` 4.5 and providers). A name that is not here counts as bad: a person reads it
//! and decides.

use super::business::{Account, Number, Template, TemplateChange};

/// What news means for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// What waits may be tried again.
    Good,
    /// Nothing follows from it.
    Neutral,
    /// Messages stop, may stop or cost more: a person has to look.
    Bad,
}
use Verdict::{Bad, Good, Neutral};

impl Verdict {
    /// `good`, `neutral` or `bad`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Good => "good",
            Neutral => "neutral",
            Bad => "bad",
        }
    }
}

/// Events of the business account, with the detail that decides where the event alone does not.
const OF_ACCOUNTS: &[(&str, Option<&str>, Verdict)] = &[
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
    // account_alerts: an increase of the limit leaves what there is; a lost badge or picture stops no message.
    ("INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED", None, Neutral),
    ("INCREASED_CAPABILITIES_ELIGIBILITY_FAILED", None, Bad),
    ("INCREASED_CAPABILITIES_ELIGIBILITY_NEED_MORE_INFO", None, Bad),
    ("OBA_APPROVED", None, Neutral),
    ("OBA_REJECTED", None, Neutral),
    ("PROFILE_PICTURE_LOST", None, Neutral),
    // business_capability_update tells limits, and no event.
    ("BUSINESS_CAPABILITY_UPDATE", None, Neutral),
];

/// Events of business numbers.
const OF_NUMBERS: &[(&str, Verdict)] = &[
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

/// States of templates.
const OF_TEMPLATES: &[(&str, Verdict)] = &[
    ("APPROVED", Good),
    ("ARCHIVED", Bad),
    ("DELETED", Bad),
    ("DISABLED", Bad),
    ("FLAGGED", Bad),
    ("IN_APPEAL", Neutral),
    ("LIMIT_EXCEEDED", Bad),
    // It cannot be edited; it can be sent.
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

/// Qualities of templates. A yellow one is sent on.
const OF_QUALITIES: &[(&str, Verdict)] = &[
    ("GREEN", Neutral),
    ("RED", Bad),
    ("UNKNOWN", Neutral),
    ("YELLOW", Neutral),
];

/// Categories that templates get. Marketing costs more and is limited, and whoever stopped marketing gets it no more.
const OF_CATEGORIES: &[(&str, Verdict)] = &[
    ("AUTHENTICATION", Neutral),
    ("MARKETING", Bad),
    ("UTILITY", Neutral),
];

fn find(table: &[(&str, Verdict)], event: &str) -> Verdict {
    let row = table.iter().find(|(name, _)| *name == event);
    row.map_or(Bad, |(_, verdict)| *verdict)
}

impl Template {
    /// What the change means for sending.
    pub fn verdict(&self) -> Verdict {
        let table = match &self.change {
            TemplateChange::Status(_) => OF_TEMPLATES,
            TemplateChange::Quality(_) => OF_QUALITIES,
            TemplateChange::Category(_) => OF_CATEGORIES,
        };
        find(table, self.news())
    }
}

impl Number {
    /// What the event means for sending.
    pub fn verdict(&self) -> Verdict {
        find(OF_NUMBERS, &self.event)
    }
}

impl Account {
    /// What the event means for sending.
    pub fn verdict(&self) -> Verdict {
        let fits = |detail: &Option<&str>| detail.is_none() || *detail == self.reason.as_deref();
        let row = OF_ACCOUNTS
            .iter()
            .find(|(event, detail, _)| *event == self.event && fits(detail));
        row.map_or(Bad, |(_, _, verdict)| *verdict)
    }
}
