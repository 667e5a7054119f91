//! Rotating the keys under which personal data lie: what lies under which, and sealing it anew under the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::envelope::Envelope;
use crypto::key_ring::{KeyRing, OpenError, key_id_of};
use domain::audit::Action;
use serde::Serialize;
use settings::keys::KeysOfFiles;
use store::audit::{self, Actor, Subject};
use store::reseal::{self, LetterBody, Page, Place};
use store::{Store, StoreError};

use super::shelf::transaction;

/// How many values are sealed anew in one transaction.
const PAGE: i64 = 500;
/// The table whose values are sealed inside of envelopes.
pub(crate) const LETTERS: &str = "letters";

/// What lies under one key.
#[derive(Debug, Serialize)]
pub(crate) struct KeyUse {
    /// The key's id.
    pub(crate) key: String,
    /// Whether the key ring has it; values under a key that is missing cannot be read.
    pub(crate) in_ring: bool,
    /// Whether new values are sealed under it.
    pub(crate) seals: bool,
    /// How many values, by table.
    pub(crate) values: BTreeMap<&'static str, i64>,
    /// The resorts' and sources' files with secrets that are sealed under it.
    pub(crate) files: Vec<String>,
}

/// Counts the values under every key that the ring has or that any value or file needs.
pub(crate) async fn check(
    store: &Store,
    ring: &Arc<KeyRing>,
    files: &KeysOfFiles,
) -> Result<Vec<KeyUse>, StoreError> {
    let mut found: BTreeMap<String, BTreeMap<&'static str, i64>> = BTreeMap::new();
    found.entry(ring.sealing_key_id().to_owned()).or_default();
    for key in files.values().flatten() {
        found.entry(key.clone()).or_default();
    }
    for place in Place::ALL {
        for (key, count) in reseal::count_by_key(store, place).await? {
            *found.entry(key).or_default().entry(place.table()).or_default() += count;
        }
    }
    let mut after = 0;
    while let Some(bodies) = letters_after(store, after).await? {
        after = bodies.last().map_or(after, |letter| letter.id);
        for letter in bodies {
            let envelope = Envelope::decode(&letter.body).ok();
            if let Some(key) = envelope.as_ref().and_then(|envelope| key_id_of(&envelope.sealed)) {
                let values = found.entry(key.to_owned()).or_default();
                *values.entry(LETTERS).or_default() += 1;
            }
        }
    }
    let needing = |key: &String| {
        let needing = files.iter().filter(|(_, keys)| keys.contains(key));
        needing.map(|(file, _)| file.clone()).collect()
    };
    Ok(found
        .into_iter()
        .map(|(key, values)| KeyUse {
            in_ring: ring.has(&key),
            seals: key == ring.sealing_key_id(),
            files: needing(&key),
            key,
            values,
        })
        .collect())
}

async fn letters_after(store: &Store, after: i64) -> Result<Option<Vec<LetterBody>>, StoreError> {
    let found = store
        .run(move |connection| reseal::letter_bodies(connection, after, PAGE))
        .await?;
    Ok((!found.is_empty()).then_some(found))
}

/// What sealing one table anew has come to so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) resealed: usize,
    pub(crate) damaged: usize,
    /// Values under keys that the ring does not have, by the key's id.
    pub(crate) unknown: BTreeMap<String, usize>,
}

impl Tally {
    fn add(&mut self, page: &Page) {
        self.resealed += page.resealed;
        self.damaged += page.damaged;
        for (key, count) in &page.unknown {
            *self.unknown.entry(key.clone()).or_default() += count;
        }
    }
}

/// What sealing anew has come to, by table.
type Tallies = BTreeMap<&'static str, Tally>;

/// Seals everything anew that does not lie under the first key; tells of each page as it goes. The audit trail hears of
/// the beginning and of the end.
pub(crate) async fn reseal(
    store: &Store,
    ring: &Arc<KeyRing>,
    by: &Actor,
    progress: impl FnMut(&'static str, &Tally),
) -> Result<Tallies, StoreError> {
    let first = ring.sealing_key_id();
    record(store, by, Action::ResealBegun, format!("under {first}")).await?;
    let tallies = reseal_all(store, ring, progress).await?;
    let counts: Vec<String> = tallies.iter().map(counted).collect();
    let told = format!("under {first}: {}", counts.join(", "));
    record(store, by, Action::ResealEnded, told).await?;
    Ok(tallies)
}

fn counted((table, tally): (&&str, &Tally)) -> String {
    let unopened = tally.damaged + tally.unknown.values().sum::<usize>();
    match unopened {
        0 => format!("{table} {}", tally.resealed),
        _ => format!("{table} {} ({unopened} not opened)", tally.resealed),
    }
}

async fn record(store: &Store, by: &Actor, action: Action, told: String) -> Result<(), StoreError> {
    let (by, subject) = (by.clone(), Subject::of(told));
    transaction(store, move |connection| {
        audit::append(connection, &by, action, &subject)
    })
    .await
}

async fn reseal_all(
    store: &Store,
    ring: &Arc<KeyRing>,
    mut progress: impl FnMut(&'static str, &Tally),
) -> Result<Tallies, StoreError> {
    let mut tallies = BTreeMap::new();
    for place in Place::ALL {
        let (mut tally, mut after) = (Tally::default(), String::new());
        loop {
            let (ring, from) = (Arc::clone(ring), after.clone());
            let page = transaction(store, move |connection| {
                reseal::reseal(connection, &ring, place, &from, PAGE)
            })
            .await?;
            tally.add(&page);
            progress(place.table(), &tally);
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        tallies.insert(place.table(), tally);
    }
    let (mut tally, mut after) = (Tally::default(), 0);
    while let Some(bodies) = letters_after(store, after).await? {
        after = bodies.last().map_or(after, |letter| letter.id);
        let mut page = Page::default();
        let replaced: Vec<_> = bodies
            .into_iter()
            .filter_map(|letter| resealed(ring, letter, &mut page))
            .collect();
        page.resealed = transaction(store, move |connection| {
            reseal::replace_letter_bodies(connection, &replaced)
        })
        .await?;
        tally.add(&page);
        progress(LETTERS, &tally);
    }
    tallies.insert(LETTERS, tally);
    Ok(tallies)
}

/// A letter's body before and after, unless it lies under the first key. Unreadable envelopes stay as they are: they are
/// kept for people to look at.
fn resealed(ring: &KeyRing, letter: LetterBody, page: &mut Page) -> Option<(i64, Vec<u8>, Vec<u8>)> {
    let mut envelope = Envelope::decode(&letter.body).ok()?;
    if key_id_of(&envelope.sealed) == Some(ring.sealing_key_id()) {
        return None;
    }
    let identity = envelope.identity();
    match ring.open(&envelope.sealed, &identity) {
        Ok(opened) => {
            envelope.sealed = ring.seal(&opened, &identity);
            Some((letter.id, letter.body, envelope.encode()))
        }
        Err(OpenError::UnknownKey { id }) => {
            *page.unknown.entry(id).or_default() += 1;
            None
        }
        Err(OpenError::Damaged) => {
            page.damaged += 1;
            None
        }
    }
}
