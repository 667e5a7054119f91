//! The notes that people wrote about their actions. They may name guests, so they are hidden unless revealed.

use std::collections::HashMap;
use std::sync::Arc;

use crypto::key_ring::{KeyRing, OpenError};
use store::audit::Actor;
use store::notes::{self, NoteKey};
use store::{Connection, StoreError};

use super::masking::HIDDEN;

/// A person to whom notes are revealed, which the audit trail records.
pub(crate) struct Reader {
    pub(crate) by: Actor,
    pub(crate) key_ring: Arc<KeyRing>,
}

/// `None`: hidden.
pub(crate) struct Notes(Option<HashMap<NoteKey, Result<String, OpenError>>>);

impl Notes {
    /// Opens the notes if there is a key ring; the caller has recorded the view in the audit trail.
    pub(crate) fn read<'k>(
        connection: &mut Connection,
        ring: Option<&KeyRing>,
        keys: impl IntoIterator<Item = &'k NoteKey>,
    ) -> Result<Self, StoreError> {
        let found = ring.map(|ring| notes::read(connection, ring, keys));
        found.transpose().map(Self)
    }

    /// The note, or a placeholder with the reason why it is not shown.
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
