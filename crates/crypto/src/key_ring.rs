//! The keys that seal personal data in tables and queues.
//!
//! A sealed value consists of: format (1), length of the key's id, the id, a 96-bit nonce, ciphertext and tag of
//! AES-256-GCM. The bytes before the nonce are authenticated together with the identity of the row that the value
//! belongs to, so a value that was moved to another row does not open.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

mod entry;

pub use entry::{KeyProblem, KeyRingError};

use crate::random;

/// The id of the entry that hashes phone numbers; it never seals and never rotates.
pub const LOOKUP_ID: &str = "lookup";

const FORMAT: u8 = 1;

/// The keys of one installation. The first one seals, all open, the one named `lookup` hashes.
///
/// The decoded keys are wiped as soon as the ciphers are made from them. `Debug` shows the ids only.
pub struct KeyRing {
    sealing: SealingKey,
    older: Vec<SealingKey>,
    lookup: hmac::Key,
}

struct SealingKey {
    id: String,
    key: LessSafeKey,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Sealed under a key that this process does not have. The value is not damaged: another process may open it.
    #[error("the key ring has no key {id}")]
    UnknownKey { id: String },
    /// Changed, cut, moved from another row, or never sealed.
    #[error("the sealed value is damaged or belongs elsewhere")]
    Damaged,
}

impl KeyRing {
    /// Reads entries `ID:BASE64(32 bytes)`, separated by commas or lines; the error names all bad ones.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        entry::read_all(text)
    }

    /// Seals a value under the first key, for the row with this identity.
    pub fn seal(&self, plaintext: &[u8], identity: &str) -> Vec<u8> {
        let SealingKey { id, key } = &self.sealing;
        let header = header(id);
        let nonce = random::bytes::<NONCE_LEN>();
        let clear = header.len() + NONCE_LEN;
        let mut sealed = Vec::with_capacity(clear + plaintext.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&header);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let (_, secret) = sealed.split_at_mut(clear);
        #[expect(clippy::expect_used, reason = "AES-GCM refuses nothing below 64 GiB")]
        let tag = key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                associated_data(&header, identity),
                secret,
            )
            .expect("the value is shorter than 64 GiB");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens a value that was sealed for the same identity, under any key of the ring.
    pub fn open(&self, sealed: &[u8], identity: &str) -> Result<Vec<u8>, OpenError> {
        let (id, rest) = split(sealed).ok_or(OpenError::Damaged)?;
        let key = self
            .find(id)
            .ok_or_else(|| OpenError::UnknownKey { id: id.to_owned() })?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(OpenError::Damaged)?;
        let mut buffer = ciphertext.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = key
            .open_in_place(nonce, associated_data(&header(id), identity), &mut buffer)
            .map_err(|_| OpenError::Damaged)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    pub fn sealing_key_id(&self) -> &str {
        &self.sealing.id
    }

    /// The first bytes of every value that the first key sealed, and of no other.
    pub fn sealed_prefix(&self) -> Vec<u8> {
        header(&self.sealing.id)
    }

    pub fn has(&self, id: &str) -> bool {
        self.find(id).is_some()
    }

    /// The 256-bit HMAC of a text under the lookup key: it finds equal texts and reveals none.
    pub fn lookup(&self, text: impl AsRef<[u8]>) -> [u8; 32] {
        let tag = hmac::sign(&self.lookup, text.as_ref());
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        hash
    }

    fn find(&self, id: &str) -> Option<&LessSafeKey> {
        std::iter::once(&self.sealing)
            .chain(&self.older)
            .find(|candidate| candidate.id == id)
            .map(|found| &found.key)
    }
}

/// The id of the key that sealed a value; `None` if it was not sealed.
pub fn key_id_of(sealed: &[u8]) -> Option<&str> {
    split(sealed).map(|(id, _)| id)
}

impl SealingKey {
    fn new(id: &str, bytes: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "the array's length is the algorithm's")]
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("AES-256 takes 32 bytes");
        Self {
            id: id.to_owned(),
            key: LessSafeKey::new(key),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = std::iter::once(&self.sealing)
            .chain(&self.older)
            .map(|key| &key.id);
        f.write_str("KeyRing ")?;
        f.debug_list().entries(ids).finish()
    }
}

fn header(id: &str) -> Vec<u8> {
    // Ids are at most 32 bytes long, or were read after a length of one byte.
    let length = u8::try_from(id.len()).unwrap_or(u8::MAX);
    [FORMAT, length].into_iter().chain(id.bytes()).collect()
}

fn associated_data(header: &[u8], identity: &str) -> Aad<Vec<u8>> {
    Aad::from([header, identity.as_bytes()].concat())
}

fn split(sealed: &[u8]) -> Option<(&str, &[u8])> {
    let (&[format, length], rest) = sealed.split_first_chunk::<2>()?;
    let (id, rest) = rest.split_at_checked(usize::from(length))?;
    let id = std::str::from_utf8(id).ok().filter(|id| entry::is_good_id(id))?;
    (format == FORMAT).then_some((id, rest))
}

#[cfg(test)]
mod tests;
