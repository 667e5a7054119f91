//! Every metric of the processor; docs/metrics.md describes them.

mod waiting;
mod webhooks_out;

use std::collections::BTreeMap;

use domain::after_call::Scope;
use domain::dead_letter::DeadLetterReason;
use domain::event::EventType;
use domain::hold;
use domain::message::{MessageKind, MessageState};
use domain::plan::Status;
use service::metrics::{
    Gauge, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, LATENCY_BUCKETS, MetricError, Metrics,
};
use store::figures::Figures;
use store::reseal::SealedColumn;
use whatsapp::notification::Update;

use self::waiting::WaitingMetrics;
use self::webhooks_out::WebhookMetrics;

#[derive(Clone)]
pub(crate) struct ProcessorMetrics {
    pub(crate) events: IntCounterVec,
    pub(crate) messages: IntCounterVec,
    pub(crate) bookings: IntCounterVec,
    pub(crate) event_delay: Histogram,
    pub(crate) timer_lateness: Histogram,
    pub(crate) relayed: IntCounterVec,
    pub(crate) unmatched_reports: IntCounter,
    pub(crate) holds_begun: IntCounterVec,
    pub(crate) unmatched_stops: IntCounter,
    pub(crate) unplannable: IntCounter,
    pub(crate) delayed: IntGauge,
    pub(crate) purged: IntCounterVec,
    pub(crate) fetches: IntCounterVec,
    pub(crate) fetch_seconds: Histogram,
    /// Of the whole database, like those below: 0 unless this process holds the lock of [`store::figures`].
    pub(crate) without_resort: IntGauge,
    pub(crate) fetches_waiting: IntGauge,
    pub(crate) conversations_waiting: IntGauge,
    pub(crate) oldest_conversation: Gauge,
    pub(crate) without_key: IntGaugeVec,
    pub(crate) holds: IntGaugeVec,
    pub(crate) held_messages: IntGaugeVec,
    pub(crate) reports_missing: IntGauge,
    pub(crate) waiting: WaitingMetrics,
    pub(crate) webhooks_out: WebhookMetrics,
}

const EVENT_OUTCOMES: [&str; 5] = ["applied", "duplicate", "ignored", "dead", "retried"];
const RELAY_OUTCOMES: [&str; 5] = ["published", "unavailable", "refused", "unroutable", "unconfirmed"];
const PURGED: [&str; 8] = [
    "raw_events",
    "letters",
    "answers",
    "guest_names",
    "source_reports",
    "raised_alerts",
    "reminded",
    "guests",
];

fn scopes() -> impl Iterator<Item = &'static str> {
    let scopes = Scope::ALL.iter().map(|scope| scope.as_str());
    scopes.chain([hold::PAUSED])
}

fn without_template() -> &'static str {
    DeadLetterReason::TemplateMissing.as_str()
}

impl ProcessorMetrics {
    #[expect(clippy::too_many_lines, reason = "one entry for each metric")]
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        let counters = |name, help, labels: &[&str]| metrics.counters(name, help, labels);
        let known = Self {
            events: counters(
                "bellhop_events_total",
                "Events by type and outcome.",
                &["type", "outcome"],
            )?,
            messages: counters(
                "bellhop_messages_planned_total",
                "Messages that a plan or a report moved, by kind and new state.",
                &["kind", "state"],
            )?,
            bookings: counters(
                "bellhop_bookings_total",
                "Bookings that changed status, by the new one.",
                &["status"],
            )?,
            event_delay: metrics.histogram(
                "bellhop_event_delay_seconds",
                "From an event's arrival to its commit.",
                LATENCY_BUCKETS,
            )?,
            timer_lateness: metrics.histogram(
                "bellhop_timer_lateness_seconds",
                "How late timers fired.",
                LATENCY_BUCKETS,
            )?,
            relayed: counters(
                "bellhop_relayed_total",
                "Message ids and dead letters handed to the broker, by outcome.",
                &["outcome"],
            )?,
            unmatched_reports: metrics.counter(
                "bellhop_unmatched_reports_total",
                "WhatsApp's reports that name no message of ours.",
            )?,
            holds_begun: counters(
                "bellhop_holds_begun_total",
                "Holds that refusals of WhatsApp began, by scope.",
                &["scope"],
            )?,
            unmatched_stops: metrics.counter(
                "bellhop_unmatched_stops_total",
                "Stops in WhatsApp whose writer matches no guest.",
            )?,
            unplannable: metrics.counter(
                "bellhop_unplannable_bookings_total",
                "Times a due booking could not be planned and was put off for a minute.",
            )?,
            delayed: metrics.gauge(
                "bellhop_events_delayed",
                "Events that wait in this process for another try.",
            )?,
            purged: counters(
                "bellhop_retention_total",
                "What retention emptied or erased: raw events, letters, answers, names, reports, reminders of a day ago, guests' bookings.",
                &["of"],
            )?,
            fetches: counters(
                "bellhop_fetches_total",
                "Questions to platforms about bookings, by source and result.",
                &["source", "result"],
            )?,
            fetch_seconds: metrics.histogram(
                "bellhop_fetch_seconds",
                "Duration of calls to platforms.",
                LATENCY_BUCKETS,
            )?,
            fetches_waiting: metrics.gauge(
                "bellhop_fetches_waiting",
                "Webhooks whose platforms are still to be asked, in the whole database.",
            )?,
            conversations_waiting: metrics.gauge(
                "bellhop_conversations_waiting",
                "Guests who wrote and wait for staff, in the whole database.",
            )?,
            oldest_conversation: metrics.number(
                "bellhop_conversations_oldest_seconds",
                "For how long the guest has waited who has waited longest, in the whole database.",
            )?,
            without_resort: metrics.gauge(
                "bellhop_bookings_without_resort",
                "Bookings whose resort has no readable file, in the whole database.",
            )?,
            without_key: metrics.gauges(
                "bellhop_values_without_key",
                "Values under keys that the key ring does not have, in the whole database, by table.",
                &["table"],
            )?,
            holds: metrics.gauges(
                "bellhop_holds",
                "Holds in the whole database, by scope.",
                &["scope"],
            )?,
            held_messages: metrics.gauges(
                "bellhop_held_messages",
                "Messages on hold in the whole database, by the hold's scope.",
                &["scope"],
            )?,
            reports_missing: metrics.gauge(
                "bellhop_reports_missing",
                "Business numbers whose messages WhatsApp accepts without reporting on them, in the whole database.",
            )?,
            waiting: WaitingMetrics::new(metrics)?,
            webhooks_out: WebhookMetrics::new(metrics)?,
        };
        known.begin_series();
        Ok(known)
    }

    /// Every series with known labels exists from the start, with 0.
    fn begin_series(&self) {
        let types = EventType::ALL.iter().map(|one| one.as_str());
        for event_type in types.chain(Update::KINDS).chain(["unreadable"]) {
            for outcome in EVENT_OUTCOMES {
                self.events.with_label_values(&[event_type, outcome]);
            }
        }
        for kind in MessageKind::labels() {
            for state in MessageState::ALL {
                self.messages.with_label_values(&[kind, state.as_str()]);
            }
        }
        for status in Status::ALL {
            self.bookings.with_label_values(&[status.as_str()]);
        }
        for outcome in RELAY_OUTCOMES {
            self.relayed.with_label_values(&[outcome]);
        }
        for scope in Scope::ALL {
            self.holds_begun.with_label_values(&[scope.as_str()]);
        }
        for of in PURGED {
            self.purged.with_label_values(&[of]);
        }
        self.reset_figures();
    }

    pub(crate) fn show_figures(&self, figures: &Figures, missing_keys: &BTreeMap<&'static str, i64>) {
        self.waiting.show(figures);
        self.webhooks_out.show(figures.webhooks_out);
        for scope in scopes() {
            let of_scope = || figures.holds.iter().filter(|(hold, _)| hold.scope == scope);
            let holds = i64::try_from(of_scope().count()).unwrap_or(i64::MAX);
            let messages = of_scope().map(|(_, messages)| *messages).sum();
            self.holds.with_label_values(&[scope]).set(holds);
            self.held_messages.with_label_values(&[scope]).set(messages);
        }
        self.held_messages
            .with_label_values(&[without_template()])
            .set(figures.messages_without_template);
        self.without_resort.set(figures.bookings_without_resort);
        self.fetches_waiting.set(figures.fetches_waiting);
        self.conversations_waiting.set(figures.guests_waiting);
        self.oldest_conversation.set(figures.oldest_waiting_seconds);
        let silent = i64::try_from(figures.report_gaps.len()).unwrap_or(i64::MAX);
        self.reports_missing.set(silent);
        for (table, values) in missing_keys {
            self.without_key.with_label_values(&[*table]).set(*values);
        }
    }

    /// Another processor exports the figures.
    pub(crate) fn reset_figures(&self) {
        self.waiting.reset();
        self.webhooks_out.reset();
        for scope in scopes().chain([without_template()]) {
            self.held_messages.with_label_values(&[scope]).set(0);
        }
        for scope in scopes() {
            self.holds.with_label_values(&[scope]).set(0);
        }
        for table in [SealedColumn::Bookings, SealedColumn::Events].map(SealedColumn::table) {
            self.without_key.with_label_values(&[table]).set(0);
        }
        self.without_resort.set(0);
        self.fetches_waiting.set(0);
        self.conversations_waiting.set(0);
        self.oldest_conversation.set(0.0);
        self.reports_missing.set(0);
    }
}
