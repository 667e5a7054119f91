//! What a platform's answer makes of a webhook: the mapping of its source is applied again, with the answer as `fetched`.

use std::time::{Duration, Instant};

use broker::publisher::Outgoing;
use broker::sealing::{self, Head};
use crypto::key_ring::{KeyRing, OpenError};
use domain::event::sealing_identity;
use foreign_json::Charset;
use mapping::{Kept, Mapped, Verdict};
use settings::{Snapshot, SourceRules};
use store::fetches::Claimed;

/// How long the mapping of one answer may take.
const LONGEST: Duration = Duration::from_millis(500);

/// What a platform's answer comes to.
#[derive(Debug)]
pub(super) enum Answered {
    /// To be published.
    Events(Vec<Outgoing>),
    /// It changes nothing.
    Ignored,
    /// The file of its resort is broken.
    ResortUnavailable,
    /// With the fields that are wrong, and how.
    Unmappable(String),
    NotJson,
}

/// Why a stored request cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// Its guest was erased, or its retention has ended.
    Emptied,
    /// It is under a key that this process does not have.
    UnknownKey(String),
    Damaged,
}

/// Opens the request that a webhook was.
pub(super) fn open(ring: &KeyRing, claimed: &Claimed) -> Result<Kept, Unusable> {
    let sealed = claimed.sealed_body.as_ref().ok_or(Unusable::Emptied)?;
    let opened = ring
        .open(sealed, &sealing_identity(&claimed.key))
        .map_err(|error| match error {
            OpenError::UnknownKey { .. } => Unusable::UnknownKey(error.to_string()),
            OpenError::Damaged => Unusable::Damaged,
        })?;
    serde_json::from_slice(&opened).map_err(|_| Unusable::Damaged)
}

/// What the platform is to be asked for: the mapping says so, of the request alone. `None` where it no longer asks for anything.
pub(super) fn asked_id(ring: &KeyRing, files: &Snapshot, rules: &SourceRules, kept: &Kept) -> Option<String> {
    let began_at = Instant::now();
    let mapped = files.map(rules, kept, None, ring, &|| began_at.elapsed() > LONGEST)?;
    let Mapped::Elements(elements) = mapped else {
        return None;
    };
    elements.into_iter().find_map(|element| match element.verdict {
        Verdict::Fetch { id, .. } => Some(id),
        _ => None,
    })
}

/// Maps a request with the platform's answer. The events keep the time at which the webhook arrived: what the platform tells of a
/// booking now is at least as new.
pub(super) fn map(
    ring: &KeyRing,
    files: &Snapshot,
    rules: &SourceRules,
    claimed: &Claimed,
    kept: &Kept,
    answer: &[u8],
) -> Answered {
    let Ok(answer) = foreign_json::read_document(answer, Charset::UTF_8) else {
        return Answered::NotJson;
    };
    let (began_at, answer) = (Instant::now(), answer.value);
    let is_late = || began_at.elapsed() > LONGEST;
    let elements = match files.map(rules, kept, Some(&answer), ring, &is_late) {
        Some(Mapped::Elements(elements)) => elements,
        Some(Mapped::Unmappable(fault)) => return Answered::Unmappable(fault.to_string()),
        None => return Answered::Ignored,
    };
    let (mut events, mut faults) = (Vec::new(), Vec::new());
    for element in elements {
        match element.verdict {
            Verdict::Event(event) => {
                let guest = files.phone_number(&event);
                let head = Head::of_event(&event, guest, claimed.received_at, claimed.request_id.clone())
                    .traced(claimed.trace);
                match sealing::seal(ring, head, &event) {
                    Ok(message) => events.push(message),
                    Err(_) => faults.push("event: it cannot be written as JSON".to_owned()),
                }
            }
            Verdict::Ignored(_) => {}
            Verdict::ResortUnavailable => return Answered::ResortUnavailable,
            Verdict::Unmappable(found) => faults.extend(found.iter().map(ToString::to_string)),
            Verdict::Fetch { .. } => faults.push("event: it asks for the booking again".to_owned()),
        }
    }
    match (faults.is_empty(), events.is_empty()) {
        (false, _) => Answered::Unmappable(faults.join(", ")),
        (true, true) => Answered::Ignored,
        (true, false) => Answered::Events(events),
    }
}
