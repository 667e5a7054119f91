//! Why people did what they did, opened where there is a key ring.

use std::collections::HashMap;

use crypto::key_ring::{KeyRing, OpenError};
use store::notes::{self, NoteKey};
use store::{Connection, StoreError};

/// Notes that were read.
pub(crate) struct Notes(Option<HashMap<NoteKey, Result<String, OpenError>>>);

impl Notes {
    /// Reads notes; without a key ring there is nothing to be read.
    pub(crate) fn read<'k>(
        connection: &mut Connection,
        ring: Option<&KeyRing>,
        keys: impl IntoIterator<Item = &'k NoteKey>,
    ) -> Result<Self, StoreError> {
        let found = ring.map(|ring| notes::read(connection, ring, keys));
        found.transpose().map(Self)
    }

    /// What it says, or why that cannot be told; `None` without a key ring.
    pub(crate) fn words(&self, key: &NoteKey) -> Option<String> {
        Some(match self.0.as_ref()?.get(key) {
            Some(Ok(words)) => words.clone(),
            Some(Err(error)) => format!("(cannot be opened: {error})"),
            None => "(erased)".to_owned(),
        })
    }
}
