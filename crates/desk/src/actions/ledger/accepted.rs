//! What the log of `ingest` calls accepted, held against what is stored: names the events that a restored database or a lost
//! queue has cost.

use std::io::BufRead;

use chrono::{DateTime, Utc};
use domain::ledger::Trouble;
use serde::Deserialize;
use store::{Store, StoreError};

use super::FindingView;

/// So many keys in one query.
const AT_ONCE: usize = 5_000;

/// One line of the log; others have other fields, or are no JSON at all.
#[derive(Deserialize)]
struct Line {
    time: Option<DateTime<Utc>>,
    event: String,
    answer: Option<String>,
    source: String,
    #[serde(rename = "event.id")]
    event_id: Option<String>,
    #[serde(rename = "event.type")]
    event_type: Option<String>,
    #[serde(rename = "resort.id")]
    resort: Option<String>,
    #[serde(rename = "booking.id")]
    booking: Option<String>,
}

/// An event that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Accepted {
    key: String,
    booking: Option<String>,
    event_type: String,
    at: Option<DateTime<Utc>>,
}

/// Everything that logs call accepted.
#[derive(Debug, Default)]
pub(crate) struct AcceptedEvents {
    named: Vec<Accepted>,
    /// Requests whose events have no id in the log, such as WhatsApp's reports: none of them can be looked up.
    pub(crate) unnamed: usize,
}

impl AcceptedEvents {
    /// Adds what a log has. Lines that are none of `ingest`'s are passed over.
    pub(crate) fn read(&mut self, log: impl BufRead) -> std::io::Result<()> {
        for line in log.split(b'\n') {
            let Ok(line) = serde_json::from_slice::<Line>(&line?) else {
                continue;
            };
            if line.event == "webhook" && line.answer.as_deref() == Some("accepted") {
                self.add(line);
            }
        }
        Ok(())
    }

    fn add(&mut self, line: Line) {
        let Some(id) = line.event_id else {
            self.unnamed += 1;
            return;
        };
        self.named.push(Accepted {
            key: format!("{}/{id}", line.source),
            booking: line
                .resort
                .zip(line.booking)
                .map(|(resort, booking)| format!("{resort}/{booking}")),
            event_type: line.event_type.unwrap_or_default(),
            at: line.time,
        });
    }

    /// Those that are neither stored nor a dead letter, oldest first, each once.
    pub(super) async fn missing(mut self, store: &Store) -> Result<Vec<FindingView>, StoreError> {
        self.named
            .sort_by(|one, other| (one.at, &one.key).cmp(&(other.at, &other.key)));
        let mut missing = Vec::new();
        let mut seen = std::collections::HashSet::new();
        self.named.retain(|event| seen.insert(event.key.clone()));
        for chunk in self.named.chunks(AT_ONCE) {
            let keys: Vec<String> = chunk.iter().map(|event| event.key.clone()).collect();
            let unknown = store
                .run(move |connection| store::ledger::unknown_events(connection, &keys))
                .await?;
            missing.extend(
                chunk
                    .iter()
                    .filter(|event| unknown.contains(&event.key))
                    .map(view),
            );
        }
        Ok(missing)
    }
}

fn view(event: &Accepted) -> FindingView {
    let trouble = Trouble::AcceptedEventMissing;
    FindingView {
        trouble: trouble.as_str(),
        subject: event.key.clone(),
        booking: event.booking.clone(),
        detail: event.event_type.clone(),
        since: event.at,
        advice: trouble.advice(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_accepted_webhooks_with_an_id_are_looked_up() {
        let log = [
            r#"{"time":"2026-11-29T10:00:00.000Z","level":"INFO","message":"webhook","event":"webhook","source":"direct","event.id":"e-1","event.type":"booking_started","resort.id":"azure-bay","booking.id":"BK-1","answer":"accepted"}"#,
            r#"{"time":"2026-11-29T10:00:01.000Z","event":"webhook","source":"direct","event.id":"e-2","answer":"invalid_event"}"#,
            r#"{"time":"2026-11-29T10:00:02.000Z","event":"webhook","source":"whatsapp","updates":2,"answer":"accepted"}"#,
            r#"{"time":"2026-11-29T10:00:03.000Z","event":"listening","address":"127.0.0.1:8080"}"#,
            "no JSON",
        ];
        let mut found = AcceptedEvents::default();

        found.read(log.join("\n").as_bytes()).unwrap();

        let expected = Accepted {
            key: "direct/e-1".to_owned(),
            booking: Some("azure-bay/BK-1".to_owned()),
            event_type: "booking_started".to_owned(),
            at: "2026-11-29T10:00:00Z".parse().ok(),
        };
        assert_eq!((found.named, found.unnamed), (vec![expected], 1));
    }
}
