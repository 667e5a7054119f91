//! Why people did what they did: shown where it is to be revealed. Their words may name guests.

use std::collections::HashMap;

use crypto::key_ring::{KeyRing, OpenError};
use store::audit::Actor;
use store::notes::{self, NoteKey};
use store::{Connection, StoreError};

use super::personal::HIDDEN;

/// Somebody who looks at what people wrote, and is written down for it.
pub(crate) struct Reader {
    pub(crate) by: Actor,
    pub(crate) key_ring: KeyRing,
}

/// Notes, opened for somebody or hidden.
pub(crate) struct Notes(Option<HashMap<NoteKey, Result<String, OpenError>>>);

impl Notes {
    /// Opens notes with a key ring, which is at hand only where somebody is known to look and that is written down.
    pub(crate) fn read<'k>(
        connection: &mut Connection,
        ring: Option<&KeyRing>,
        keys: impl IntoIterator<Item = &'k NoteKey>,
    ) -> Result<Self, StoreError> {
        let found = ring.map(|ring| notes::read(connection, ring, keys));
        found.transpose().map(Self)
    }

    /// What it says, or why that cannot be told.
    pub(crate) fn words(&self, key: &NoteKey) -> String {
        let Some(opened) = &self.0 else {
            return HIDDEN.to_owned();
        };
        match opened.get(key) {
            Some(Ok(words)) => words.clone(),
            Some(Err(error)) => format!("(cannot be opened: {error})"),
            None => "(erased)".to_owned(),
        }
    }
}
