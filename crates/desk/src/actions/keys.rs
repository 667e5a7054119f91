//! Rotating the keys under which personal data lie: what lies under which, and sealing it anew under the first. What lies
//! sealed is read on the way, and with it the numbers whose hashes lie beside.

mod letters;

use std::collections::BTreeMap;
use std::sync::Arc;

use broker::envelope::Envelope;
use crypto::key_ring::{KeyRing, key_id_of};
use domain::audit::Action;
use domain::ids::ResortId;
use serde::Serialize;
use settings::keys::KeysOfFiles;
use store::audit::{self, Actor, Subject};
use store::planning::Planner;
use store::reseal::{self, LetterBody, Page, Place, Reread};
use store::{Connection, Store, StoreError};

use super::shelf::{Shelf, transaction};

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

/// What sealing anew and reading the numbers again has come to so far.
#[derive(Debug, Default)]
pub(crate) struct Resealed {
    /// By table.
    pub(crate) tallies: BTreeMap<&'static str, Tally>,
    /// Bookings and raw events whose number is read differently now, by table.
    pub(crate) reread: BTreeMap<&'static str, usize>,
    /// Bookings that keep their hash, since the number needs the country of a resort whose file cannot be read.
    pub(crate) without_resort: BTreeMap<ResortId, usize>,
}

/// Where a run is.
pub(crate) enum Progress<'a> {
    /// Values of a table are sealed anew.
    Sealed(&'static str, &'a Tally),
    /// Numbers of a table are read again.
    Reread(&'static str, usize),
}

/// Seals everything anew that does not lie under the first key, and reads all numbers again; tells of each page as it goes.
/// The audit trail hears of the beginning and of the end.
pub(crate) async fn reseal(
    shelf: &Shelf,
    by: &Actor,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Resealed, StoreError> {
    let (store, first) = (&shelf.store, shelf.key_ring.sealing_key_id());
    record(store, by, Action::ResealBegun, format!("under {first}")).await?;
    let mut resealed = Resealed::default();
    for place in Place::ALL {
        let tally = seal_table(shelf, place, &mut progress).await?;
        resealed.tallies.insert(place.table(), tally);
    }
    let tally = letters::reseal(shelf, &mut progress).await?;
    resealed.tallies.insert(LETTERS, tally);
    reread_table(
        shelf,
        Place::Bookings,
        reseal::reread_bookings,
        &mut resealed,
        &mut progress,
    )
    .await?;
    reread_table(
        shelf,
        Place::Events,
        reseal::reread_events,
        &mut resealed,
        &mut progress,
    )
    .await?;
    let counts: Vec<String> = resealed.tallies.iter().map(counted).collect();
    let numbers: usize = resealed.reread.values().sum();
    let told = format!(
        "under {first}: {}; numbers read anew {numbers}",
        counts.join(", ")
    );
    record(store, by, Action::ResealEnded, told).await?;
    Ok(resealed)
}

async fn seal_table(
    shelf: &Shelf,
    place: Place,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<Tally, StoreError> {
    let (mut tally, mut after) = (Tally::default(), String::new());
    loop {
        let page = shelf
            .transaction(move |connection, planner| {
                reseal::reseal(connection, &planner.ring, place, &after, PAGE)
            })
            .await?;
        tally.add(&page);
        progress(Progress::Sealed(place.table(), &tally));
        match page.next {
            Some(next) => after = next,
            None => return Ok(tally),
        }
    }
}

type RereadPage = fn(&mut Connection, &Planner, &str, i64) -> Result<Reread, StoreError>;

async fn reread_table(
    shelf: &Shelf,
    place: Place,
    page_after: RereadPage,
    resealed: &mut Resealed,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), StoreError> {
    let (mut changed, mut after) = (0, String::new());
    loop {
        let page = shelf
            .transaction(move |connection, planner| page_after(connection, planner, &after, PAGE))
            .await?;
        changed += page.changed;
        for (resort, count) in page.without_resort {
            *resealed.without_resort.entry(resort).or_default() += count;
        }
        progress(Progress::Reread(place.table(), changed));
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    resealed.reread.insert(place.table(), changed);
    Ok(())
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
