//! The business account, its number and its token, as questions about them are answered. Scripts change them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock::Millis;
use crate::graph::{ACCOUNT_ID, APP_ID, DISPLAY_NUMBER, GraphError};
use crate::templates::listing::{selected, with_fields};

pub(crate) const MANAGEMENT: &str = "whatsapp_business_management";
const MESSAGING: &str = "whatsapp_business_messaging";
/// From this version on the field exists.
const WITH_MESSAGING_LIMIT: u32 = 24;

/// Everything that a question may ask about, by the name that a script gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked {
    DebugToken,
    Number,
    SubscribedApps,
    MessageTemplates,
}

#[derive(Debug)]
pub(crate) struct Account {
    scopes: Vec<String>,
    /// In seconds since 1970; 0: never.
    token_expires_at: i64,
    is_subscribed: bool,
    /// Members of the number that differ from the usual; `null`: it is left out.
    number: Map<String, Value>,
    /// The codes with which questions are refused.
    errors: BTreeMap<Asked, i64>,
}

/// The body of `POST /sandbox/account`: what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    token_expires_in: Option<String>,
    #[serde(default)]
    subscribed: Option<bool>,
    #[serde(default)]
    number: Option<Map<String, Value>>,
    #[serde(default)]
    errors: Option<BTreeMap<Asked, i64>>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            scopes: [MANAGEMENT, MESSAGING, "public_profile"]
                .map(str::to_owned)
                .into(),
            token_expires_at: 0,
            is_subscribed: true,
            number: Map::new(),
            errors: BTreeMap::new(),
        }
    }
}

impl Account {
    pub(crate) fn change(&mut self, change: Change, now: Millis) -> Result<(), &'static str> {
        if let Some(time) = change.token_expires_in {
            let time = domain::duration::parse(&time)
                .map_err(|_| "token_expires_in: is not a duration such as 3d")?;
            let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
            self.token_expires_at = (now / 1000).saturating_add(seconds);
        }
        self.scopes = change.scopes.unwrap_or_else(|| std::mem::take(&mut self.scopes));
        self.is_subscribed = change.subscribed.unwrap_or(self.is_subscribed);
        self.number.extend(change.number.unwrap_or_default());
        self.errors.extend(change.errors.unwrap_or_default());
        Ok(())
    }

    /// Refuses what a script refuses, and what the token has no right to.
    pub(crate) fn allow(&self, asked: Asked) -> Result<(), GraphError> {
        if let Some(code) = self.errors.get(&asked) {
            return Err(GraphError::new(*code));
        }
        let may = asked == Asked::DebugToken || self.scopes.iter().any(|scope| scope == MANAGEMENT);
        if may { Ok(()) } else { Err(GraphError::new(200)) }
    }

    /// `GET /debug_token`
    pub(crate) fn token(&self, is_known: bool, now: Millis) -> Value {
        let expired = self.token_expires_at != 0 && self.token_expires_at <= now / 1000;
        if !is_known {
            return json!({ "data": {
                "error": { "code": 190, "message": "Invalid OAuth access token - Cannot parse access token" },
                "is_valid": false, "scopes": [],
            }});
        }
        let limited = self.scopes.iter().filter(|scope| scope.starts_with("whatsapp_"));
        let granular: Vec<Value> = limited
            .map(|scope| json!({ "scope": scope, "target_ids": [ACCOUNT_ID] }))
            .collect();
        let mut data = json!({
            "app_id": APP_ID, "type": "SYSTEM_USER", "application": "Bellhop sandbox",
            "data_access_expires_at": 0, "expires_at": self.token_expires_at, "is_valid": !expired,
            "issued_at": 1_700_000_000, "scopes": self.scopes, "granular_scopes": granular,
            "user_id": "122100000000000",
        });
        if let (true, Value::Object(data)) = (expired, &mut data) {
            let error = json!({ "code": 190, "message": "Session has expired", "subcode": 463 });
            data.insert("error".to_owned(), error);
        }
        json!({ "data": data })
    }

    /// `GET /{phone_number_id}`. `callback` is the app's.
    pub(crate) fn number(
        &self,
        id: &str,
        fields: Option<&str>,
        version: u32,
        callback: Option<&str>,
    ) -> Result<Value, GraphError> {
        let known: Vec<&str> = NUMBER_FIELDS
            .iter()
            .copied()
            .filter(|field| version >= WITH_MESSAGING_LIMIT || *field != MESSAGING_LIMIT)
            .collect();
        let fields = selected(
            fields,
            &known,
            &DEFAULT_NUMBER_FIELDS,
            "WhatsAppBusinessPhoneNumber",
        )?;
        let mut number = usual_number(id, callback);
        number.extend(self.number.clone());
        number.retain(|_, value| !value.is_null());
        Ok(with_fields(&Value::Object(number), &fields))
    }

    /// `GET /{account}/subscribed_apps`
    pub(crate) fn apps(&self) -> Value {
        let app = json!({ "whatsapp_business_api_data": {
            "link": "https://sandbox.example/", "name": "Bellhop sandbox", "id": APP_ID,
        }});
        json!({ "data": if self.is_subscribed { vec![app] } else { Vec::new() } })
    }
}

const MESSAGING_LIMIT: &str = "whatsapp_business_manager_messaging_limit";
const NUMBER_FIELDS: [&str; 27] = [
    "id",
    "verified_name",
    "display_phone_number",
    "conversational_automation",
    "status",
    "quality_rating",
    "quality_score",
    "webhook_configuration",
    "name_status",
    "new_name_status",
    "code_verification_status",
    "account_mode",
    "is_on_biz_app",
    "is_official_business_account",
    "is_pin_enabled",
    "is_preverified_number",
    "search_visibility",
    "platform_type",
    "throughput",
    "eligibility_for_api_business_global_search",
    "health_status",
    "certificate",
    "new_certificate",
    "last_onboarded_time",
    "country_code",
    "country_dial_code",
    MESSAGING_LIMIT,
];
const DEFAULT_NUMBER_FIELDS: [&str; 8] = [
    "verified_name",
    "code_verification_status",
    "display_phone_number",
    "quality_rating",
    "platform_type",
    "throughput",
    "webhook_configuration",
    "id",
];

fn usual_number(id: &str, callback: Option<&str>) -> Map<String, Value> {
    let entity =
        |kind: &str, id: &str| json!({ "entity_type": kind, "id": id, "can_send_message": "AVAILABLE" });
    let entities = [
        entity("PHONE_NUMBER", id),
        entity("WABA", ACCOUNT_ID),
        entity("BUSINESS", "600500400300200"),
        entity("APP", APP_ID),
    ];
    let number = json!({
        "id": id, "verified_name": "Azure Bay Resort", "display_phone_number": format!("+{DISPLAY_NUMBER}"),
        "status": "CONNECTED", "quality_rating": "GREEN", "quality_score": { "score": "GREEN" },
        "name_status": "APPROVED", "new_name_status": "NONE", "code_verification_status": "VERIFIED",
        "account_mode": "LIVE", "is_on_biz_app": false, "is_official_business_account": false,
        "is_pin_enabled": true, "is_preverified_number": false, "search_visibility": "VISIBLE",
        "platform_type": "CLOUD_API", "throughput": { "level": "STANDARD" },
        "last_onboarded_time": "2026-01-10T08:30:00+0000", "country_code": "US", "country_dial_code": "1",
        "health_status": { "can_send_message": "AVAILABLE", "entities": entities },
        "webhook_configuration": callback.map(|url| json!({ "application": url })),
        MESSAGING_LIMIT: "TIER_2K",
    });
    match number {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
