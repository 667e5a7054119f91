//! A vhost with the topology, and waiting for conditions.

use std::time::Duration;

use broker::publisher::{Options, Outgoing, Publisher};
use broker::topology::{self, Queue};
use broker::{Address, Status};
use testkit::vhost::Vhost;
use tokio::sync::watch;

/// Longer than anything may take; a test that reaches it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Broker {
    pub(crate) vhost: Vhost,
    pub(crate) address: Address,
}

impl Broker {
    /// A vhost with every exchange and queue.
    pub(crate) async fn start() -> Self {
        let vhost = Vhost::create().await;
        let address = Address::parse(&vhost.url()).unwrap();
        topology::declare(&address).await.unwrap();
        Self { vhost, address }
    }

    /// A publisher that is connected.
    pub(crate) async fn publisher(&self) -> Publisher {
        let publisher = Publisher::start(self.address.clone(), Options::named("test"));
        becomes(publisher.status(), Status::is_ready).await;
        publisher
    }

    /// How many messages stand ready, counted by RabbitMQ.
    pub(crate) async fn ready(&self, queue: Queue) -> u32 {
        let depths = topology::verify(&self.address).await.unwrap();
        match queue {
            Queue::Events => depths.events,
            Queue::Messages => depths.messages,
            Queue::DeadEvents => depths.dead_events,
            Queue::DeadMessages => depths.dead_messages,
        }
    }
}

pub(crate) async fn becomes(mut status: watch::Receiver<Status>, wanted: impl Fn(&Status) -> bool) {
    tokio::time::timeout(PATIENCE, status.wait_for(wanted))
        .await
        .unwrap()
        .unwrap();
}

pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it took too long")
}

pub(crate) fn event(id: &str) -> Outgoing {
    outgoing(Queue::Events, id)
}

pub(crate) fn outgoing(queue: Queue, id: &str) -> Outgoing {
    Outgoing {
        queue,
        message_id: id.to_owned(),
        kind: "booking_started".to_owned(),
        cause: None,
        body: format!("body of {id}").into_bytes(),
    }
}
