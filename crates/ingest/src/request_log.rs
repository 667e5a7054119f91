//! One log line and one count for every webhook, whatever became of it; a line for every other request.
//!
//! Lines that strangers can cause are bounded: see [`budget`]. Counts are not.

mod budget;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::HeaderMap;
use budget::{Budget, LeftOut};
use chrono::Utc;
use domain::ids::SourceId;
use domain::trace::TraceContext;
use mapping::check::Seen;
use traces::{Kind, Span, Spans};
use uuid::Uuid;

use crate::metrics::{IngestMetrics, OTHER, UNKNOWN};
use crate::problem::Problem;
use crate::source_reports::{Answered, SourceReports};

/// Where lines and counts of requests go.
pub(crate) struct RequestLog {
    metrics: Arc<IngestMetrics>,
    strangers: Budget,
    spans: Spans,
    /// What each source was answered, for people.
    pub(crate) reports: SourceReports,
}

/// What is to be said of one request; it says so when it is dropped, also when its caller went away before the answer.
///
/// It never holds the path, in which a token may stand, or anything personal.
pub(crate) struct Entry {
    /// Also in the answer.
    pub(crate) request_id: Uuid,
    /// Of the caller's trace, or of one that begins here.
    pub(crate) trace: TraceContext,
    /// The caller's span.
    caller: Option<TraceContext>,
    pub(crate) address: IpAddr,
    /// Set once the source is known to exist.
    pub(crate) source: Option<SourceId>,
    pub(crate) seen: Seen,
    /// Why it was refused, in more detail than the answer says.
    pub(crate) reason: Option<String>,
    /// How many updates a notification brought.
    pub(crate) updates: Option<usize>,
    /// How many events were in a request of a platform's, if not one.
    pub(crate) elements: Option<usize>,
    /// Whether its sender is known to be the source. Only then may it cause a line of level ERROR, and as many lines as
    /// the source's rate allows.
    pub(crate) is_authentic: bool,
    /// Whether its body had to be mended before it was JSON.
    pub(crate) is_mended: bool,
    answer: &'static str,
    status: u16,
    began_at: Instant,
    log: Arc<RequestLog>,
}

/// The request that something is published for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) request_id: Uuid,
    pub(crate) trace: TraceContext,
}

/// A request that is no webhook.
pub(crate) struct Other {
    pub(crate) request_id: Uuid,
    pub(crate) address: IpAddr,
    pub(crate) answer: &'static str,
    pub(crate) status: u16,
    pub(crate) took: Duration,
}

impl RequestLog {
    pub(crate) fn new(metrics: Arc<IngestMetrics>, spans: Spans) -> Self {
        Self {
            metrics,
            strangers: Budget::default(),
            spans,
            reports: SourceReports::default(),
        }
    }

    /// Logs a request that is not a webhook. Frequent requests, such as health checks, are logged at debug level: why `/readyz` answers 503
    /// stands in `not_ready`.
    pub(crate) fn tell_other(&self, other: &Other) {
        let is_refused = other.status >= 400 && other.status != 503;
        let level = if is_refused {
            log::Level::Info
        } else {
            log::Level::Debug
        };
        if is_refused && !self.allows(None, other.answer) {
            return;
        }
        log::log!(level, "request.id":% = other.request_id, source = UNKNOWN, address:% = other.address,
            answer = other.answer, status = other.status, duration_ms = other.took.as_secs_f64() * 1_000.0, event = "request"; "request");
    }

    /// Logs how many lines were omitted lately; to be called every few seconds.
    pub(crate) fn report_omitted(&self) {
        log_omitted(self.strangers.settle(Instant::now()));
    }

    /// Logs how many lines were omitted and not reported yet.
    pub(crate) fn finish(&self) {
        log_omitted(self.strangers.settle_all());
    }

    fn allows(&self, source: Option<&SourceId>, answer: &'static str) -> bool {
        let allowed = self.strangers.allows(source, answer, Instant::now());
        if !allowed {
            self.metrics.lines_left_out.inc();
        }
        allowed
    }
}

fn log_omitted(left_out: Vec<LeftOut>) {
    for LeftOut {
        source,
        answer,
        lines,
    } in left_out
    {
        let source = source.as_ref().map_or(UNKNOWN, SourceId::as_str);
        log::warn!(source, answer, lines, event = "lines_omitted"; "lines of refused requests were left out");
    }
}

impl Entry {
    pub(crate) fn begin(address: IpAddr, headers: &HeaderMap, log: Arc<RequestLog>) -> Self {
        let caller = caller_of(headers);
        Self {
            request_id: Uuid::now_v7(),
            trace: traces::next(caller),
            caller,
            address,
            source: None,
            seen: Seen::default(),
            reason: None,
            updates: None,
            elements: None,
            is_authentic: false,
            is_mended: false,
            answer: "aborted",
            status: 0,
            began_at: Instant::now(),
            log,
        }
    }

    /// What is published because of it says so.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            request_id: self.request_id,
            trace: self.trace,
        }
    }

    pub(crate) fn answered(&mut self, answer: &'static str) {
        self.answer = answer;
        self.status = 200;
    }

    pub(crate) fn refused(&mut self, problem: &Problem) {
        self.answer = problem.name();
        self.status = problem.status().as_u16();
        if let Problem::InvalidEvent(errors) = problem {
            let fields = errors.iter().map(|error| error.field);
            self.reason = Some(fields.collect::<Vec<_>>().join(", "));
        }
    }

    fn for_report(&self) -> Answered<'_> {
        Answered {
            status: self.status,
            answer: self.answer,
            reason: self.reason.as_deref(),
            event_type: self.seen.event_type.map(|event_type| event_type.as_str()),
            request_id: self.request_id,
            is_authentic: self.is_authentic,
        }
    }

    fn span(&self, took: Duration) -> Span {
        let ended_at = Utc::now();
        let source = self.source.as_ref().map_or(UNKNOWN, SourceId::as_str);
        Span {
            name: "POST /webhooks/{source}".to_owned(),
            kind: Kind::Server,
            context: self.trace,
            parent: self.caller,
            link: None,
            began_at: ended_at - took,
            ended_at,
            has_failed: self.status >= 500,
            attributes: vec![
                ("http.request.method", "POST".into()),
                ("http.route", "/webhooks/{source}".into()),
                ("http.response.status_code", i64::from(self.status).into()),
                ("bellhop.request.id", self.request_id.to_string().into()),
                ("bellhop.source", source.into()),
                ("bellhop.answer", self.answer.into()),
            ],
        }
    }

    fn log(&self, took: Duration) {
        let is_bounded = !self.is_authentic || matches!(self.status, 429 | 500..);
        if is_bounded && !self.log.allows(self.source.as_ref(), self.answer) {
            return;
        }
        let level = match self.status {
            500.. if self.is_authentic => log::Level::Error,
            401 | 403 | 429 | 500.. => log::Level::Warn,
            _ => log::Level::Info,
        };
        log::log!(
            level,
            "request.id":% = self.request_id,
            trace:% = self.trace.trace_id(),
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
            elements = self.elements,
            mended = self.is_mended.then_some(true),
            duration_ms = took.as_secs_f64() * 1_000.0,
            event = "webhook";
            "webhook"
        );
    }
}

/// The span of the caller, if it names one. `tracestate` is not kept.
fn caller_of(headers: &HeaderMap) -> Option<TraceContext> {
    headers.get("traceparent")?.to_str().ok()?.parse().ok()
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = self.began_at.elapsed();
        let source = self.source.as_ref().map_or(UNKNOWN, SourceId::as_str);
        let event_type = self
            .seen
            .event_type
            .map_or(OTHER, |event_type| event_type.as_str());
        let metrics = &self.log.metrics;
        metrics.count_answer(source, event_type, self.answer, self.status, took);
        if self.is_mended {
            metrics.count_mended(source);
        }
        if let Some(source) = &self.source {
            self.log.reports.note(source, &self.for_report());
        }
        // Strangers must not fill the collector.
        if self.is_authentic {
            self.log.spans.record(self.trace, || self.span(took));
        }
        self.log(took);
    }
}
