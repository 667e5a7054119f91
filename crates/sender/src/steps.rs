//! A sender that takes one step at a time: without loops, RabbitMQ and a server, for tests in process.

use std::sync::Arc;

use broker::topology::Depths;
use domain::ids::MessageId;
use domain::silence_policy::EVENTS_EMPTY_FOR;
use service::health::Readiness;
use service::metrics::Metrics;
use service::{Failure, Stop};
use store::StoreError;
use tokio::time::Instant;

use crate::context::Sender;
use crate::holds::{self, Maintenance};
use crate::reconcile::{self, Reconciliation};
use crate::{Settings, pipeline, reconnect, record};

pub use crate::pipeline::Sent;

pub struct Steps {
    sender: Arc<Sender>,
    metrics: Metrics,
    readiness: Readiness,
    maintenance: Maintenance,
    reconciliation: Reconciliation,
}

impl Steps {
    pub fn new(settings: &Settings, stop: &Stop) -> Result<Self, Failure> {
        let metrics = Metrics::new("sender", env!("CARGO_PKG_VERSION"))?;
        Ok(Self {
            sender: Arc::new(crate::assemble(settings, &metrics, stop)?),
            metrics,
            readiness: Readiness::new(),
            maintenance: Maintenance::new(),
            reconciliation: Reconciliation::default(),
        })
    }

    /// Takes the ids of messages through the pipeline once, as a batch from RabbitMQ.
    pub async fn send_once(&self, ids: Vec<MessageId>) -> Result<Sent, StoreError> {
        pipeline::send(&self.sender, ids).await
    }

    /// One second of hold maintenance.
    pub async fn maintain_holds_once(&self) -> Result<(), StoreError> {
        holds::maintain(&self.sender, &self.maintenance).await
    }

    /// One second of reconciliation, after RabbitMQ has reported so many waiting events for long enough.
    pub async fn reconcile_once(&self, events: u32) -> Result<(), StoreError> {
        let depths = Depths {
            events,
            ..Depths::default()
        };
        let now = Instant::now();
        for at in [now.checked_sub(EVENTS_EMPTY_FOR).unwrap_or(now), now] {
            self.reconciliation.observe(Some(depths), at);
        }
        reconcile::reconcile(&self.sender, &self.reconciliation).await
    }

    /// Tries once to store the results that Postgres did not take.
    pub async fn record_kept_once(&self) {
        record::record_kept(&self.sender).await;
    }

    /// Tries once to connect to WhatsApp, as after a call that could not. Returns whether it could.
    pub async fn probe_once(&self) -> bool {
        reconnect::probe(&self.sender, &self.readiness).await
    }

    pub fn is_reachable(&self) -> bool {
        self.sender.reachability.is_reachable()
    }

    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    pub fn refresh_files(&self) {
        self.sender.files.refresh().tell();
    }

    pub fn metrics(&self) -> String {
        self.metrics.render()
    }
}
