//! The Graph API's own words: errors and the answer to an accepted message.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::{Map, Value, json};

mod codes;

pub(crate) use codes::title_in_notification;

/// The business account of every number; notifications name it.
pub(crate) const ACCOUNT_ID: &str = "900800700600500";
/// The app of every token.
pub(crate) const APP_ID: &str = "700600500400300";
/// The number that guests see; its country code is put before numbers without `+`.
pub(crate) const DISPLAY_NUMBER: &str = "15550100200";
pub(crate) const COUNTRY_CODE: &str = "1";

const JSON_TYPE: &str = "application/json; charset=UTF-8";

/// An error as the Graph API answers it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GraphError {
    pub(crate) code: i64,
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) details: Option<String>,
    pub(crate) subcode: Option<i64>,
    pub(crate) is_transient: bool,
    pub(crate) retry_after_seconds: Option<u64>,
}

impl GraphError {
    /// The error with this code as it usually looks.
    pub(crate) fn new(code: i64) -> Self {
        let known = codes::find(code);
        Self {
            code,
            status: known.status,
            message: known.message(),
            details: known.details.map(str::to_owned),
            subcode: None,
            is_transient: code == 2,
            retry_after_seconds: None,
        }
    }

    /// The same with words of its own in `error_data.details`.
    pub(crate) fn because(code: i64, details: impl Into<String>) -> Self {
        Self {
            details: Some(details.into()),
            ..Self::new(code)
        }
    }

    /// A token is missing or not accepted.
    pub(crate) fn token(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            details: None,
            ..Self::new(190)
        }
    }

    /// The number's id in the path is not one of ours.
    pub(crate) fn unknown_number(number: &str) -> Self {
        let message = format!(
            "Unsupported post request. Object with ID '{number}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation"
        );
        Self {
            message,
            details: None,
            subcode: Some(33),
            ..Self::new(100)
        }
    }

    /// A question names an object that is not one of ours, or that the token may not see.
    pub(crate) fn unknown_object(id: &str) -> Self {
        let usual = Self::unknown_number(id);
        Self {
            message: usual.message.replace("post request", "get request"),
            ..usual
        }
    }

    pub(crate) fn answer(&self, version: &str, trace: &str) -> HttpResponse {
        let mut error = Map::new();
        error.insert("message".to_owned(), json!(self.message));
        let kind = if self.subcode == Some(33) {
            "GraphMethodException"
        } else {
            "OAuthException"
        };
        error.insert("type".to_owned(), json!(kind));
        error.insert("code".to_owned(), json!(self.code));
        if let Some(subcode) = self.subcode {
            error.insert("error_subcode".to_owned(), json!(subcode));
        }
        if let Some(details) = &self.details {
            error.insert(
                "error_data".to_owned(),
                json!({ "messaging_product": "whatsapp", "details": details }),
            );
        }
        if self.is_transient {
            error.insert("is_transient".to_owned(), json!(true));
        }
        error.insert("fbtrace_id".to_owned(), json!(trace));
        let mut response = head(self.status, version, trace);
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header(("retry-after", seconds.to_string()));
        }
        response.body(json!({ "error": error }).to_string())
    }
}

/// The answer to a question.
pub(crate) fn found(version: &str, trace: &str, answer: &Value) -> HttpResponse {
    head(200, version, trace).body(answer.to_string())
}

/// The answer to a message that was taken.
pub(crate) fn accepted(version: &str, trace: &str, contact: &Value, message: &Value) -> HttpResponse {
    let usage = json!({ ACCOUNT_ID: [{
        "type": "whatsapp", "call_count": 1, "total_cputime": 1, "total_time": 1, "estimated_time_to_regain_access": 0,
    }]});
    head(200, version, trace)
        .insert_header(("x-business-use-case-usage", usage.to_string()))
        .body(
            json!({ "messaging_product": "whatsapp", "contacts": [contact], "messages": [message] })
                .to_string(),
        )
}

fn head(status: u16, version: &str, trace: &str) -> HttpResponseBuilder {
    let mut response =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    response
        .content_type(JSON_TYPE)
        .insert_header(("facebook-api-version", version))
        .insert_header(("x-fb-request-id", trace))
        .insert_header(("x-fb-trace-id", trace))
        .insert_header(("x-fb-debug", trace))
        .insert_header(("x-fb-rev", "1000000000"));
    response
}
