//! Every metric of the sender; `docs/metrics.md` lists them. Series with known labels exist from the start.

mod messages;

use domain::after_call::Scope;
use domain::endpoint::Endpoint;
use domain::message::{MessageKind, MessageState};
use service::metrics::{
    Histogram, IntCounter, IntCounterVec, IntGauge, LATENCY_BUCKETS, MetricError, Metrics,
};

pub(crate) use messages::MessageCounters;

/// What a call came to, what kept a message from its call, and what a claim ended it for.
const OUTCOMES: [&str; 14] = [
    "accepted",
    "refused",
    "unreachable",
    "intercepted",
    "unknown",
    "skipped",
    "put_off",
    "held",
    "expired",
    "opted_out",
    "confirmed",
    "booked_elsewhere",
    "capped",
    "held_out",
];

/// What a call came to: the first of [`OUTCOMES`].
const CALL_OUTCOMES: usize = 5;

#[derive(Clone)]
pub(crate) struct SenderMetrics {
    pub(crate) messages: MessageCounters,
    /// By WhatsApp's endpoint and outcome.
    pub(crate) calls: IntCounterVec,
    /// By WhatsApp's error code.
    pub(crate) refusals: IntCounterVec,
    pub(crate) call_duration: Histogram,
    pub(crate) unreachable: IntGauge,
    pub(crate) foreign_answers: IntCounter,
    pub(crate) in_flight: IntGauge,
    /// In the routes' queues.
    pub(crate) waiting: IntGauge,
    pub(crate) backlogged: IntCounter,
    pub(crate) lost_calls: IntCounter,
    /// By kind and the state that the message was given.
    pub(crate) settled_calls: IntCounterVec,
    pub(crate) holds_begun: IntCounterVec,
    pub(crate) without_resort: IntCounter,
    pub(crate) damaged: IntCounter,
}

fn calls(metrics: &Metrics) -> Result<IntCounterVec, MetricError> {
    let help = "Calls to WhatsApp by its endpoint and outcome.";
    metrics.counters("bellhop_calls_total", help, &["endpoint", "outcome"])
}

impl SenderMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        let made = Self::register(metrics)?;
        made.start_at_zero();
        Ok(made)
    }

    fn register(metrics: &Metrics) -> Result<Self, MetricError> {
        Ok(Self {
            messages: MessageCounters::register(metrics)?,
            calls: calls(metrics)?,
            refusals: metrics.counters(
                "bellhop_refusals_total",
                "Calls that WhatsApp refused, by its error code.",
                &["code"],
            )?,
            call_duration: metrics.histogram(
                "bellhop_call_seconds",
                "Duration of calls to WhatsApp.",
                LATENCY_BUCKETS,
            )?,
            unreachable: metrics.gauge(
                "bellhop_whatsapp_unreachable",
                "1 while this process cannot connect to WhatsApp and claims nothing.",
            )?,
            foreign_answers: metrics.counter(
                "bellhop_foreign_answers_total",
                "Answers to calls that came from a proxy, a firewall or a wrong address instead of WhatsApp.",
            )?,
            in_flight: metrics.gauge("bellhop_calls_in_flight", "Calls to WhatsApp that run now.")?,
            waiting: metrics.gauge(
                "bellhop_waiting_messages",
                "Prepared messages that wait in this process for their route and their number's rate.",
            )?,
            backlogged: metrics.counter(
                "bellhop_backlogged_messages_total",
                "Times a message was put off because too many others wait for its number.",
            )?,
            lost_calls: metrics.counter(
                "bellhop_lost_calls_total",
                "Claims left without a result by a sender that was killed.",
            )?,
            settled_calls: metrics.counters(
                "bellhop_settled_calls_total",
                "Unresolved calls that were queued again or dead-lettered, by kind and new state.",
                &["kind", "state"],
            )?,
            holds_begun: metrics.counters(
                "bellhop_holds_begun_total",
                "Holds that refusals of WhatsApp began, by scope.",
                &["scope"],
            )?,
            without_resort: metrics.counter(
                "bellhop_messages_without_resort_total",
                "Times a message stayed queued because its resort has no readable file.",
            )?,
            damaged: metrics.counter(
                "bellhop_messages_of_damaged_bookings_total",
                "Times a message stayed queued because its booking's stored facts are damaged.",
            )?,
        })
    }

    /// Makes every series whose labels are known, so that rates and alarms have a start.
    fn start_at_zero(&self) {
        self.messages.start_at_zero(&OUTCOMES);
        for kind in MessageKind::labels() {
            for state in [MessageState::Queued, MessageState::Dead] {
                self.settled_calls.with_label_values(&[kind, state.as_str()]);
            }
        }
        for endpoint in Endpoint::ALL {
            for outcome in OUTCOMES.iter().take(CALL_OUTCOMES) {
                self.calls.with_label_values(&[endpoint.as_str(), outcome]);
            }
        }
        let shared = Scope::ALL.iter().filter(|scope| scope.is_shared());
        for scope in shared.map(|scope| scope.as_str()) {
            self.holds_begun.with_label_values(&[scope]);
        }
    }
}
