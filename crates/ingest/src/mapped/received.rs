//! What came in: a request to map, or a platform's try of the address.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use chrono::Utc;
use crypto::key_ring::KeyRing;
use foreign_json::{Content, Document};
use mapping::Kept;
use serde_json::json;
use settings::SourceRules;

use crate::content_type::charset_of_json;
use crate::problem::Problem;

/// A longer body is mapped beside the other requests of its worker, so that it holds none of them up.
const MAPPED_IN_PLACE: usize = 32 << 10;
/// What came in, after it was authenticated and decompressed.
pub(crate) enum Received {
    Request {
        kept: Kept,
        is_long: bool,
    },
    /// Nothing but a try of the address.
    Ping,
    Challenge(String),
}

/// Reads the body as JSON or a form, and what expressions may see of the rest.
pub(crate) fn read(
    request: &HttpRequest,
    body: &Bytes,
    rules: &SourceRules,
    ring: &KeyRing,
) -> Result<Received, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(Received::Ping);
    }
    let json = if is_form(request) {
        let form: BTreeMap<_, _> = url::form_urlencoded::parse(body).collect();
        // WooCommerce tries a new address so.
        if form.keys().eq(["webhook_id"]) {
            return Ok(Received::Ping);
        }
        Document::from(&json!(form))
    } else {
        let charset = charset_of_json(request.headers())?;
        foreign_json::read_document(body, charset)
            .map_err(|_| Problem::InvalidJson)?
            .value
    };
    // The rare key first.
    if let Some(challenge) = text(&json, "challenge")
        && text(&json, "type").as_deref() == Some("url_verification")
    {
        return Ok(Received::Challenge(challenge));
    }
    let query = url::form_urlencoded::parse(request.query_string().as_bytes());
    let query = query.filter(|(name, _)| rules.may_read(&name.to_ascii_lowercase()));
    Ok(Received::Request {
        kept: Kept {
            body: json,
            headers: if rules
                .mapping
                .as_ref()
                .is_some_and(|mapping| mapping.definition.reads_headers())
            {
                headers(request, rules)
            } else {
                BTreeMap::new()
            },
            query: query
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            received_at: Utc::now(),
            body_hash: Some(mapping::short_hex(&ring.lookup(body))),
            element: None,
        },
        is_long: body.len() > MAPPED_IN_PLACE,
    })
}

/// The headers that expressions may read.
pub(super) fn headers(request: &HttpRequest, rules: &SourceRules) -> BTreeMap<String, String> {
    let headers = request.headers().iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        rules
            .may_read(name.as_str())
            .then(|| (name.as_str().to_owned(), value.to_owned()))
    });
    headers.collect()
}

fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| {
        let media_type = value
            .as_bytes()
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default();
        media_type
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

fn text(document: &Document, key: &str) -> Option<String> {
    match document.get(key)?.content() {
        Content::Text(text) => Some(text.to_owned()),
        _ => None,
    }
}
