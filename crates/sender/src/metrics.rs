//! Every metric of the sender.

use service::metrics::{
    Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, LATENCY_BUCKETS, MetricError, Metrics,
};

/// The sender's counters.
#[derive(Clone)]
pub(crate) struct SenderMetrics {
    /// By kind and outcome.
    pub(crate) messages: IntCounterVec,
    /// Calls by WhatsApp's error code.
    pub(crate) refusals: IntCounterVec,
    /// How long calls took.
    pub(crate) call_duration: Histogram,
    /// 1 while WhatsApp cannot be reached from this process.
    pub(crate) unreachable: IntGauge,
    /// Answers that were not WhatsApp's.
    pub(crate) foreign_answers: IntCounter,
    /// Calls in flight.
    pub(crate) in_flight: IntGauge,
    /// Calls that nobody spoke of again.
    pub(crate) unanswered: IntCounter,
    /// What became of calls that nobody spoke of, by kind and state.
    pub(crate) silent: IntCounterVec,
    /// Holds in force or being tried, by scope.
    pub(crate) holds: IntGaugeVec,
    /// Messages that wait for them, by scope.
    pub(crate) held_messages: IntGaugeVec,
    /// Holds that began, by scope.
    pub(crate) holds_begun: IntCounterVec,
    /// Messages of resorts without a readable file, left in the queue.
    pub(crate) without_resort: IntCounter,
    /// Messages of bookings whose stored facts are damaged, left in the queue.
    pub(crate) damaged: IntCounter,
    /// Values under keys that the ring does not have, by table.
    pub(crate) without_key: IntGaugeVec,
}

impl SenderMetrics {
    /// Registers them.
    #[expect(clippy::too_many_lines, reason = "one entry for each metric")]
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        Ok(Self {
            messages: metrics.counters(
                "bellhop_messages_total",
                "Messages by kind and outcome.",
                &["kind", "outcome"],
            )?,
            refusals: metrics.counters(
                "bellhop_refusals_total",
                "Calls that WhatsApp refused, by its code.",
                &["code"],
            )?,
            call_duration: metrics.histogram(
                "bellhop_call_seconds",
                "How long calls to WhatsApp took.",
                LATENCY_BUCKETS,
            )?,
            unreachable: metrics.gauge(
                "bellhop_whatsapp_unreachable",
                "1 while WhatsApp cannot be reached from this process, which claims nothing then.",
            )?,
            foreign_answers: metrics.counter(
                "bellhop_foreign_answers_total",
                "Answers to calls that were not WhatsApp's: of a proxy, a firewall or a wrong address.",
            )?,
            in_flight: metrics.gauge("bellhop_calls_in_flight", "Calls to WhatsApp that run now.")?,
            unanswered: metrics.counter(
                "bellhop_unanswered_calls_total",
                "Calls that were left without a word by a process that ended.",
            )?,
            silent: metrics.counters(
                "bellhop_silent_calls_total",
                "Calls that nobody spoke of and that were settled by evidence or given up, by kind and state.",
                &["kind", "state"],
            )?,
            holds: metrics.gauges(
                "bellhop_holds",
                "Holds by scope, a person's as paused.",
                &["scope"],
            )?,
            held_messages: metrics.gauges(
                "bellhop_held_messages",
                "Messages that wait for a hold, by its scope.",
                &["scope"],
            )?,
            holds_begun: metrics.counters(
                "bellhop_holds_begun_total",
                "Holds that refusals of WhatsApp began, by scope.",
                &["scope"],
            )?,
            without_resort: metrics.counter(
                "bellhop_messages_without_resort_total",
                "Times a message was left in the queue because its resort has no readable file.",
            )?,
            without_key: metrics.gauges(
                "bellhop_values_without_key",
                "Values that lie under keys that are not in the key ring, as found at start, by table.",
                &["table"],
            )?,
            damaged: metrics.counter(
                "bellhop_messages_of_damaged_bookings_total",
                "Times a message was left in the queue because its booking's stored facts are damaged.",
            )?,
        })
    }
}
