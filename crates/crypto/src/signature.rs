//! Whether a webhook really comes from who may send it.
//!
//! A [`Verifier`] is made once from a [`Scheme`] and its secrets, any of which may match, and sees the body's raw
//! bytes. Comparisons take the same time wherever two values differ. Start with [`Verifier::verify`].

use std::fmt;

mod claim;
mod keys;
mod scheme;
mod signing;
mod token;

pub use scheme::{Encoding, HeaderName, HmacScheme, InvalidScheme, KeyForm, Scheme, SignedText};
pub use signing::{sign_github, sign_standard};

use crate::secret::Secret;
use claim::{Claim, Rule};
use keys::Keys;
use token::Tokens;

/// Checks requests against one scheme. `Debug` shows no secret.
pub struct Verifier {
    check: Check,
}

enum Check {
    Signature { rule: Rule, keys: Keys },
    Token(Tokens),
}

/// What a verifier looks at.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Gives every value of the header with this name, which is in lower case.
    pub headers: &'a dyn Fn(&str) -> Vec<&'a [u8]>,
    /// The bytes as they came.
    pub body: &'a [u8],
    /// What follows the source in the path.
    pub url_token: Option<&'a str>,
    /// Unix time in seconds.
    pub now: i64,
}

/// The request is authentic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The event's id, where the scheme signs one.
    pub signed_id: Option<String>,
}

/// Why a request is not authentic. For our log only: the caller is told nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthentic {
    /// A header is not there.
    #[error("the header {header} is missing")]
    Missing {
        /// Its name.
        header: String,
    },
    /// A header is there more than once: proxies and we might read different ones.
    #[error("the header {header} is given more than once")]
    Duplicate {
        /// Its name.
        header: String,
    },
    /// A header is not of the scheme's form.
    #[error("the header {header} is malformed")]
    Malformed {
        /// Its name.
        header: String,
    },
    /// No token follows the source in the path.
    #[error("the path holds no token")]
    NoUrlToken,
    /// Signed too long ago, or in the future.
    #[error("the signature's time is {seconds} s away from ours")]
    OutsideTolerance {
        /// Positive when it is in the past.
        seconds: i64,
    },
    /// No signature or token fits any of the secrets.
    #[error("no secret fits")]
    NoMatch,
}

/// Why a scheme cannot be used with these secrets. Secrets are counted from 1 and never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// No secret at all would be an open door.
    #[error("at least one secret is needed")]
    NoSecrets,
    /// An empty secret would be an open door.
    #[error("secret {number} is empty")]
    Empty {
        /// Which one.
        number: usize,
    },
    /// The scheme's keys are written in base64.
    #[error("secret {number} is not base64")]
    NotBase64 {
        /// Which one.
        number: usize,
    },
    /// A `whpk_` key has another length.
    #[error("secret {number} is not an ed25519 public key")]
    NotPublicKey {
        /// Which one.
        number: usize,
    },
    /// `basic` needs both parts.
    #[error("secret {number} is not of the form user:password")]
    NotCredentials {
        /// Which one.
        number: usize,
    },
}

impl Verifier {
    /// Prepares the secrets for the scheme.
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

    /// What `WWW-Authenticate` says beside a 401, for schemes of HTTP's own: clients that wait for it send their
    /// credentials only then. It is the same for every refusal.
    pub fn challenge(&self) -> Option<&'static str> {
        match &self.check {
            Check::Token(tokens) => tokens.challenge(),
            Check::Signature { .. } => None,
        }
    }

    /// Says whether the request is authentic.
    pub fn verify(&self, request: &Request<'_>) -> Result<Verified, NotAuthentic> {
        match &self.check {
            Check::Token(tokens) => {
                tokens.verify(request)?;
                Ok(Verified { signed_id: None })
            }
            Check::Signature { rule, keys } => {
                let claim = rule.read(request)?;
                check_time(&claim, rule.tolerance_seconds(), request.now)?;
                let parts = rule.signed_parts(&claim, request.body);
                if !keys.any_fits(&parts, &claim.signatures) {
                    return Err(NotAuthentic::NoMatch);
                }
                Ok(Verified {
                    signed_id: claim.id.map(str::to_owned),
                })
            }
        }
    }
}

fn check_time(claim: &Claim<'_>, tolerance: u64, now: i64) -> Result<(), NotAuthentic> {
    let Some(timestamp) = &claim.timestamp else {
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
