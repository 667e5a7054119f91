//! The reasons that staff give for their actions. A text may name guests, so it is encrypted.

use std::collections::HashMap;

use crypto::key_ring::{KeyRing, OpenError};
use diesel::{ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use crate::error::StoreError;
use crate::schema::notes;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NoteKey(String);

impl NoteKey {
    pub(crate) fn of_column(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An encrypted note that is not stored yet.
#[derive(Debug, Clone)]
pub struct Note {
    key: NoteKey,
    sealed: Vec<u8>,
}

impl Note {
    pub fn seal(words: &str, ring: &KeyRing) -> Self {
        let key = Uuid::now_v7().to_string();
        Self {
            sealed: ring.seal(words.as_bytes(), &identity(&key)),
            key: NoteKey(key),
        }
    }

    pub(crate) fn key(&self) -> &NoteKey {
        &self.key
    }
}

/// The identity under which a note is sealed.
pub(crate) fn identity(key: &str) -> String {
    format!("note:{key}")
}

/// Stores a note. Actions may share it; it is stored once.
pub(crate) fn insert(connection: &mut PgConnection, note: &Note) -> Result<(), StoreError> {
    diesel::insert_into(notes::table)
        .values((
            notes::key.eq(note.key.as_str()),
            notes::sealed_note.eq(&note.sealed),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("keep a note"))
}

/// A stored note, for an action that goes on in another process; `None`: it was erased.
pub(crate) fn find(connection: &mut PgConnection, key: &str) -> Result<Option<Note>, StoreError> {
    let sealed: Option<Vec<u8>> = notes::table
        .find(key)
        .select(notes::sealed_note)
        .first(connection)
        .optional()
        .map_err(StoreError::query("read a note"))?;
    Ok(sealed.map(|sealed| Note {
        key: NoteKey(key.to_owned()),
        sealed,
    }))
}

/// Reads notes. One that was erased is missing; one that does not open says why.
pub fn read<'k>(
    connection: &mut PgConnection,
    ring: &KeyRing,
    keys: impl IntoIterator<Item = &'k NoteKey>,
) -> Result<HashMap<NoteKey, Result<String, OpenError>>, StoreError> {
    let keys: Vec<&str> = keys.into_iter().map(NoteKey::as_str).collect();
    let rows: Vec<(String, Vec<u8>)> = notes::table
        .filter(notes::key.eq_any(keys))
        .select((notes::key, notes::sealed_note))
        .load(connection)
        .map_err(StoreError::query("read notes"))?;
    let open = |(key, sealed): (String, Vec<u8>)| {
        let opened = ring.open(&sealed, &identity(&key));
        let words = opened.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (NoteKey(key), words)
    };
    Ok(rows.into_iter().map(open).collect())
}
