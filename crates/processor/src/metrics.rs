//! Every metric of the processor.

use service::metrics::{
    Histogram, IntCounterVec, IntGauge, IntGaugeVec, LATENCY_BUCKETS, MetricError, Metrics,
};

/// The processor's counters.
#[derive(Clone)]
pub(crate) struct ProcessorMetrics {
    /// By type and outcome: `applied`, `duplicate`, `ignored`, `dead`, `retried`.
    pub(crate) events: IntCounterVec,
    /// By kind and the state that they moved to.
    pub(crate) messages: IntCounterVec,
    /// Status changes by the new status.
    pub(crate) bookings: IntCounterVec,
    /// From an event's arrival at `ingest` to its commit.
    pub(crate) event_delay: Histogram,
    /// How late wake-ups were.
    pub(crate) wake_up_lateness: Histogram,
    /// Ids and letters handed to the broker, by outcome: `published`, `unavailable`, `refused`, `unroutable`,
    /// `unconfirmed`.
    pub(crate) relayed: IntCounterVec,
    /// Reports that name no message of ours.
    pub(crate) unmatched_reports: service::metrics::IntCounter,
    /// Holds that reported failures began, by scope.
    pub(crate) holds_begun: IntCounterVec,
    /// Stops in WhatsApp whose writer matches no guest.
    pub(crate) unmatched_stops: service::metrics::IntCounter,
    /// Bookings that wait since their resort has no readable file, in the whole database.
    pub(crate) without_resort: IntGauge,
    /// Times a booking that was due could not be planned and was left aside.
    pub(crate) left_aside: service::metrics::IntCounter,
    /// Events in hand that wait for another try.
    pub(crate) parked: IntGauge,
    /// Values under keys that the ring does not have, by table.
    pub(crate) without_key: IntGaugeVec,
    /// What was taken away because it was held long enough: `raw_events`, `letters`, `guest_names`, `guests` (by
    /// booking).
    pub(crate) removed: IntCounterVec,
}

impl ProcessorMetrics {
    /// Registers them.
    #[expect(clippy::too_many_lines, reason = "one entry for each metric")]
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, MetricError> {
        Ok(Self {
            events: metrics.counters(
                "bellhop_events_total",
                "Events by type and outcome.",
                &["type", "outcome"],
            )?,
            messages: metrics.counters(
                "bellhop_messages_planned_total",
                "Messages that a plan or a report moved, by kind and new state.",
                &["kind", "state"],
            )?,
            bookings: metrics.counters(
                "bellhop_bookings_total",
                "Bookings that changed status, by the new one.",
                &["status"],
            )?,
            event_delay: metrics.histogram(
                "bellhop_event_delay_seconds",
                "From an event's arrival to its commit.",
                LATENCY_BUCKETS,
            )?,
            wake_up_lateness: metrics.histogram(
                "bellhop_wake_up_lateness_seconds",
                "How late bookings were woken.",
                LATENCY_BUCKETS,
            )?,
            relayed: metrics.counters(
                "bellhop_relayed_total",
                "Message ids handed to the broker, by outcome.",
                &["outcome"],
            )?,
            unmatched_reports: metrics.counter(
                "bellhop_unmatched_reports_total",
                "WhatsApp's reports that name no message of ours.",
            )?,
            holds_begun: metrics.counters(
                "bellhop_holds_begun_total",
                "Holds that refusals of WhatsApp began, by scope.",
                &["scope"],
            )?,
            unmatched_stops: metrics.counter(
                "bellhop_unmatched_stops_total",
                "Stops in WhatsApp whose writer matches no guest.",
            )?,
            without_resort: metrics.gauge(
                "bellhop_bookings_without_resort",
                "Bookings that wait since their resort has no readable file, in the whole database.",
            )?,
            left_aside: metrics.counter(
                "bellhop_bookings_left_aside_total",
                "Times a booking that was due could not be planned and was left aside for a minute.",
            )?,
            parked: metrics.gauge(
                "bellhop_events_parked",
                "Events in hand that wait for another try.",
            )?,
            without_key: metrics.gauges(
                "bellhop_values_without_key",
                "Values that lie under keys that are not in the key ring, as found at start, by table.",
                &["table"],
            )?,
            removed: metrics.counters(
                "bellhop_retention_total",
                "What was taken away because its time was over: raw events, letters, guests' names, guests' bookings.",
                &["of"],
            )?,
        })
    }
}
