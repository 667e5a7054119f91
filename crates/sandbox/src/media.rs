//! Files that guests sent. The Cloud API names the address of one by its id (Meta, "Media").

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// Ids are made from here on: long numbers, as Meta's are, and none that other objects of the sandbox have.
const FIRST_ID: u64 = 1_003_383_421_387_256;

/// A message with a file, in the body of `POST /sandbox/inbound`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sent {
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    mime_type: String,
    #[serde(rename = "base64", deserialize_with = "from_base64")]
    bytes: Vec<u8>,
    #[serde(default)]
    pub(crate) caption: Option<String>,
    #[serde(default)]
    filename: Option<String>,
}

/// The types of messages that have a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Image,
    Video,
    Audio,
    Document,
    Sticker,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }
}

impl Sent {
    /// What a notification says of it.
    pub(crate) fn content(&self, id: &str) -> Value {
        let mut content = Map::new();
        content.insert("mime_type".to_owned(), json!(self.mime_type));
        content.insert("id".to_owned(), json!(id));
        for (key, text) in [("caption", &self.caption), ("filename", &self.filename)] {
            content.extend(text.iter().map(|text| (key.to_owned(), json!(text))));
        }
        Value::Object(content)
    }
}

fn from_base64<'de, D: Deserializer<'de>>(text: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(text)?;
    let bytes = BASE64_STANDARD.decode(text);
    bytes.map_err(|_| D::Error::custom("base64: is not base64"))
}

/// One that is kept.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) mime_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// In the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Files(Vec<File>);

impl Files {
    /// Keeps it under a new id.
    pub(crate) fn keep(&mut self, sent: &Sent) -> String {
        let place = u64::try_from(self.0.len()).unwrap_or_default();
        self.0.push(File {
            mime_type: sent.mime_type.clone(),
            bytes: sent.bytes.clone(),
        });
        (FIRST_ID + place).to_string()
    }

    pub(crate) fn find(&self, id: &str) -> Option<File> {
        let place = id.parse::<u64>().ok()?.checked_sub(FIRST_ID)?;
        self.0.get(usize::try_from(place).ok()?).cloned()
    }
}
