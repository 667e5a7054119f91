//! The envelope of an event in the queue `events`: its source, id, type and time, and the sealed body.

use chrono::{DateTime, Utc};
use domain::event::{EventKey, sealing_identity};
use domain::ids::{BookingId, EventId, ResortId, SourceId};
use domain::trace::TraceContext;
use serde::{Deserialize, Deserializer, Serialize};

/// The newest version that this program writes; it reads this and all older ones.
pub const VERSION: u32 = 2;
/// The version of an event and of an update of WhatsApp's: programs of before version 2 read them.
pub const OLDEST_VERSION: u32 = 1;

/// The type of a request that cannot be mapped (version 2): what is sealed is the request, and it becomes a dead letter.
pub const UNMAPPABLE: &str = "unmappable";
/// The type of a request of which the platform tells more when it is asked (version 2): what is sealed is the request.
pub const FETCH: &str = "fetch";
/// The type of a summary of what a source was answered (version 2): what is sealed is a `domain::source_report::SourceReport`.
pub const SOURCE_REPORT: &str = "source_report";

/// The type of an alert of `ingest`'s (version 2): what is sealed is a `domain::raised_alert::RaisedAlert`.
pub const ALERT: &str = "alert";
/// The type of a webhook to a resort's own tools that failed (version 2), only in `dead.events`: what is sealed is a
/// `store::webhooks_out::Webhook`.
pub const WEBHOOK_OUT: &str = "webhook_out";

/// Nothing outside `sealed` is personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    pub version: u32,
    pub source: SourceId,
    /// Unique within the source.
    pub event_id: EventId,
    /// As sent.
    pub event_type: String,
    /// The clock of `ingest`. Facts that claim to be newer are capped at it.
    pub received_at: DateTime<Utc>,
    /// `request.id` in the log of `ingest`.
    pub request_id: String,
    /// The span that published it; `None`: a program from before wrote it, or no request caused it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "traceparent"
    )]
    pub traceparent: Option<TraceContext>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resort: Option<ResortId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub booking: Option<BookingId>,
    /// Keyed hash of the guest's number, if the event has one. An erasure finds the event by it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "base64_text::optional"
    )]
    pub phone_hash: Option<Vec<u8>>,
    /// Keyed hashes of all WhatsApp ids of the guest, if the event is an update of WhatsApp's. An erasure finds the event by
    /// any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "base64_text::list")]
    pub name_hashes: Vec<Vec<u8>>,
    /// Which fields of an unmappable request are wrong, and how: `guest.phone: missing`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// The body, sealed under [`Envelope::identity`].
    #[serde(with = "base64_text")]
    pub sealed: Vec<u8>,
}

/// The errors repeat nothing of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// For good: the event is dead-lettered.
    #[error("the envelope cannot be read: {what} at line {line}, column {column}")]
    Undecodable {
        what: &'static str,
        /// From 1; 0 if the error has no position.
        line: usize,
        column: usize,
    },
    /// A newer program wrote it and a newer one will read it: the event is given back.
    #[error("the envelope has version {version}, newer than this program")]
    Newer { version: u64 },
}

impl Envelope {
    pub fn key(&self) -> EventKey {
        EventKey {
            source: self.source.clone(),
            id: self.event_id.clone(),
        }
    }

    /// The context that the body is sealed under.
    pub fn identity(&self) -> String {
        sealing_identity(self.key())
    }

    #[expect(
        clippy::expect_used,
        reason = "texts, numbers and times always have a JSON form"
    )]
    pub fn encode(&self) -> Vec<u8> {
        // As long as the base64 of the body and what usually surrounds it, so that nothing is moved while it grows.
        let mut bytes = Vec::with_capacity(self.sealed.len() / 3 * 4 + 720);
        serde_json::to_writer(&mut bytes, self).expect("an envelope is made of texts");
        bytes
    }

    /// Reads an envelope of this version or an older one; unknown fields are ignored.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Version { version } = serde_json::from_slice(bytes).map_err(undecodable)?;
        if version > u64::from(VERSION) {
            return Err(DecodeError::Newer { version });
        }
        serde_json::from_slice(bytes).map_err(undecodable)
    }
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// `serde_json` quotes values in its messages, so only its class and place are kept.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn undecodable(error: serde_json::Error) -> DecodeError {
    let what = match error.classify() {
        serde_json::error::Category::Syntax => "not JSON",
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a field is missing or of a wrong type",
        serde_json::error::Category::Io => "it cannot be read",
    };
    DecodeError::Undecodable {
        what,
        line: error.line(),
        column: error.column(),
    }
}

/// What another program writes otherwise than W3C counts as missing: an event is not lost for it.
fn traceparent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TraceContext>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Bytes as a base64 text in JSON; [`list`](base64_text::list) and [`optional`](base64_text::optional) do the same for
/// several and for a missing value.
mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        decode(&String::deserialize(deserializer)?)
    }

    fn encode(bytes: &[u8]) -> String {
        STANDARD.encode(bytes)
    }

    fn decode<E: Error>(text: &str) -> Result<Vec<u8>, E> {
        STANDARD.decode(text).map_err(|_| E::custom("not base64"))
    }

    pub(super) mod list {
        use super::{Deserializer, Serializer, decode, encode};
        use serde::Deserialize as _;

        pub(in super::super) fn serialize<S: Serializer>(
            list: &[Vec<u8>],
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(list.iter().map(|bytes| encode(bytes)))
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Vec<Vec<u8>>, D::Error> {
            let texts = Vec::<String>::deserialize(deserializer)?;
            texts.iter().map(|text| decode(text)).collect()
        }
    }

    pub(super) mod optional {
        use super::{Deserializer, Serializer, decode, encode};
        use serde::{Deserialize as _, Serialize as _};

        pub(in super::super) fn serialize<S: Serializer>(
            bytes: &Option<Vec<u8>>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            let text = bytes.as_deref().map(encode);
            text.serialize(serializer)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Vec<u8>>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            text.as_deref().map(decode).transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            faults: Vec::new(),
            version: VERSION,
            source: SourceId::parse("direct").unwrap(),
            event_id: EventId::parse("evt_1").unwrap(),
            event_type: "booking_started".into(),
            received_at: "2026-11-23T10:00:00.123Z".parse().unwrap(),
            request_id: "req-1".into(),
            traceparent: Some(TraceContext::begin(7, 8)),
            resort: Some(ResortId::parse("azure-bay").unwrap()),
            booking: None,
            phone_hash: Some(vec![7; 32]),
            name_hashes: vec![vec![8; 32], vec![7; 32]],
            sealed: vec![0, 1, 254, 255],
        }
    }

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        assert_eq!(Envelope::decode(&envelope().encode()), Ok(envelope()));
        assert_eq!(envelope().identity(), "event:direct/evt_1");
        let without_hashes = Envelope {
            phone_hash: None,
            name_hashes: Vec::new(),
            ..envelope()
        };
        assert_eq!(Envelope::decode(&without_hashes.encode()), Ok(without_hashes));
    }

    #[test]
    fn a_field_of_a_later_day_is_ignored() {
        let text = String::from_utf8(envelope().encode()).unwrap();
        let later = text.replacen('{', r#"{"priority":7,"#, 1);

        assert_eq!(Envelope::decode(later.as_bytes()), Ok(envelope()));
    }

    #[test]
    fn an_envelope_of_an_older_program_has_no_names_and_is_read() {
        let text = String::from_utf8(envelope().encode()).unwrap();
        let (before, rest) = text.split_once(r#""name_hashes":["#).unwrap();
        let (_, after) = rest.split_once("],").unwrap();

        let older = Envelope::decode(format!("{before}{after}").as_bytes()).unwrap();

        let expected = Envelope {
            name_hashes: Vec::new(),
            ..envelope()
        };
        assert_eq!(older, expected);
    }

    #[test]
    fn a_traceparent_that_cannot_be_read_counts_as_missing() {
        let text = String::from_utf8(envelope().encode()).unwrap();
        let odd = text.replacen("00-000", "zz-000", 1);

        let read = Envelope::decode(odd.as_bytes()).unwrap();

        assert_ne!(odd, text);
        let expected = Envelope {
            traceparent: None,
            ..envelope()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn a_newer_version_is_not_taken_for_a_broken_envelope() {
        let newer = br#"{"version":3,"everything":"else"}"#;

        assert_eq!(Envelope::decode(newer), Err(DecodeError::Newer { version: 3 }));
        assert!(matches!(
            Envelope::decode(b"\xff"),
            Err(DecodeError::Undecodable { .. })
        ));
        assert!(matches!(
            Envelope::decode(br#"{"version":1}"#),
            Err(DecodeError::Undecodable { .. })
        ));
        assert!(matches!(
            Envelope::decode(br#"[]"#),
            Err(DecodeError::Undecodable { .. })
        ));
    }

    #[test]
    fn an_error_does_not_repeat_what_it_read() {
        let error = Envelope::decode(br#"{"version":"+306912345678"}"#).unwrap_err();

        assert!(!error.to_string().contains("6912"), "{error}");
    }
}
