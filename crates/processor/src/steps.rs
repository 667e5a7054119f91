//! The loops one step at a time, for tests: each call does what one turn of a loop does.

use std::sync::Arc;
use std::time::Duration;

use broker::Status;
use broker::consumer::Consumer;
use broker::publisher::{Options, Publisher};
use broker::topology::Queue;
use service::health::Readiness;
use service::metrics::Metrics;
use service::{Failure, Stop};
use store::{Store, StoreError};
use tokio::task::JoinSet;

use crate::claimed_calls::ClaimedCalls as _;
use crate::context::Context;
use crate::loops::Loops;
use crate::settings::Settings;
use crate::{events, moments, without_resort};

/// A processor whose loops do not run.
pub struct Steps {
    context: Arc<Context>,
    publisher: Publisher,
    metrics: Metrics,
    stop: Stop,
    loops: Loops,
}

impl Steps {
    /// # Errors
    /// The folder of files cannot be read.
    pub fn new(settings: &Settings, stop: &Stop) -> Result<Self, Failure> {
        let metrics = Metrics::new("processor", "0")?;
        let context = Arc::new(Context::new(settings, &metrics, Readiness::new())?);
        let address = settings.amqp_address.clone();
        let publisher = Publisher::start(address.clone(), Options::named("bellhop processor"));
        let consumer = Consumer::new(address, Queue::Events, 1_000, publisher.clone());
        Ok(Self {
            loops: Loops::new(
                &context,
                (consumer, settings.outbound.clone()),
                publisher.clone(),
                stop,
            ),
            stop: stop.clone(),
            context,
            publisher,
            metrics,
        })
    }

    pub fn store(&self) -> &Store {
        &self.context.store
    }

    pub fn metrics(&self) -> String {
        self.metrics.render()
    }

    pub fn readiness(&self) -> &Readiness {
        &self.context.readiness
    }

    /// Waits until messages can be published.
    pub async fn publisher_ready(&self) {
        let mut status = self.publisher.status();
        // The publisher lives as long as this value, and so does its status.
        let _ = status.wait_for(Status::is_ready).await;
    }

    /// Applies envelopes without the queue, as one batch, and returns what became of each: `committed`, `unmatched_stop`,
    /// `refused`, `locked`, `not_for_us`, `not_tried` or `undecodable`.
    pub async fn apply(&self, envelopes: &[Vec<u8>]) -> Vec<&'static str> {
        events::apply_bodies(&self.context, &self.stop, envelopes).await
    }

    /// Handles what comes first: events of the queue, delayed deliveries that are due, or a second without either.
    pub async fn consume_once(&mut self) {
        self.loops.consume.step().await;
    }

    /// As [`consume_once`](Self::consume_once), while Postgres is away for long: waits until it is back.
    pub async fn wait_for_postgres(&mut self) {
        self.loops.consume.wait_if_away().await;
    }

    /// Plans some of the bookings that are due, and returns how long the loop would sleep.
    pub async fn wake_once(&self) -> Result<Duration, StoreError> {
        self.loops.timers.step().await
    }

    /// What the loop beside the timers does: notes how many events are ready in the queue.
    pub fn queue_checked(&self, ready: Option<u32>) {
        self.loops.watermark.checked(ready);
    }

    /// Publishes what is due, and returns how many ids and dead letters were confirmed.
    pub async fn relay_once(&mut self) -> Result<usize, StoreError> {
        self.loops.relay.step().await
    }

    /// Asks each platform that may be asked now for one booking, and waits for what comes of it. Returns how long the loop would
    /// sleep.
    pub async fn fetch_once(&self) -> Result<Duration, StoreError> {
        let mut calls = JoinSet::new();
        let pause = self.loops.fetches.step(&mut calls).await?;
        calls.join_all().await;
        Ok(pause)
    }

    /// Sends one webhook of each resort that has one due, and waits for what comes of it. Returns how long the loop would sleep.
    pub async fn send_webhooks_once(&self) -> Result<Duration, StoreError> {
        let mut calls = JoinSet::new();
        let pause = self.loops.webhooks_out.step(&mut calls).await?;
        calls.join_all().await;
        Ok(pause)
    }

    /// Records the alerts of this process, as far as they are not recorded yet.
    pub async fn record_alerts_once(&self) -> Result<(), StoreError> {
        let raised = service::logs::alerts::take();
        let work =
            move |connection: &mut store::Connection| store::raised_alerts::record(connection, &raised);
        self.context.store.run(work).await
    }

    pub async fn retain_once(&self) -> Result<(), StoreError> {
        self.loops.retention.walk().await
    }

    /// Stores what sources were answered, as far as it was taken from the queue.
    pub async fn store_source_reports_once(&self) {
        self.context.source_reports.store(&self.context.store).await;
    }

    pub async fn moments_once(&self) {
        moments::step(&self.context).await;
    }

    pub async fn wake_without_resort_once(&self) {
        without_resort::wake(&self.context).await;
    }

    pub fn read_files(&self) {
        self.context.files.refresh();
    }

    pub async fn export_figures_once(&mut self) {
        self.loops.figures.refresh().await;
    }
}
