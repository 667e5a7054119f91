//! Reads the text of a key ring: `ID:BASE64(32 bytes)`, separated by commas or lines.

use std::fmt;

use ring::hmac;
use zeroize::Zeroizing;

use super::{KeyRing, LOOKUP_ID, SealingKey};
use crate::text_encoding::from_base64;

const LONGEST_ID: usize = 32;

/// The key ring cannot be used; `problems` names everything that is wrong with it, but no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the key ring: {}", Listed(problems))]
pub struct KeyRingError {
    /// At least one.
    pub problems: Vec<KeyProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Entries are counted from 1. The text is not repeated, since it may be a bare key.
    #[error("entry {number} is not ID:BASE64 with an id of 1 to {LONGEST_ID} letters, digits, - _ or .")]
    NoId { number: usize },
    #[error("the key {id} is not base64; `head -c 32 /dev/urandom | base64` makes one")]
    NotBase64 { id: String },
    #[error("the key {id} has {length} bytes instead of 32; `head -c 32 /dev/urandom | base64` makes one")]
    WrongLength {
        id: String,
        /// In bytes.
        length: usize,
    },
    #[error("the key {id} is given twice")]
    Duplicate { id: String },
    #[error("no key to seal with: add an entry with an id other than {LOOKUP_ID}")]
    NoSealingKey,
    #[error("no key with the id {LOOKUP_ID}, which hashes phone numbers")]
    NoLookupKey,
}

pub(super) fn read_all(text: &str) -> Result<KeyRing, KeyRingError> {
    let mut problems = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    let mut lookup = None;
    let mut sealing = Vec::new();
    let entries = text
        .split([',', '\n', '\r'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty());
    for (index, entry) in entries.enumerate() {
        let Some((id, value)) = split(entry) else {
            problems.push(KeyProblem::NoId { number: index + 1 });
            continue;
        };
        if seen.contains(&id) {
            problems.push(KeyProblem::Duplicate { id: id.to_owned() });
            continue;
        }
        seen.push(id);
        match read_key(id, value) {
            Ok(bytes) if id == LOOKUP_ID => {
                lookup = Some(hmac::Key::new(hmac::HMAC_SHA256, bytes.as_slice()))
            }
            Ok(bytes) => sealing.push(SealingKey::new(id, &bytes)),
            Err(problem) => problems.push(problem),
        }
    }
    if !seen.contains(&LOOKUP_ID) {
        problems.push(KeyProblem::NoLookupKey);
    }
    if !seen.iter().any(|id| *id != LOOKUP_ID) {
        problems.push(KeyProblem::NoSealingKey);
    }
    let mut sealing = sealing.into_iter();
    match (problems.is_empty(), sealing.next(), lookup) {
        (true, Some(first), Some(lookup)) => Ok(KeyRing {
            sealing: first,
            older: sealing.collect(),
            lookup,
        }),
        _ => Err(KeyRingError { problems }),
    }
}

/// Whether a text may be a key's id, which appears in logs and in every sealed value.
pub(super) fn is_good_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn split(entry: &str) -> Option<(&str, &str)> {
    let (id, value) = entry.split_once(':')?;
    let id = id.trim();
    is_good_id(id).then_some((id, value.trim()))
}

fn read_key(id: &str, value: &str) -> Result<Zeroizing<[u8; 32]>, KeyProblem> {
    let bytes = from_base64(value)
        .map(Zeroizing::new)
        .ok_or_else(|| KeyProblem::NotBase64 { id: id.to_owned() })?;
    <[u8; 32]>::try_from(bytes.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| KeyProblem::WrongLength {
            id: id.to_owned(),
            length: bytes.len(),
        })
}

struct Listed<'a>(&'a [KeyProblem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}
