//! From a delivery's bytes to an event.

use std::sync::Arc;

use broker::envelope::{DecodeError, Envelope};
use crypto::key_ring::{KeyRing, OpenError};
use domain::ids::SourceId;

use crate::batch::{Content, Opened};

/// Why a delivery is no event for us.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Nobody will ever read it: a letter.
    #[error("{0}")]
    ForGood(String),
    /// Another process, or this one with other keys or a newer version, can: given back.
    #[error("{0}")]
    ByUs(String),
}

/// Decodes an envelope and opens what is sealed in it.
pub(crate) fn decode(ring: &KeyRing, body: &[u8]) -> Result<Opened, Unreadable> {
    let envelope = Envelope::decode(body).map_err(|error| match error {
        DecodeError::Newer { .. } => Unreadable::ByUs(error.to_string()),
        DecodeError::Undecodable { .. } => Unreadable::ForGood(error.to_string()),
    })?;
    let opened = ring
        .open(&envelope.sealed, &envelope.identity())
        .map_err(|error| match error {
            OpenError::UnknownKey { .. } => Unreadable::ByUs(error.to_string()),
            OpenError::Damaged => Unreadable::ForGood(error.to_string()),
        })?;
    let content = if envelope.source == SourceId::whatsapp() {
        serde_json::from_slice(&opened).map(Content::Update)
    } else {
        serde_json::from_slice(&opened).map(Content::Event)
    };
    // The cause may quote personal data: only its place is told.
    let content = content.map_err(|error| {
        Unreadable::ForGood(format!(
            "the sealed body cannot be read at line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let mut names = envelope.name_hashes.clone();
    names.extend(envelope.phone_hash.clone());
    if let Content::Update(update) = &content {
        names.extend(
            update
                .names()
                .iter()
                .map(|name| ring.lookup(name.hash_input()).to_vec()),
        );
    }
    names.sort();
    names.dedup();
    Ok(Opened {
        names,
        envelope: Arc::new(envelope),
        content: Arc::new(content),
    })
}
