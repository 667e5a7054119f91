//! A steady stream of webhooks to the processes that take them at the time, as a balancer gives them out.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use service::lock;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::connection::Connection;
use crate::load::{self, Sent, Source};

const CONNECTIONS: usize = 16;

pub(super) struct Traffic {
    clock: tokio::task::JoinHandle<()>,
    workers: JoinSet<anyhow::Result<Sent>>,
    to: Arc<Mutex<Vec<SocketAddr>>>,
    begun: Instant,
}

impl Traffic {
    pub(super) fn start(source: &Source, per_second: u32, to: Vec<SocketAddr>) -> Self {
        let (give, take) = mpsc::unbounded_channel();
        let (to, take) = (Arc::new(Mutex::new(to)), Arc::new(tokio::sync::Mutex::new(take)));
        let clock = tokio::spawn(async move {
            let mut ticks = interval(Duration::from_secs(1) / per_second);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            while give.send(Instant::now()).is_ok() {
                ticks.tick().await;
            }
        });
        let mut workers = JoinSet::new();
        for worker in 0..CONNECTIONS {
            workers.spawn(work(
                worker,
                Arc::clone(source),
                Arc::clone(&to),
                Arc::clone(&take),
            ));
        }
        Self {
            clock,
            workers,
            to,
            begun: Instant::now(),
        }
    }

    /// Gives what comes to these from now on.
    pub(super) fn turn_to(&self, addresses: Vec<SocketAddr>) {
        *lock(&self.to) = addresses;
    }

    /// An error where one was not answered with 200.
    pub(super) async fn stop(self) -> anyhow::Result<Sent> {
        self.clock.abort();
        load::together(self.workers, self.begun).await
    }
}

async fn work(
    worker: usize,
    source: Source,
    to: Arc<Mutex<Vec<SocketAddr>>>,
    take: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Instant>>>,
) -> anyhow::Result<Sent> {
    let (mut connections, mut sent, mut turn) = (HashMap::new(), Sent::default(), worker);
    loop {
        let next = take.lock().await.recv().await;
        let Some(due) = next else {
            return Ok(sent);
        };
        turn += 1;
        let address = {
            let to = lock(&to);
            to.get(turn % to.len().max(1)).copied()
        };
        let Some(address) = address else {
            anyhow::bail!("no ingest takes webhooks");
        };
        let connection = connections
            .entry(address)
            .or_insert_with(|| Connection::new(address));
        load::send(connection, source(), due, &mut sent).await?;
    }
}
