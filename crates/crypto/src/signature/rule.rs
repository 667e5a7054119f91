//! The rule of a scheme that signs: which headers hold the parts of a signature, and which bytes it covers.

mod standard;

use super::keys::KeyFormat;
use super::parts::{MOST_SIGNATURES, Parts, Signature, Timestamp, malformed, read_id};
use super::scheme::{Encoding, HeaderName, HmacScheme, KeyForm, Part, Scheme, SignedText, TOLERANCE};
use super::token::TokenPlace;
use super::{NotAuthentic, Request, only_value};
use crate::text_encoding::{from_any_base64, from_hex};

/// Which headers hold the parts of a signature, and which bytes it covers.
pub(super) struct Rule {
    layout: Layout,
    signed: SignedText,
    key_format: KeyFormat,
    tolerance_seconds: u64,
}

enum Layout {
    /// The headers of Standard Webhooks or Svix, whichever are present.
    Standard,
    /// A header of the scheme's own.
    Own(OwnHeader),
}

struct OwnHeader {
    name: HeaderName,
    prefix: String,
    encoding: Encoding,
    id: Option<HeaderName>,
    timestamp: TimestampPlace,
}

enum TimestampPlace {
    None,
    Header(HeaderName),
    /// The item `t=` of the signature's header, which is a list; without that item this header, if any.
    ListOr(Option<HeaderName>),
}

impl Rule {
    /// The rule of a scheme that signs; for the other schemes, the place of their token.
    pub(super) fn of(scheme: Scheme) -> Result<Self, TokenPlace> {
        Ok(match scheme {
            Scheme::StandardWebhooks => Self::standard(),
            Scheme::GitHub => Self::preset(
                "x-hub-signature-256",
                "sha256=",
                Encoding::Hex,
                SignedText::known([Part::Body]),
            ),
            Scheme::Shopify => Self::preset(
                "x-shopify-hmac-sha256",
                "",
                Encoding::Base64,
                SignedText::known([Part::Body]),
            ),
            Scheme::Stripe => Self::preset("stripe-signature", "v1=", Encoding::Hex, time_and_body("", "."))
                .with_timestamp(TimestampPlace::ListOr(None)),
            Scheme::Slack => Self::preset(
                "x-slack-signature",
                "v0=",
                Encoding::Hex,
                time_and_body("v0:", ":"),
            )
            .with_timestamp(TimestampPlace::Header(HeaderName::known(
                "x-slack-request-timestamp",
            ))),
            Scheme::Hmac(scheme) => Self::free(scheme),
            Scheme::Basic => return Err(TokenPlace::Basic),
            Scheme::Bearer => return Err(TokenPlace::Bearer),
            Scheme::Header(name) => return Err(TokenPlace::Header(name)),
            Scheme::UrlToken => return Err(TokenPlace::Url),
        })
    }

    pub(super) fn key_format(&self) -> KeyFormat {
        self.key_format
    }

    pub(super) fn tolerance_seconds(&self) -> u64 {
        self.tolerance_seconds
    }

    pub(super) fn read<'a>(&self, request: &Request<'a>) -> Result<Parts<'a>, NotAuthentic> {
        match &self.layout {
            Layout::Standard => standard::read(request),
            Layout::Own(header) => header.read(request),
        }
    }

    /// The signed bytes, in pieces, so that the body is not copied.
    pub(super) fn signed_pieces<'a>(&'a self, parts: &Parts<'a>, body: &'a [u8]) -> Vec<&'a [u8]> {
        let piece = |part: &'a Part| match part {
            Part::Literal(text) => text.as_bytes(),
            Part::Id => parts.id.unwrap_or_default().as_bytes(),
            Part::Timestamp => parts
                .timestamp
                .as_ref()
                .map_or("", |timestamp| timestamp.text)
                .as_bytes(),
            Part::Body => body,
        };
        self.signed.parts().iter().map(piece).collect()
    }

    fn standard() -> Self {
        let dot = || Part::Literal(".".to_owned());
        Self {
            layout: Layout::Standard,
            signed: SignedText::known([Part::Id, dot(), Part::Timestamp, dot(), Part::Body]),
            key_format: KeyFormat::Standard,
            tolerance_seconds: TOLERANCE.as_secs(),
        }
    }

    /// An HMAC scheme of a known platform.
    fn preset(header: &'static str, prefix: &str, encoding: Encoding, signed: SignedText) -> Self {
        Self::free(HmacScheme {
            prefix: prefix.to_owned(),
            encoding,
            signed,
            ..HmacScheme::new(HeaderName::known(header))
        })
    }

    fn free(scheme: HmacScheme) -> Self {
        let timestamp = match scheme.timestamp_header {
            _ if !scheme.signed.has_timestamp() => TimestampPlace::None,
            Some(name) => TimestampPlace::Header(name),
            None => TimestampPlace::ListOr(Some(HeaderName::known("webhook-timestamp"))),
        };
        let id = scheme
            .id_header
            .unwrap_or_else(|| HeaderName::known("webhook-id"));
        Self {
            layout: Layout::Own(OwnHeader {
                name: scheme.header,
                prefix: scheme.prefix,
                encoding: scheme.encoding,
                id: scheme.signed.has_id().then_some(id),
                timestamp,
            }),
            signed: scheme.signed,
            key_format: match scheme.key {
                KeyForm::Text => KeyFormat::Text,
                KeyForm::Base64 => KeyFormat::Base64,
            },
            tolerance_seconds: scheme.tolerance.as_secs(),
        }
    }

    fn with_timestamp(mut self, place: TimestampPlace) -> Self {
        if let Layout::Own(header) = &mut self.layout {
            header.timestamp = place;
        }
        self
    }
}

impl OwnHeader {
    fn read<'a>(&self, request: &Request<'a>) -> Result<Parts<'a>, NotAuthentic> {
        let value = only_value(request, self.name.as_str())?;
        let (signatures, listed_time) = match &self.timestamp {
            TimestampPlace::ListOr(_) => value
                .split(',')
                .map(str::trim)
                .partition(|item| !item.starts_with("t=")),
            _ => (vec![value], Vec::new()),
        };
        let timestamp = match (&self.timestamp, listed_time.as_slice()) {
            (TimestampPlace::None, _) => None,
            (TimestampPlace::Header(name) | TimestampPlace::ListOr(Some(name)), []) => {
                let header = name.as_str();
                Some(Timestamp::parse(only_value(request, header)?).ok_or_else(|| malformed(header))?)
            }
            (_, [time]) => time
                .strip_prefix("t=")
                .and_then(Timestamp::parse)
                .map(Some)
                .ok_or_else(|| self.malformed())?,
            _ => return Err(self.malformed()),
        };
        let decoded = signatures
            .iter()
            .filter_map(|item| self.decode(item.strip_prefix(self.prefix.as_str())?));
        let signatures: Vec<Signature> = decoded.take(MOST_SIGNATURES + 1).collect();
        if signatures.is_empty() || signatures.len() > MOST_SIGNATURES {
            return Err(self.malformed());
        }
        let id = self
            .id
            .as_ref()
            .map(|name| read_id(request, name.as_str()))
            .transpose()?;
        Ok(Parts {
            id,
            timestamp,
            signatures,
        })
    }

    fn decode(&self, text: &str) -> Option<Signature> {
        match self.encoding {
            Encoding::Hex => from_hex(text.as_bytes()),
            Encoding::Base64 => from_any_base64(text),
        }
        .map(Signature::Hmac)
    }

    fn malformed(&self) -> NotAuthentic {
        malformed(self.name.as_str())
    }
}

/// A version, the time, a mark and the body.
fn time_and_body(version: &str, mark: &str) -> SignedText {
    SignedText::known([
        Part::Literal(version.to_owned()),
        Part::Timestamp,
        Part::Literal(mark.to_owned()),
        Part::Body,
    ])
}
