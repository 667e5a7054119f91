//! The schemes by which platforms sign, and the parameters of the configurable one.

use std::str::FromStr;
use std::time::Duration;

/// The default tolerance between a signed time and ours.
pub(super) const TOLERANCE: Duration = Duration::from_secs(300);

/// How a source proves that a request is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `webhook-*` or `svix-*` headers, `v1` (HMAC) and `v1a` (ed25519, secret `whpk_…`).
    StandardWebhooks,
    /// `X-Hub-Signature-256`, also Meta's.
    GitHub,
    /// `Stripe-Signature`.
    Stripe,
    /// `X-Shopify-Hmac-Sha256`.
    Shopify,
    /// `X-Slack-Signature`.
    Slack,
    Hmac(HmacScheme),
    /// `Authorization: Basic`; secrets are `user:password`.
    Basic,
    Bearer,
    /// A fixed text in a header.
    Header(HeaderName),
    /// A fixed text in the path.
    UrlToken,
}

impl Scheme {
    /// The headers that hold credentials or a signature, in lower case: nothing else may read them.
    pub fn secret_headers(&self) -> Vec<String> {
        let known: &[&str] = match self {
            Self::StandardWebhooks => &["webhook-signature", "svix-signature"],
            Self::GitHub => &["x-hub-signature-256", "x-hub-signature"],
            Self::Stripe => &["stripe-signature"],
            Self::Shopify => &["x-shopify-hmac-sha256"],
            Self::Slack => &["x-slack-signature"],
            Self::Hmac(hmac) => return vec![hmac.header.as_str().to_owned()],
            Self::Header(header) => return vec![header.as_str().to_owned()],
            Self::Basic | Self::Bearer => &["authorization"],
            Self::UrlToken => &[],
        };
        known.iter().map(ToString::to_string).collect()
    }
}

/// An HMAC-SHA256 over a text that the source composes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmacScheme {
    /// The header with the signature.
    pub header: HeaderName,
    /// The text before the signature, such as `sha256=`.
    pub prefix: String,
    pub encoding: Encoding,
    pub signed: SignedText,
    pub key: KeyForm,
    /// How far a signed time may be from ours.
    pub tolerance: Duration,
    /// The header with `{id}`; `None`: `webhook-id`.
    pub id_header: Option<HeaderName>,
    /// The header with `{timestamp}`; `None`: the item `t=` of the signature's header if it has one, else
    /// `webhook-timestamp`.
    pub timestamp_header: Option<HeaderName>,
}

impl HmacScheme {
    /// A bare hexadecimal signature of the body alone in this header, with keys written as text.
    pub fn new(header: HeaderName) -> Self {
        Self {
            header,
            prefix: String::new(),
            encoding: Encoding::Hex,
            signed: SignedText(vec![Part::Body]),
            key: KeyForm::Text,
            tolerance: TOLERANCE,
            id_header: None,
            timestamp_header: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScheme {
    #[error("is not the name of a header")]
    HeaderName,
    #[error("is neither hex nor base64")]
    Encoding,
    #[error("is neither text nor base64")]
    KeyForm,
    #[error("does not contain {{body}}")]
    BodyNotSigned,
    #[error("contains a placeholder other than {{id}}, {{timestamp}} and {{body}}")]
    Placeholder,
}

/// The name of a header, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderName(String);

impl HeaderName {
    /// Accepts what HTTP allows in a name, up to 128 characters.
    pub fn parse(text: &str) -> Result<Self, InvalidScheme> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let good = (1..=128).contains(&text.len()) && text.bytes().all(allowed);
        good.then(|| Self(text.to_ascii_lowercase()))
            .ok_or(InvalidScheme::HeaderName)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn known(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Hex,
    /// The standard alphabet, padded or not.
    Base64,
}

impl FromStr for Encoding {
    type Err = InvalidScheme;
    fn from_str(text: &str) -> Result<Self, InvalidScheme> {
        match text {
            "hex" => Ok(Self::Hex),
            "base64" => Ok(Self::Base64),
            _ => Err(InvalidScheme::Encoding),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// The secret's UTF-8 bytes are the key.
    Text,
    /// The secret is the key in base64.
    Base64,
}

impl FromStr for KeyForm {
    type Err = InvalidScheme;
    fn from_str(text: &str) -> Result<Self, InvalidScheme> {
        match text {
            "text" => Ok(Self::Text),
            "base64" => Ok(Self::Base64),
            _ => Err(InvalidScheme::KeyForm),
        }
    }
}

/// A text with `{id}`, `{timestamp}` and `{body}`, of which the last is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedText(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Id,
    Timestamp,
    Body,
}

impl SignedText {
    /// Reads such a text; braces are allowed only around placeholders.
    pub fn parse(text: &str) -> Result<Self, InvalidScheme> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(InvalidScheme::Placeholder)?;
            push_literal(&mut parts, literal)?;
            parts.push(match name {
                "id" => Part::Id,
                "timestamp" => Part::Timestamp,
                "body" => Part::Body,
                _ => return Err(InvalidScheme::Placeholder),
            });
            rest = after;
        }
        push_literal(&mut parts, rest)?;
        if parts.contains(&Part::Body) {
            Ok(Self(parts))
        } else {
            Err(InvalidScheme::BodyNotSigned)
        }
    }

    /// Whether a time is signed; otherwise a tolerance has no effect.
    pub fn has_timestamp(&self) -> bool {
        self.0.contains(&Part::Timestamp)
    }

    pub(super) fn has_id(&self) -> bool {
        self.0.contains(&Part::Id)
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }

    pub(super) fn known(parts: impl Into<Vec<Part>>) -> Self {
        Self(parts.into())
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &str) -> Result<(), InvalidScheme> {
    if literal.contains('}') {
        return Err(InvalidScheme::Placeholder);
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.to_owned()));
    }
    Ok(())
}
