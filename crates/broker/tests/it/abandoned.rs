//! A connection that was given up while RabbitMQ had not answered yet takes nothing when the answer comes after all.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use broker::consumer::Consumer;
use broker::topology::Queue;
use broker::{Address, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::harness::{Broker, event, in_time};

/// The beginning of `basic.consume` (AMQP 0-9-1: class 60, method 20).
const CONSUME: [u8; 4] = [0, 60, 0, 20];

/// A line to RabbitMQ. On its first connection nothing is heard of the server any more once the client has asked to
/// consume, until it is released.
struct SlowLine {
    address: SocketAddr,
    released: watch::Sender<bool>,
}

impl SlowLine {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (released, heard) = watch::channel(false);
        tokio::spawn(async move {
            let mut is_first = true;
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(carry(client, server, is_first, heard.clone()));
                is_first = false;
            }
        });
        Self { address, released }
    }
}

async fn carry(client: TcpStream, server: TcpStream, is_slow: bool, mut released: watch::Receiver<bool>) {
    let has_asked = Arc::new(AtomicBool::new(false));
    let ((mut said, mut hears), (mut answered, mut asked)) = (client.into_split(), server.into_split());
    let asking = {
        let has_asked = Arc::clone(&has_asked);
        async move {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length @ 1..) = said.read(&mut buffer).await {
                let heard = buffer.get(..length).unwrap();
                if is_slow && heard.windows(CONSUME.len()).any(|bytes| bytes == CONSUME) {
                    has_asked.store(true, Ordering::SeqCst);
                }
                if asked.write_all(heard).await.is_err() {
                    break;
                }
            }
        }
    };
    let answering = async move {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = answered.read(&mut buffer).await {
            if has_asked.load(Ordering::SeqCst) {
                let _ = released.wait_for(|released| *released).await;
            }
            if hears.write_all(buffer.get(..length).unwrap()).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(asking, answering);
}

// shows: G2
#[tokio::test]
async fn a_consumer_whose_answer_came_too_late_holds_no_delivery() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    let line = SlowLine::to(broker.server()).await;
    let address = Address::parse(&broker.url_at("amqp", &line.address.to_string())).unwrap();
    let mut consumer = Consumer::new(address, Queue::Events, 10, publisher.clone());
    let mut status = consumer.status();

    // The first attempt is given up, the second one succeeds.
    tokio::select! {
        batch = consumer.next_batch(1) => panic!("nothing was published: {batch:?}"),
        ready = in_time(status.wait_for(Status::is_ready)) => drop(ready.unwrap()),
    }
    line.released.send_replace(true);
    for id in 0..20 {
        in_time(publisher.publish(event(&id.to_string()))).await.unwrap();
    }

    let mut taken = BTreeSet::new();
    while taken.len() < 20 {
        let batch = in_time(consumer.next_batch(10)).await;
        taken.extend(batch.iter().map(|delivery| delivery.message_id.clone()));
        consumer.settle_all_done(batch).await;
    }
}
