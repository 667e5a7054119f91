//! One log line and one count for every webhook, whatever became of it; a line for every other request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ids::SourceId;
use uuid::Uuid;

use crate::metrics::{Metrics, OTHER, UNKNOWN};
use crate::problem::Problem;
use crate::validation::Seen;

/// What is to be said of one request; it says so when it is dropped, also when its caller went away before the answer.
///
/// It never holds the path, in which a token may stand, or anything personal.
pub(crate) struct Entry {
    /// Told to the caller too.
    pub(crate) request_id: Uuid,
    /// Where it came from.
    pub(crate) address: IpAddr,
    /// Set once the source is known to exist.
    pub(crate) source: Option<SourceId>,
    /// What its body says.
    pub(crate) seen: Seen,
    /// Why it was refused, in more detail than the caller is told.
    pub(crate) reason: Option<String>,
    /// How many updates a notification brought.
    pub(crate) updates: Option<usize>,
    answer: &'static str,
    status: u16,
    began_at: Instant,
    metrics: Arc<Metrics>,
}

impl Entry {
    /// Begins with the request's head.
    pub(crate) fn begin(address: IpAddr, metrics: Arc<Metrics>) -> Self {
        Self {
            request_id: Uuid::now_v7(),
            address,
            source: None,
            seen: Seen::default(),
            reason: None,
            updates: None,
            answer: "aborted",
            status: 0,
            began_at: Instant::now(),
            metrics,
        }
    }

    /// Notes a 200.
    pub(crate) fn answered(&mut self, answer: &'static str) {
        self.answer = answer;
        self.status = 200;
    }

    /// Notes a refusal.
    pub(crate) fn refused(&mut self, problem: &Problem) {
        self.answer = problem.name();
        self.status = problem.status().as_u16();
        if let Problem::InvalidEvent(errors) = problem {
            let fields = errors.iter().map(|error| error.field);
            self.reason = Some(fields.collect::<Vec<_>>().join(", "));
        }
    }

    fn log(&self, took: Duration) {
        let level = match self.status {
            500.. => log::Level::Error,
            401 | 403 | 429 => log::Level::Warn,
            _ => log::Level::Info,
        };
        log::log!(
            level,
            "request.id":% = self.request_id,
            source = self.source.as_ref().map_or(UNKNOWN, SourceId::as_str),
            address:% = self.address,
            "event.type" = self.seen.event_type.map(|event_type| event_type.as_str()),
            "event.id" = self.seen.id.as_ref().map(|id| id.as_str()),
            "resort.id" = self.seen.resort.as_ref().map(|id| id.as_str()),
            "booking.id" = self.seen.booking.as_ref().map(|id| id.as_str()),
            answer = self.answer,
            status = self.status,
            reason = self.reason.as_deref(),
            updates = self.updates,
            duration_ms = took.as_secs_f64() * 1_000.0;
            "webhook"
        );
    }
}

/// As for a webhook, for a request of anything else; what is asked again and again, such as health, only for those
/// who debug.
pub(crate) fn tell_other(request_id: Uuid, address: IpAddr, answer: &str, status: u16, took: Duration) {
    let level = if status < 400 {
        log::Level::Debug
    } else {
        log::Level::Info
    };
    log::log!(level, "request.id":% = request_id, source = UNKNOWN, address:% = address, answer = answer,
        status = status, duration_ms = took.as_secs_f64() * 1_000.0; "request");
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = self.began_at.elapsed();
        let source = self.source.as_ref().map_or(UNKNOWN, SourceId::as_str);
        let event_type = self
            .seen
            .event_type
            .map_or(OTHER, |event_type| event_type.as_str());
        self.metrics
            .count_answer(source, event_type, self.answer, self.status, took);
        self.log(took);
    }
}
