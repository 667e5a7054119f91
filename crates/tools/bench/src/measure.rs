//! The measurements.

use crate::bench::Bench;
use crate::figures::Report;

mod e2e;
mod ingest;
mod processor;
mod sender;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measurement {
    Ingest,
    Processor,
    Sender,
    E2e,
}

impl Measurement {
    pub(crate) const ALL: [Self; 4] = [Self::Ingest, Self::Processor, Self::Sender, Self::E2e];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Processor => "processor",
            Self::Sender => "sender",
            Self::E2e => "e2e",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    fn about(self) -> &'static str {
        match self {
            Self::Ingest => {
                "webhooks answered, 64 connections, beside a bare floor: HMAC check, JSON parse, one confirmed publish"
            }
            Self::Processor => {
                "draining booking_started that wait in the queue, beside pgbench writing the same rows, 100 to a transaction"
            }
            Self::Sender => {
                "draining due messages of 128 numbers, beside a bare reqwest loop to the same sink"
            }
            Self::E2e => {
                "booking_abandoned in, WhatsApp call out, 64 connections, no growing backlog, fresh tables"
            }
        }
    }

    pub(crate) async fn run(self, bench: &Bench) -> anyhow::Result<Report> {
        let mut report = Report::new(self.name(), self.about());
        match self {
            Self::Ingest => ingest::measure(bench, &mut report).await?,
            Self::Processor => processor::measure(bench, &mut report).await?,
            Self::Sender => sender::measure(bench, &mut report).await?,
            Self::E2e => e2e::measure(bench, &mut report).await?,
        }
        Ok(report)
    }
}
