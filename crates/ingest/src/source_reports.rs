//! What each source was answered since the last summary of it, which `processor` stores for `desk source last`.
//!
//! Noting an answer is a few instructions under a lock; publishing is a task of its own. No webhook waits for either.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use domain::ids::SourceId;
use domain::source_report::{AnswerCount, LATEST, SourceAnswer, SourceReport};
use service::lock;
use uuid::Uuid;

/// How many kinds of answers one summary tells apart: strangers can cause many reasons.
const MOST_KINDS: usize = 40;
const LONGEST_REASON: usize = 300;
const OTHER_REASONS: &str = "other reasons";

/// Answers that were not summarised yet.
#[derive(Default)]
pub(crate) struct SourceReports(Mutex<BTreeMap<SourceId, Pending>>);

/// What a source was answered. It becomes a report only when that is published.
#[derive(Default)]
pub(crate) struct Pending {
    counts: BTreeMap<Kind, u64>,
    answers: VecDeque<Noted>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    status: u16,
    answer: &'static str,
    reason: Option<String>,
}

struct Noted {
    at: DateTime<Utc>,
    status: u16,
    answer: &'static str,
    reason: Option<String>,
    event_type: Option<&'static str>,
    request_id: Uuid,
}

/// One answer, as its log line says it.
pub(crate) struct Answered<'e> {
    pub(crate) status: u16,
    pub(crate) answer: &'static str,
    pub(crate) reason: Option<&'e str>,
    pub(crate) event_type: Option<&'static str>,
    pub(crate) request_id: Uuid,
    pub(crate) is_authentic: bool,
}

impl SourceReports {
    pub(crate) fn note(&self, source: &SourceId, answered: &Answered<'_>) {
        let reason = answered
            .reason
            .map(|reason| reason.chars().take(LONGEST_REASON).collect::<String>());
        let mut sources = lock(&self.0);
        let pending = match sources.get_mut(source) {
            Some(pending) => pending,
            None => sources.entry(source.clone()).or_default(),
        };
        if answered.is_authentic {
            pending.push(Noted {
                at: Utc::now(),
                status: answered.status,
                answer: answered.answer,
                reason: reason.clone(),
                event_type: answered.event_type,
                request_id: answered.request_id,
            });
        }
        let kind = Kind {
            status: answered.status,
            answer: answered.answer,
            reason,
        };
        pending.count(kind, 1);
    }

    /// The sources that were answered since the last time.
    pub(crate) fn take(&self) -> BTreeMap<SourceId, Pending> {
        std::mem::take(&mut *lock(&self.0))
    }

    /// Summaries that could not be published wait for the next time.
    pub(crate) fn give_back(&self, older: BTreeMap<SourceId, Pending>) {
        let mut sources = lock(&self.0);
        for (source, mut older) in older {
            let newer = sources.remove(&source).unwrap_or_default();
            newer.answers.into_iter().for_each(|answer| older.push(answer));
            newer
                .counts
                .into_iter()
                .for_each(|(kind, count)| older.count(kind, count));
            sources.insert(source, older);
        }
    }
}

impl Pending {
    fn push(&mut self, answer: Noted) {
        if self.answers.len() == LATEST {
            self.answers.pop_front();
        }
        self.answers.push_back(answer);
    }

    fn count(&mut self, mut kind: Kind, count: u64) {
        if self.counts.len() >= MOST_KINDS && !self.counts.contains_key(&kind) {
            kind.reason = Some(OTHER_REASONS.to_owned());
        }
        *self.counts.entry(kind).or_default() += count;
    }

    /// The summary.
    pub(crate) fn report(&self) -> SourceReport {
        let counts = self.counts.iter().map(|(kind, count)| AnswerCount {
            status: kind.status,
            answer: kind.answer.to_owned(),
            reason: kind.reason.clone(),
            count: *count,
        });
        let answers = self.answers.iter().map(|noted| SourceAnswer {
            at: noted.at,
            status: noted.status,
            answer: noted.answer.to_owned(),
            reason: noted.reason.clone(),
            event_type: noted.event_type.map(str::to_owned),
            request_id: noted.request_id.to_string(),
        });
        SourceReport {
            counts: counts.collect(),
            answers: answers.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(reason: &str, is_authentic: bool) -> Answered<'_> {
        Answered {
            status: if is_authentic { 200 } else { 401 },
            answer: if is_authentic {
                "unmappable"
            } else {
                "unauthorized"
            },
            reason: Some(reason),
            event_type: None,
            request_id: Uuid::nil(),
            is_authentic,
        }
    }

    fn taken(reports: &SourceReports, source: &SourceId) -> SourceReport {
        reports.take().remove(source).unwrap().report()
    }

    #[test]
    fn a_summary_counts_every_answer_and_names_the_latest_authentic_ones() {
        let (reports, rooms) = (SourceReports::default(), SourceId::parse("rooms").unwrap());
        for number in 0..30 {
            reports.note(&rooms, &answered(&format!("field {}", number % 2), true));
        }
        reports.note(&rooms, &answered("no signature", false));

        let report = taken(&reports, &rooms);

        let counts: Vec<_> = report
            .counts
            .iter()
            .map(|one| (one.status, one.reason.as_deref(), one.count))
            .collect();
        assert_eq!(
            counts,
            [
                (200, Some("field 0"), 15),
                (200, Some("field 1"), 15),
                (401, Some("no signature"), 1)
            ]
        );
        assert_eq!(report.answers.len(), LATEST);
        assert_eq!(report.answers[0].reason.as_deref(), Some("field 0"));
    }

    #[test]
    fn many_reasons_are_counted_together_and_what_was_not_published_is_kept() {
        let (reports, rooms) = (SourceReports::default(), SourceId::parse("rooms").unwrap());
        for number in 0..100 {
            reports.note(&rooms, &answered(&format!("reason {number:03}"), false));
        }
        let older = reports.take();
        reports.note(&rooms, &answered("reason 000", false));

        reports.give_back(older);

        let report = taken(&reports, &rooms);
        assert_eq!(report.counts.len(), MOST_KINDS + 1);
        let count = |reason: &str| {
            let found = report
                .counts
                .iter()
                .find(|one| one.reason.as_deref() == Some(reason));
            found.unwrap().count
        };
        assert_eq!((count(OTHER_REASONS), count("reason 000")), (60, 2));
    }
}
