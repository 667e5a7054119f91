//! From a delivery's bytes to an event, and whether this process can decode what it receives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::envelope::{ALERT, DecodeError, Envelope, FETCH, SOURCE_REPORT, UNMAPPABLE};
use chrono::Utc;
use crypto::key_ring::{KeyRing, OpenError};
use domain::ids::SourceId;
use domain::raised_alert::RaisedAlert;
use mapping::Kept;
use store::source_reports::NewSourceReport;

use super::event::{Content, Opened};
use crate::source_reports;

/// How long after an event was given back another processor may take to receive it. If none can decode it either, it is
/// redelivered to this one within that time.
const LINGER: Duration = Duration::from_secs(5);

/// Why a delivery cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undecodable {
    /// No process can: it becomes a dead letter.
    #[error("{0}")]
    ForGood(String),
    /// A platform's request that its source's mapping cannot read: it becomes a dead letter, which names the fields.
    #[error("{0}")]
    Unmappable(String),
    /// No event: what a source was answered lately.
    #[error("a report on a source")]
    SourceReport(Option<Box<NewSourceReport>>),
    /// No event: an alert of `ingest`'s. `None`: a newer version wrote it otherwise.
    #[error("an alert")]
    Alert(Option<Box<RaisedAlert>>),
    /// A process with other keys or a newer version can: it is given back.
    #[error("{0}")]
    Here(String),
}

/// Decodes an envelope and opens what is sealed in it.
pub(crate) fn decode(ring: &KeyRing, body: &[u8]) -> Result<Opened, Undecodable> {
    let envelope = Envelope::decode(body).map_err(|error| match error {
        DecodeError::Newer { .. } => Undecodable::Here(error.to_string()),
        DecodeError::Undecodable { .. } => Undecodable::ForGood(error.to_string()),
    })?;
    let opened = ring
        .open(&envelope.sealed, &envelope.identity())
        .map_err(|error| match error {
            OpenError::UnknownKey { .. } => Undecodable::Here(error.to_string()),
            OpenError::Damaged => Undecodable::ForGood(error.to_string()),
        })?;
    if envelope.event_type == UNMAPPABLE {
        return Err(Undecodable::Unmappable(envelope.faults.join(", ")));
    }
    if envelope.event_type == SOURCE_REPORT {
        let report = source_reports::read(envelope, &opened);
        return Err(Undecodable::SourceReport(report.map(Box::new)));
    }
    if envelope.event_type == ALERT {
        return Err(Undecodable::Alert(serde_json::from_slice(&opened).ok()));
    }
    let content = if envelope.source == SourceId::whatsapp() {
        serde_json::from_slice(&opened).map(Content::Update)
    } else if envelope.event_type == FETCH {
        // The request itself is mapped once the platform has answered.
        serde_json::from_slice::<Kept>(&opened).map(|_| Content::Fetch)
    } else {
        serde_json::from_slice(&opened).map(Content::Event)
    };
    // The parser's message may quote personal data, so only the position is reported.
    let content = content.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Undecodable::ForGood(format!(
            "the sealed body cannot be read at line {line}, column {column}"
        ))
    })?;
    if matches!(content, Content::Fetch) && (envelope.resort.is_none() || envelope.booking.is_none()) {
        let why = "a webhook to ask its platform about names no booking";
        return Err(Undecodable::ForGood(why.to_owned()));
    }
    Ok(Opened {
        names: names(ring, &envelope, &content),
        trace: traces::next(envelope.traceparent),
        opened_at: Utc::now(),
        envelope: Arc::new(envelope),
        content: Arc::new(content),
    })
}

fn names(ring: &KeyRing, envelope: &Envelope, content: &Content) -> Vec<Vec<u8>> {
    let mut names = envelope.name_hashes.clone();
    names.extend(envelope.phone_hash.clone());
    // An older `ingest` put fewer hashes into the envelope than this version knows names.
    if let Content::Update(update) = content {
        let known = update.names();
        names.extend(known.iter().map(|name| ring.lookup(name.hash_input()).to_vec()));
    }
    names.sort();
    names.dedup();
    names
}

/// Readiness condition `events`: not met while this process receives events that it cannot decode (newer envelope version,
/// or a key missing from its ring) or that touch what a newer version wrote.
#[derive(Default)]
pub(crate) struct Decodability(Option<(Instant, String)>);

impl Decodability {
    /// Notes that an event was not for this process, which gives it back after `pause`.
    pub(crate) fn failed(&mut self, why: String, pause: Duration, now: Instant) {
        let known = self.0.as_ref().map(|(until, _)| *until);
        let until = now + pause + LINGER;
        self.0 = Some((known.map_or(until, |known| known.max(until)), why));
    }

    pub(crate) fn check(&self, now: Instant) -> Result<(), String> {
        match &self.0 {
            Some((until, why)) if now < *until => Err(why.clone()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_not_ready_until_another_has_had_time_to_take_what_it_cannot_decode() {
        let (mut decodability, now) = (Decodability::default(), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(decodability.check(now).is_ok());

        decodability.failed("newer".to_owned(), Duration::from_secs(30), now);
        decodability.failed("newer too".to_owned(), Duration::from_secs(1), now);

        assert_eq!(decodability.check(after(34)), Err("newer too".to_owned()));
        assert!(decodability.check(after(36)).is_ok());
    }
}
