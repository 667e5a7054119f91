//! Checks that a webhook comes from a source that knows the secret.
//!
//! A [`Verifier`] is made once from a [`Scheme`] and its secrets, any of which may match; it checks the raw bytes
//! of the body. Comparisons take the same time wherever two values differ. Start with [`Verifier::verify`].

use std::fmt;

mod keys;
mod parts;
mod rule;
mod scheme;
mod signer;
mod signing;
mod token;

pub use scheme::{Encoding, HeaderName, HmacScheme, InvalidScheme, KeyForm, Scheme, SignedText};
pub use signer::{InvalidKey, Signer};
pub use signing::{sign_github, sign_standard};

use crate::secret::Secret;
use keys::Keys;
use parts::Parts;
use rule::Rule;
use token::Tokens;

/// Checks requests against one scheme. `Debug` shows no secret.
pub struct Verifier {
    check: Check,
}

enum Check {
    Signature { rule: Rule, keys: Keys },
    Token(Tokens),
}

/// The parts of a request that a verifier checks.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Returns all values of the header with this name, which is in lower case.
    pub headers: &'a dyn Fn(&str) -> Vec<&'a [u8]>,
    /// The raw bytes of the body.
    pub body: &'a [u8],
    /// The part of the path after the source.
    pub url_token: Option<&'a str>,
    /// Unix time in seconds.
    pub now: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The event's id, if the scheme signs one.
    pub signed_id: Option<String>,
}

/// Why a request is not authentic. For our log only: the caller learns nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthentic {
    #[error("the header {header} is missing")]
    Missing { header: String },
    /// Our proxy and we might read different ones.
    #[error("the header {header} is given more than once")]
    Duplicate { header: String },
    #[error("the header {header} is malformed")]
    Malformed { header: String },
    #[error("the path holds no token")]
    NoUrlToken,
    /// Signed too long ago, or in the future.
    #[error("the signature's time is {seconds} s away from ours")]
    OutsideTolerance {
        /// Positive if it is in the past.
        seconds: i64,
    },
    #[error("no secret fits")]
    NoMatch,
}

/// Why a scheme cannot be used with these secrets. Secrets are counted from 1 and never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// Without a secret anyone could send.
    #[error("at least one secret is needed")]
    NoSecrets,
    /// With an empty secret anyone could send.
    #[error("secret {number} is empty")]
    Empty { number: usize },
    #[error("secret {number} is not base64")]
    NotBase64 { number: usize },
    /// A `whpk_` key of the wrong length.
    #[error("secret {number} is not an ed25519 public key")]
    NotPublicKey { number: usize },
    #[error("secret {number} is not of the form user:password")]
    NotCredentials { number: usize },
}

impl Verifier {
    pub fn new(scheme: Scheme, secrets: &[Secret]) -> Result<Self, SchemeError> {
        if secrets.is_empty() {
            return Err(SchemeError::NoSecrets);
        }
        if let Some(index) = secrets.iter().position(|secret| secret.reveal().is_empty()) {
            return Err(SchemeError::Empty { number: index + 1 });
        }
        let check = match Rule::of(scheme) {
            Ok(rule) => Check::Signature {
                keys: Keys::read(rule.key_format(), secrets)?,
                rule,
            },
            Err(place) => Check::Token(Tokens::read(place, secrets)?),
        };
        Ok(Self { check })
    }

    /// The value of `WWW-Authenticate` for a 401, for HTTP's own schemes: some clients send their credentials only
    /// after such an answer. It is the same after every refusal.
    pub fn challenge(&self) -> Option<&'static str> {
        match &self.check {
            Check::Token(tokens) => tokens.challenge(),
            Check::Signature { .. } => None,
        }
    }

    pub fn verify(&self, request: &Request<'_>) -> Result<Verified, NotAuthentic> {
        match &self.check {
            Check::Token(tokens) => {
                tokens.verify(request)?;
                Ok(Verified { signed_id: None })
            }
            Check::Signature { rule, keys } => {
                let parts = rule.read(request)?;
                check_time(&parts, rule.tolerance_seconds(), request.now)?;
                let signed = rule.signed_pieces(&parts, request.body);
                if !keys.any_fits(&signed, &parts.signatures) {
                    return Err(NotAuthentic::NoMatch);
                }
                Ok(Verified {
                    signed_id: parts.id.map(str::to_owned),
                })
            }
        }
    }
}

fn check_time(parts: &Parts<'_>, tolerance: u64, now: i64) -> Result<(), NotAuthentic> {
    let Some(timestamp) = &parts.timestamp else {
        return Ok(());
    };
    let seconds = now.saturating_sub(timestamp.seconds);
    if seconds.unsigned_abs() > tolerance {
        return Err(NotAuthentic::OutsideTolerance { seconds });
    }
    Ok(())
}

/// The only value of a header, as visible ASCII.
fn only_value<'a>(request: &Request<'a>, header: &str) -> Result<&'a str, NotAuthentic> {
    let header_name = || header.to_owned();
    match (request.headers)(header).as_slice() {
        [] => Err(NotAuthentic::Missing {
            header: header_name(),
        }),
        [value] => std::str::from_utf8(value)
            .ok()
            .map(str::trim)
            .filter(|text| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()))
            .ok_or_else(|| NotAuthentic::Malformed {
                header: header_name(),
            }),
        _ => Err(NotAuthentic::Duplicate {
            header: header_name(),
        }),
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}
