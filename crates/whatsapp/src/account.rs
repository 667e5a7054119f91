//! What WhatsApp says of our own token, number and account: the fields that are asked for, and the answers.
//!
//! Read tolerantly: a member that is missing or of another kind is `None`, and unknown words are kept as they are written.
//! Sources: Meta's pages "Permissions", "Manage phone numbers", "Messaging limits", "Webhooks overrides" and "Template
//! API", its `OpenAPI` file, and pywa.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::answer::integer;
use crate::notification::json::{instant, short};

pub(crate) mod templates;

/// The right to send messages, and to get notifications of them.
pub const MESSAGING: &str = "whatsapp_business_messaging";
/// The right to read the account: its number, apps and templates.
pub const MANAGEMENT: &str = "whatsapp_business_management";

/// `GET /debug_token`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    pub is_valid: bool,
    /// `None`: it never expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the app's access to the data ends; `None`: never.
    pub data_access_expires_at: Option<DateTime<Utc>>,
    pub app_id: Option<String>,
    /// The app's name.
    pub application: Option<String>,
    /// `SYSTEM_USER`, `USER`, …
    pub kind: Option<String>,
    pub scopes: Vec<String>,
    /// The accounts that a right is limited to; a right that is missing here is not limited.
    pub limits: Vec<(String, Vec<String>)>,
    /// WhatsApp's code for an invalid token.
    pub error_code: Option<i64>,
}

impl TokenFacts {
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known == scope)
    }

    /// Whether a right that the token has reaches this account.
    pub fn reaches(&self, scope: &str, account: &str) -> bool {
        let limits = self.limits.iter().filter(|(limited, _)| limited == scope);
        let mut ids = limits.flat_map(|(_, ids)| ids).peekable();
        ids.peek().is_none() || ids.any(|id| id == account)
    }
}

/// `GET /{phone_number_id}`: what every version of the API knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberFacts {
    pub display_phone_number: Option<String>,
    pub verified_name: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`, `NA`
    pub quality_rating: Option<String>,
    /// `CONNECTED`, `PENDING`, `FLAGGED`, `RESTRICTED`, `RATE_LIMITED`, `DISCONNECTED`, `BANNED`, …
    pub status: Option<String>,
    /// `VERIFIED`, `NOT_VERIFIED`, `EXPIRED`
    pub code_verification_status: Option<String>,
    /// `APPROVED`, `AVAILABLE_WITHOUT_REVIEW`, `PENDING_REVIEW`, `DECLINED`, `EXPIRED`, `NONE`
    pub name_status: Option<String>,
    /// `CLOUD_API`, `ON_PREMISE`, `NOT_APPLICABLE` (not registered)
    pub platform_type: Option<String>,
    /// `STANDARD` (80 messages a second), `HIGH` (1,000), `NOT_APPLICABLE`
    pub throughput: Option<String>,
}

impl NumberFacts {
    pub(crate) const FIELDS: &str = "id,display_phone_number,verified_name,quality_rating,status,\
                                     code_verification_status,name_status,platform_type,throughput";
}

/// `GET /{phone_number_id}`: what versions from v24.0 on know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MoreOfNumber {
    /// Unique guests in 24 hours outside their windows: `TIER_250`, `TIER_2K`, `TIER_10K`, `TIER_100K`, `TIER_UNLIMITED`.
    pub messaging_limit: Option<String>,
    pub callbacks: Callbacks,
    pub health: Vec<Health>,
}

impl MoreOfNumber {
    pub(crate) const FIELDS: &str =
        "whatsapp_business_manager_messaging_limit,webhook_configuration,health_status";
}

/// Where notifications of the number go. The first that is set wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Callbacks {
    pub phone_number: Option<String>,
    pub business_account: Option<String>,
    /// As the app's dashboard has it.
    pub application: Option<String>,
}

impl Callbacks {
    pub fn in_force(&self) -> Option<&str> {
        let by_rank = [&self.phone_number, &self.business_account, &self.application];
        by_rank.into_iter().flatten().next().map(String::as_str)
    }
}

/// Whether one of the things that a message needs allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// `PHONE_NUMBER`, `WABA`, `BUSINESS`, `APP`
    pub entity: String,
    /// `AVAILABLE`, `LIMITED`, `BLOCKED`
    pub can_send: String,
    /// WhatsApp's codes and its own words for what is wrong.
    pub errors: Vec<(Option<i64>, String)>,
}

/// An app of `GET /{account}/subscribed_apps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribedApp {
    pub id: Option<String>,
    pub name: Option<String>,
}

pub(crate) fn token_facts(json: &Value) -> Option<TokenFacts> {
    let data = json.get("data").filter(|data| data.is_object())?;
    let limits = list(data, "granular_scopes")
        .filter_map(|granted| Some((short(granted, "scope")?, texts(granted, "target_ids").collect())));
    Some(TokenFacts {
        is_valid: data.get("is_valid").and_then(Value::as_bool).unwrap_or(false),
        // 0 means never.
        expires_at: instant(data, "expires_at").filter(|at| at.timestamp() > 0),
        data_access_expires_at: instant(data, "data_access_expires_at").filter(|at| at.timestamp() > 0),
        app_id: short(data, "app_id"),
        application: short(data, "application"),
        kind: short(data, "type"),
        scopes: texts(data, "scopes").collect(),
        limits: limits.filter(|(_, ids): &(_, Vec<_>)| !ids.is_empty()).collect(),
        error_code: data.pointer("/error/code").and_then(integer),
    })
}

pub(crate) fn number_facts(json: &Value) -> NumberFacts {
    NumberFacts {
        display_phone_number: short(json, "display_phone_number"),
        verified_name: short(json, "verified_name"),
        quality_rating: short(json, "quality_rating"),
        status: short(json, "status"),
        code_verification_status: short(json, "code_verification_status"),
        name_status: short(json, "name_status"),
        platform_type: short(json, "platform_type"),
        throughput: json
            .get("throughput")
            .and_then(|throughput| short(throughput, "level")),
    }
}

pub(crate) fn more_of_number(json: &Value) -> MoreOfNumber {
    let callback = |key| json.get("webhook_configuration").and_then(|all| short(all, key));
    let health = json.get("health_status").map(health).unwrap_or_default();
    MoreOfNumber {
        messaging_limit: short(json, "whatsapp_business_manager_messaging_limit"),
        callbacks: Callbacks {
            phone_number: callback("phone_number"),
            business_account: callback("whatsapp_business_account"),
            application: callback("application"),
        },
        health,
    }
}

fn health(status: &Value) -> Vec<Health> {
    let of = |entity: &Value| {
        let errors = list(entity, "errors").map(|error| {
            let words = ["error_description", "possible_solution"].map(|key| short(error, key));
            let words: Vec<_> = words.into_iter().flatten().collect();
            (error.get("error_code").and_then(integer), words.join(" "))
        });
        Some(Health {
            entity: short(entity, "entity_type")?,
            can_send: short(entity, "can_send_message")?,
            errors: errors.collect(),
        })
    };
    list(status, "entities").filter_map(of).collect()
}

pub(crate) fn subscribed_apps(json: &Value) -> Option<Vec<SubscribedApp>> {
    let apps = json.get("data")?.as_array()?.iter().map(|item| {
        let app = item.get("whatsapp_business_api_data").unwrap_or(item);
        SubscribedApp {
            id: short(app, "id"),
            name: short(app, "name"),
        }
    });
    Some(apps.collect())
}

fn list<'v>(object: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The members of a list as texts; ids may be numbers.
fn texts(object: &Value, key: &str) -> impl Iterator<Item = String> {
    list(object, key).filter_map(|item| match item {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
