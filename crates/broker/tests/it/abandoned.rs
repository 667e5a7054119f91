//! Answers of RabbitMQ that come late: what was given up takes nothing, and what is heard again counts at once.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use broker::consumer::Consumer;
use broker::topology::Queue;
use broker::{Address, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::harness::{Broker, event, in_time};

/// The beginning of `basic.consume` (AMQP 0-9-1: class 60, method 20).
const CONSUME: [u8; 4] = [0, 60, 0, 20];

/// A line to RabbitMQ. While it holds, nothing is heard of the server on its first connection, and nothing is lost.
struct SlowLine {
    address: SocketAddr,
    holds: watch::Sender<bool>,
}

impl SlowLine {
    /// `from_consuming`: it begins to hold when the client has asked to consume.
    async fn to(server: SocketAddr, from_consuming: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let holds = watch::Sender::new(false);
        let held = holds.clone();
        tokio::spawn(async move {
            let (client, _) = listener.accept().await.unwrap();
            let first = TcpStream::connect(server).await.unwrap();
            tokio::spawn(carry(client, first, from_consuming, held));
            while let Ok((mut client, _)) = listener.accept().await {
                let mut server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
            }
        });
        Self { address, holds }
    }
}

async fn carry(client: TcpStream, server: TcpStream, from_consuming: bool, holds: watch::Sender<bool>) {
    let ((mut said, mut hears), (mut answered, mut asked)) = (client.into_split(), server.into_split());
    let mut held = holds.subscribe();
    let asking = async move {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = said.read(&mut buffer).await {
            let heard = buffer.get(..length).unwrap();
            if from_consuming && heard.windows(CONSUME.len()).any(|bytes| bytes == CONSUME) {
                holds.send_replace(true);
            }
            if asked.write_all(heard).await.is_err() {
                break;
            }
        }
    };
    let answering = async move {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = answered.read(&mut buffer).await {
            let _ = held.wait_for(|holds| !holds).await;
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
    let line = SlowLine::to(broker.server(), true).await;
    let address = Address::parse(&broker.url_at("amqp", &line.address.to_string())).unwrap();
    let mut consumer = Consumer::new(address, Queue::Events, 10, publisher.clone());
    let mut status = consumer.status();

    // The first attempt is given up, the second one succeeds.
    tokio::select! {
        batch = consumer.next_batch(1) => panic!("nothing was published: {batch:?}"),
        ready = in_time(status.wait_for(Status::is_ready)) => drop(ready.unwrap()),
    }
    line.holds.send_replace(false);
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

#[tokio::test]
async fn a_backlog_hides_neither_that_rabbitmq_is_silent_nor_that_it_answers_again() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    let line = SlowLine::to(broker.server(), false).await;
    let address = Address::parse(&broker.url_at("amqp", &line.address.to_string())).unwrap();
    for id in 0..200 {
        in_time(publisher.publish(event(&id.to_string()))).await.unwrap();
    }
    let mut consumer = Consumer::new(address, Queue::Events, 200, publisher.clone());
    let (status, mut taken) = (consumer.status(), 0);
    // One by one, as slowly as work is: all others lie ready meanwhile.
    let mut work_until = async |is_reached: fn(&Status) -> bool| {
        while !is_reached(&status.borrow()) {
            taken += in_time(consumer.next_batch(1)).await.len();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        taken
    };

    work_until(Status::is_ready).await;
    line.holds.send_replace(true);
    work_until(|status| !status.is_ready()).await;
    line.holds.send_replace(false);
    let taken = work_until(Status::is_ready).await;

    assert!(taken < 200, "nothing lay ready any more");
}
