//! A sender that takes one step at a time: without loops, RabbitMQ and a server, for tests in process.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use broker::topology::Depths;
use domain::ids::MessageId;
use domain::silence_policy::EVENTS_EMPTY_FOR;
use futures_util::future::try_join_all;
use service::health::Readiness;
use service::metrics::Metrics;
use service::{Failure, Stop};
use store::StoreError;
use tokio::sync::Mutex;
use tokio::time::Instant;
use traces::Spans;
use uuid::Uuid;

use crate::context::Sender;
use crate::holds::{self, Maintenance};
use crate::in_hand::Deliveries;
use crate::presence::{self, Presence};
use crate::rate_limit::Share;
use crate::reconcile::{self, Reconciliation};
use crate::{Settings, pipeline, reconnect, record};

pub use crate::pipeline::Admitted;

pub struct Steps {
    sender: Arc<Sender>,
    metrics: Metrics,
    readiness: Readiness,
    presence: Mutex<Presence>,
    maintenance: Maintenance,
    reconciliation: Reconciliation,
}

/// The share of a sender that no other one runs beside, for longer than a test takes.
fn alone() -> Share {
    Share {
        place: 0,
        senders: NonZeroU32::MIN,
        until: Instant::now() + Duration::from_secs(3_600),
    }
}

impl Steps {
    pub fn new(settings: &Settings, stop: &Stop) -> Result<Self, Failure> {
        let metrics = Metrics::new("sender", env!("CARGO_PKG_VERSION"))?;
        let sender = Arc::new(crate::assemble(settings, &metrics, stop, Spans::default())?);
        sender.rate_limits.share(Some(alone()));
        Ok(Self {
            presence: Mutex::new(Presence::new(Uuid::now_v7(), sender.rate_limits.per_second())),
            sender,
            metrics,
            readiness: Readiness::new(),
            maintenance: Maintenance::new(),
            reconciliation: Reconciliation::default(),
        })
    }

    /// Takes the ids of messages through the pipeline once, as a batch from RabbitMQ, until the last result is recorded.
    pub async fn send_once(&self, ids: Vec<MessageId>) -> Result<Admitted, StoreError> {
        let (routes, stages) = pipeline::start(&self.sender);
        let admit = async move { pipeline::admit(&self.sender, &routes, ids, &mut Deliveries::new()).await };
        tokio::join!(admit, stages).0
    }

    /// Takes the same ids through the pipeline in several batches at once.
    pub async fn send_often(&self, ids: Vec<MessageId>, times: usize) -> Result<(), StoreError> {
        let (routes, stages) = pipeline::start(&self.sender);
        let admit = async move {
            let batch = || async {
                let mut none = Deliveries::new();
                pipeline::admit(&self.sender, &routes, ids.clone(), &mut none).await
            };
            try_join_all((0..times).map(|_| batch())).await.map(drop)
        };
        tokio::join!(admit, stages).0
    }

    /// Tells the other senders once that this one runs.
    pub async fn beat_once(&self) -> Result<(), StoreError> {
        presence::beat(&self.sender, &mut *self.presence.lock().await, "steps").await
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
