//! A vhost with the topology, a line to it that can be disturbed, and waiting for conditions.

use std::net::SocketAddr;
use std::time::Duration;

use broker::publisher::{Options, Outgoing, Publisher};
use broker::topology::{self, Queue};
use broker::{Address, Status};
use testkit::proxy::Proxy;
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

    /// A line to the server, and the address of the same vhost through it.
    pub(crate) async fn proxied(&self) -> (Proxy, Address) {
        let proxy = Proxy::start(0, vec![self.server()]).await.unwrap();
        let address = Address::parse(&self.url_at("amqp", &proxy.address().to_string())).unwrap();
        (proxy, address)
    }

    pub(crate) fn server(&self) -> SocketAddr {
        let url = self.vhost.url();
        let (_, rest) = url.rsplit_once('@').unwrap();
        rest.split_once('/').unwrap().0.parse().unwrap()
    }

    /// The same login and vhost under another scheme, host and port.
    pub(crate) fn url_at(&self, scheme: &str, place: &str) -> String {
        let url = self.vhost.url();
        let (_, rest) = url.split_once("://").unwrap();
        let (login, rest) = rest.rsplit_once('@').unwrap();
        let (_, vhost) = rest.split_once('/').unwrap();
        format!("{scheme}://{login}@{place}/{vhost}")
    }

    /// How many messages are ready, counted by RabbitMQ.
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
        trace: None,
        body: format!("body of {id}").into_bytes(),
    }
}
