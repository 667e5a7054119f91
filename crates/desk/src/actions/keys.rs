//! Key rotation: counting the values under each key, and re-encrypting them with the first key. On the way the phone numbers
//! are read again, so that their hashes follow a change of how they are read.

mod letters;

use std::collections::BTreeMap;
use std::sync::Arc;

use crypto::key_ring::KeyRing;
use domain::audit::Action;
use domain::ids::ResortId;
use serde::Serialize;
use settings::keys::KeysOfFiles;
use store::audit::{self, Actor, Subject};
use store::planning::Planner;
use store::reseal::{self, Page, Reread, SealedColumn};
use store::{Connection, Store, StoreError};

use super::context::{Context, transaction};

/// Values in one transaction.
const PAGE: i64 = 500;
/// The table whose values are sealed inside envelopes.
pub(crate) const LETTERS: &str = "letters";

#[derive(Debug, Serialize)]
pub(crate) struct KeyUse {
    pub(crate) key: String,
    /// `false`: its values cannot be read.
    pub(crate) in_ring: bool,
    /// Whether it is the first key, which encrypts new values.
    pub(crate) seals: bool,
    pub(crate) values: BTreeMap<&'static str, i64>,
    /// The resort and source files with secrets under it.
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
    for place in SealedColumn::ALL {
        for (key, count) in reseal::count_by_key(store, place).await? {
            *found.entry(key).or_default().entry(place.table()).or_default() += count;
        }
    }
    for (key, count) in letters::count_by_key(store).await? {
        found.entry(key).or_default().insert(LETTERS, count);
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

/// The result for one table so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) resealed: usize,
    pub(crate) damaged: usize,
    /// Values under keys that are not in the ring, by the key's id.
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

#[derive(Debug, Default)]
pub(crate) struct Resealed {
    pub(crate) tallies: BTreeMap<&'static str, Tally>,
    /// Rows whose number is read differently now, by table.
    pub(crate) reread: BTreeMap<&'static str, usize>,
    /// Bookings that keep their old hash, because their resort's file cannot be read, and with it the country.
    pub(crate) without_resort: BTreeMap<ResortId, usize>,
}

pub(crate) enum Progress<'a> {
    /// Values of a table were re-encrypted.
    Sealed(&'static str, &'a Tally),
    /// Numbers of a table were read again.
    Reread(&'static str, usize),
}

/// Re-encrypts everything that is not under the first key, and reads all numbers again; calls `progress` after each page. The
/// audit trail records the beginning and the end.
pub(crate) async fn reseal(
    context: &Context,
    by: &Actor,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Resealed, StoreError> {
    let (store, first) = (&context.store, context.key_ring.sealing_key_id());
    record(store, by, Action::ResealBegun, format!("under {first}")).await?;
    let mut resealed = Resealed::default();
    for place in SealedColumn::ALL {
        let tally = seal_table(context, place, &mut progress).await?;
        resealed.tallies.insert(place.table(), tally);
    }
    let tally = letters::reseal(context, &mut progress).await?;
    resealed.tallies.insert(LETTERS, tally);
    let tables: [(SealedColumn, RereadPage); 2] = [
        (SealedColumn::Bookings, reseal::reread_bookings),
        (SealedColumn::Events, reseal::reread_events),
    ];
    for (place, page_after) in tables {
        reread_table(context, place, page_after, &mut resealed, &mut progress).await?;
    }
    let counts: Vec<String> = resealed.tallies.iter().map(counted).collect();
    let numbers: usize = resealed.reread.values().sum();
    let details = format!("under {first}: {}; numbers changed {numbers}", counts.join(", "));
    record(store, by, Action::ResealEnded, details).await?;
    Ok(resealed)
}

async fn seal_table(
    context: &Context,
    place: SealedColumn,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<Tally, StoreError> {
    let (mut tally, mut after) = (Tally::default(), String::new());
    loop {
        let page = context
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
    context: &Context,
    place: SealedColumn,
    page_after: RereadPage,
    resealed: &mut Resealed,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), StoreError> {
    let (mut changed, mut after) = (0, String::new());
    loop {
        let page = context
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

async fn record(store: &Store, by: &Actor, action: Action, details: String) -> Result<(), StoreError> {
    let (by, subject) = (by.clone(), Subject::of(details));
    transaction(store, move |connection| {
        audit::append(connection, &by, action, &subject)
    })
    .await
}
