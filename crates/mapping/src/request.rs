//! A request as a mapping reads it.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::SourceId;
use foreign_json::Document;
use serde::{Deserialize, Serialize};

/// What a source sent, as it is kept to be mapped once more.
///
/// Staff map it through a mended mapping, and `processor` after the platform was asked for more. It is kept sealed, and has no
/// `Debug`: it holds a guest's data.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub body: Document,
    /// By their names in lower case, without those that hold credentials or a signature.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    pub received_at: DateTime<Utc>,
    /// Half of the keyed hash of the body as it came, in hexadecimal ([`short_hex`]). `None`: an older version kept the request, and
    /// the hash is made of the JSON, which costs more than all the rest of an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_hash: Option<String>,
    /// The only element that is meant, counted from 0; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<usize>,
}

/// What a mapping needs beside a request: all that is not pure.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// A keyed hash, of which an id is made where the platform gives none.
    pub keyed_hash: &'a dyn Fn(&str) -> [u8; 32],
    /// Whether mapping has taken too long. Each expression is bounded; this bounds all of them together.
    pub is_late: &'a dyn Fn() -> bool,
}

/// A request, and what is needed to map it.
pub struct Request<'a> {
    pub(crate) source: &'a SourceId,
    pub(crate) kept: &'a Kept,
    pub(crate) fetched: Option<&'a Document>,
    pub(crate) tools: Tools<'a>,
    /// The hashes of the body and of what was fetched: a body of 1 MiB may hold 1,000 events without ids.
    content: OnceCell<String>,
}

impl<'a> Request<'a> {
    /// `fetched` is what the platform answered when it was asked for more.
    pub fn new(
        source: &'a SourceId,
        kept: &'a Kept,
        fetched: Option<&'a Document>,
        tools: Tools<'a>,
    ) -> Self {
        Self {
            source,
            kept,
            fetched,
            tools,
            content: OnceCell::new(),
        }
    }

    /// The id of a request that cannot be mapped: the same for each delivery of it.
    pub fn unmappable_id(&self) -> String {
        self.derive_id("unmappable")
    }

    /// The id of one element that only names a booking. It says each time that the booking has changed again, often in the
    /// same bytes, so each delivery counts.
    pub fn fetch_id(&self, element: usize) -> String {
        self.derive_id(&format!("fetch:{element}:{}", self.kept.received_at))
    }

    /// An id that is the same for each delivery of this request: of the source, the body, what the platform answered, and
    /// this text.
    pub(crate) fn derive_id(&self, text: &str) -> String {
        let hash = |text: &str| short_hex(&(self.tools.keyed_hash)(text));
        let content = self.content.get_or_init(|| {
            let body = self.kept.body_hash.clone();
            let body = body.unwrap_or_else(|| hash(&written(&self.kept.body)));
            let fetched = self.fetched.map(|fetched| hash(&written(fetched)));
            format!("{body}\n{}", fetched.unwrap_or_default())
        });
        hash(&format!("{}\n{content}\n{text}", self.source))
    }
}

/// With an object's keys in the order of the alphabet, whatever order they came in.
fn written(document: &Document) -> String {
    // A document is JSON, so it is a value too.
    serde_json::to_value(document).unwrap_or_default().to_string()
}

/// The first 128 bits of a keyed hash, in hexadecimal.
pub fn short_hex(hash: &[u8; 32]) -> String {
    let half = hash.first_chunk().copied().unwrap_or_default();
    format!("{:032x}", u128::from_be_bytes(half))
}
