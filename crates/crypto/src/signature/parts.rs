//! The parts of a signature: an id, a time, and the signatures themselves, as the headers of one request contain them.

use super::{NotAuthentic, Request, only_value};

// Rotation needs two signatures; each more would cost a sender nothing and us a check.
pub(super) const MOST_SIGNATURES: usize = 16;

/// The parts of a signature that the headers of one request contain.
pub(super) struct Parts<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) timestamp: Option<Timestamp<'a>>,
    pub(super) signatures: Vec<Signature>,
}

/// A signed time: the text that was signed, and its value in Unix seconds.
pub(super) struct Timestamp<'a> {
    pub(super) text: &'a str,
    pub(super) seconds: i64,
}

/// A decoded signature.
pub(super) enum Signature {
    Hmac(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl<'a> Timestamp<'a> {
    // Only digits, and few enough that no arithmetic overflows.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let plausible = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = text.parse().ok().filter(|_| plausible)?;
        Some(Self { text, seconds })
    }
}

pub(super) fn read_id<'a>(request: &Request<'a>, header: &str) -> Result<&'a str, NotAuthentic> {
    let id = only_value(request, header)?;
    if id.is_empty() {
        Err(malformed(header))
    } else {
        Ok(id)
    }
}

pub(super) fn malformed(header: &str) -> NotAuthentic {
    NotAuthentic::Malformed {
        header: header.to_owned(),
    }
}
