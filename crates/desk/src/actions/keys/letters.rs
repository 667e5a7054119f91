//! Letters of events: what is sealed inside of their envelopes comes under the first key, and their number's hash becomes what
//! this program reads.

use broker::envelope::Envelope;
use crypto::key_ring::{OpenError, key_id_of};
use domain::event::Event;
use domain::ids::SourceId;
use store::StoreError;
use store::planning::Planner;
use store::reseal::{self, LetterBody, Page};

use super::{LETTERS, Progress, Tally, letters_after};
use crate::actions::shelf::Shelf;

/// Goes through all letters, page by page.
pub(super) async fn reseal(
    shelf: &Shelf,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<Tally, StoreError> {
    let (mut tally, mut after) = (Tally::default(), 0);
    while let Some(bodies) = letters_after(&shelf.store, after).await? {
        after = bodies.last().map_or(after, |letter| letter.id);
        let page = shelf
            .transaction(move |connection, planner| {
                let mut page = Page::default();
                let anew = bodies
                    .iter()
                    .filter_map(|letter| resealed(planner, letter, &mut page));
                let anew: Vec<_> = anew.collect();
                page.resealed = reseal::replace_letter_bodies(connection, &anew)?;
                Ok(page)
            })
            .await?;
        tally.add(&page);
        progress(Progress::Sealed(LETTERS, &tally));
    }
    Ok(tally)
}

/// A letter's body before and after, unless nothing changes. Unreadable envelopes stay as they are: they are kept for people
/// to look at.
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
        // Under the first key nothing is to be done: it may be a letter because it does not open.
        Err(OpenError::Damaged) if is_sealed => return None,
        Err(OpenError::Damaged) => {
            page.damaged += 1;
            return None;
        }
    };
    if let Some(phone_hash) = number(planner, &envelope, &opened) {
        envelope.phone_hash = Some(phone_hash.to_vec());
    }
    if is_sealed && envelope.phone_hash == letter.phone_hash {
        return None;
    }
    if !is_sealed {
        envelope.sealed = planner.ring.seal(&opened, &identity);
    }
    let anew = LetterBody {
        id: letter.id,
        body: envelope.encode(),
        phone_hash: envelope.phone_hash,
    };
    Some((letter.clone(), anew))
}

/// The hash of a platform's event's number, as it is read now. WhatsApp's updates bear the digits themselves.
fn number(planner: &Planner, envelope: &Envelope, opened: &[u8]) -> Option<[u8; 32]> {
    if envelope.source == SourceId::whatsapp() {
        return None;
    }
    let event: Event = serde_json::from_slice(opened).ok()?;
    planner.hash_of_event(&event)
}
