//! The measurements.

use crate::bench::Bench;
use crate::figures::Report;

mod e2e;
mod fairness;
mod ingest;
mod latency;
mod mapping;
mod processor;
mod profile;
mod sender;
mod tables;
mod timers;
mod upgrade;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measurement {
    Ingest,
    Mapping,
    Processor,
    Sender,
    E2e,
    Latency,
    Memory,
    Two,
    Timers,
    Tables,
    Fairness,
    Profile,
    Upgrade,
}

impl Measurement {
    /// All but the profile and the upgrade, which are asked for by themselves.
    pub(crate) const ALL: [Self; 11] = [
        Self::Ingest,
        Self::Mapping,
        Self::Processor,
        Self::Sender,
        Self::E2e,
        Self::Latency,
        Self::Memory,
        Self::Two,
        Self::Timers,
        Self::Tables,
        Self::Fairness,
    ];

    fn name_and_about(self) -> (&'static str, &'static str) {
        match self {
            Self::Ingest => (
                "ingest",
                "webhooks answered, beside a bare floor: HMAC check, JSON parse, one confirmed publish",
            ),
            Self::Mapping => (
                "mapping",
                "webhooks of 2 KiB in Lodgify's own words, beside events of that length in our format",
            ),
            Self::Processor => (
                "processor",
                "draining booking_started from the queue, beside pgbench writing the same rows, 100 to a transaction",
            ),
            Self::Sender => (
                "sender",
                "draining due messages of 128 numbers, beside a bare reqwest loop to the same sink",
            ),
            Self::E2e => (
                "e2e",
                "booking_abandoned in, WhatsApp call out, 64 connections, no growing backlog, fresh tables",
            ),
            Self::Latency => (
                "latency",
                "from the webhook's time to the call received, open loop",
            ),
            Self::Memory => (
                "memory",
                "most resident memory under the load of e2e with all reports",
            ),
            Self::Two => ("two", "two of each program, beside one of each, the load of e2e"),
            Self::Timers => ("timers", "a million pending timers, 2,000 due a second"),
            Self::Tables => (
                "tables",
                "cost of a message with many bookings, beside 100,000 (a quick run: a fifth of both)",
            ),
            Self::Fairness => (
                "fairness",
                "other resorts while one number has much to send; its pace",
            ),
            Self::Profile => ("profile", "one message, the load of e2e, tables with statistics"),
            Self::Upgrade => (
                "upgrade",
                "today's desk migrate while 0.1.0 works, beside a quiet time before; then both versions at once",
            ),
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = Self::ALL.into_iter().chain([Self::Profile, Self::Upgrade]);
        all.into_iter().find(|one| one.name_and_about().0 == name)
    }

    pub(crate) async fn run(self, bench: &Bench) -> anyhow::Result<Report> {
        let (name, about) = self.name_and_about();
        let mut report = Report::new(name, about);
        let into = &mut report;
        match self {
            Self::Ingest => ingest::measure(bench, into).await?,
            Self::Mapping => mapping::measure(bench, into).await?,
            Self::Processor => processor::measure(bench, into).await?,
            Self::Sender => sender::measure(bench, into).await?,
            Self::E2e => e2e::measure(bench, into).await?,
            Self::Latency => latency::measure(bench, into).await?,
            Self::Memory => e2e::memory(bench, into).await?,
            Self::Two => e2e::two(bench, into).await?,
            Self::Timers => timers::measure(bench, into).await?,
            Self::Tables => tables::measure(bench, into).await?,
            Self::Fairness => fairness::measure(bench, into).await?,
            Self::Profile => profile::measure(bench, into).await?,
            Self::Upgrade => upgrade::measure(bench, into).await?,
        }
        Ok(report)
    }
}
