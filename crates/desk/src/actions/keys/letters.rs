//! Letters of events: their envelopes are re-encrypted with the first key and get the current hash of their number.

use std::collections::BTreeMap;

use broker::envelope::Envelope;
use crypto::key_ring::{OpenError, key_id_of};
use domain::event::Event;
use domain::ids::SourceId;
use store::planning::Planner;
use store::reseal::{self, LetterBody, Page};
use store::{Store, StoreError};

use super::{LETTERS, PAGE, Progress, Tally};
use crate::actions::context::Context;

pub(super) async fn count_by_key(store: &Store) -> Result<BTreeMap<String, i64>, StoreError> {
    let (mut counts, mut after) = (BTreeMap::new(), 0);
    while let Some(bodies) = letters_after(store, after).await? {
        after = bodies.last().map_or(after, |letter| letter.id);
        for letter in bodies {
            let envelope = Envelope::decode(&letter.body).ok();
            if let Some(key) = envelope.as_ref().and_then(|envelope| key_id_of(&envelope.sealed)) {
                *counts.entry(key.to_owned()).or_default() += 1;
            }
        }
    }
    Ok(counts)
}

async fn letters_after(store: &Store, after: i64) -> Result<Option<Vec<LetterBody>>, StoreError> {
    let found = store
        .run(move |connection| reseal::letter_bodies(connection, after, PAGE))
        .await?;
    Ok((!found.is_empty()).then_some(found))
}

pub(super) async fn reseal(
    context: &Context,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<Tally, StoreError> {
    let (mut tally, mut after) = (Tally::default(), 0);
    while let Some(bodies) = letters_after(&context.store, after).await? {
        after = bodies.last().map_or(after, |letter| letter.id);
        let page = context
            .transaction(move |connection, planner| {
                let mut page = Page::default();
                let changed = bodies
                    .iter()
                    .filter_map(|letter| resealed(planner, letter, &mut page));
                let changed: Vec<_> = changed.collect();
                page.resealed = reseal::replace_letter_bodies(connection, &changed)?;
                Ok(page)
            })
            .await?;
        tally.add(&page);
        progress(Progress::Sealed(LETTERS, &tally));
    }
    Ok(tally)
}

/// A letter's body before and after, unless nothing changes. Unreadable envelopes stay as they are, for people to look at.
fn resealed(planner: &Planner, letter: &LetterBody, page: &mut Page) -> Option<(LetterBody, LetterBody)> {
    let mut envelope = Envelope::decode(&letter.body).ok()?;
    let identity = envelope.identity();
    let is_sealed = key_id_of(&envelope.sealed) == Some(planner.ring.sealing_key_id());
    let opened = match planner.ring.open(&envelope.sealed, &identity) {
        Ok(opened) => opened,
        Err(OpenError::UnknownKey { id }) => {
            *page.unknown.entry(id).or_default() += 1;
            return None;
        }
        // Perhaps it was dead-lettered because it cannot be decrypted: no failure of this run, as the key is the first one.
        Err(OpenError::Damaged) if is_sealed => return None,
        Err(OpenError::Damaged) => {
            page.damaged += 1;
            return None;
        }
    };
    if let Some(phone_hash) = phone_hash(planner, &envelope, &opened) {
        envelope.phone_hash = Some(phone_hash.to_vec());
    }
    if is_sealed && envelope.phone_hash == letter.phone_hash {
        return None;
    }
    if !is_sealed {
        envelope.sealed = planner.ring.seal(&opened, &identity);
    }
    let after = LetterBody {
        id: letter.id,
        body: envelope.encode(),
        phone_hash: envelope.phone_hash,
    };
    Some((letter.clone(), after))
}

/// The current hash of the number in a platform's event. WhatsApp's updates contain complete numbers, whose hash stays.
fn phone_hash(planner: &Planner, envelope: &Envelope, opened: &[u8]) -> Option<[u8; 32]> {
    if envelope.source == SourceId::whatsapp() {
        return None;
    }
    let event: Event = serde_json::from_slice(opened).ok()?;
    planner.hash_of_event(&event)
}
