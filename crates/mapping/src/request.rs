//! A request as a mapping reads it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::SourceId;
use serde_json::Value as Json;

/// What a source sent. It is the same at each reading: at the door, when staff retry it through a mended mapping, and
/// after the platform was asked for more.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub source: &'a SourceId,
    pub body: &'a Json,
    /// By their names in lower case, without those that hold credentials or a signature.
    pub headers: &'a BTreeMap<String, String>,
    pub query: &'a BTreeMap<String, String>,
    pub received_at: DateTime<Utc>,
    /// What the platform answered when it was asked for more.
    pub fetched: Option<&'a Json>,
    /// A keyed hash of the source, the body and this text: the id of an event whose platform gives none.
    pub derive_id: &'a dyn Fn(&str) -> String,
    /// Whether mapping has taken too long. Each expression is bounded; this bounds all of them together.
    pub is_late: &'a dyn Fn() -> bool,
}
