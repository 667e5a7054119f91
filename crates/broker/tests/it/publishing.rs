//! Publishing: what is confirmed is there, and what is not is said.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::publisher::{Options, PublishError, Publisher};
use broker::topology::{self, Queue};
use broker::{Address, Status};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::harness::{Broker, becomes, event, in_time, outgoing};

#[tokio::test]
async fn a_confirmed_message_is_in_its_queue() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;

    in_time(publisher.publish(event("evt_1"))).await.unwrap();

    assert_eq!(broker.ready(Queue::Events).await, 1);
}

#[tokio::test]
async fn an_id_of_any_length_is_published() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;

    in_time(publisher.publish(event(&"ä".repeat(300)))).await.unwrap();

    assert_eq!(broker.ready(Queue::Events).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_from_many_tasks_are_all_confirmed_and_all_there() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    let began = Instant::now();

    let tasks: Vec<_> = (0..100_u32)
        .map(|task| {
            let publisher = publisher.clone();
            tokio::spawn(async move {
                for number in 0..40_u32 {
                    publisher
                        .publish(event(&format!("evt_{task}_{number}")))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }

    println!("4000 messages in {:?}", began.elapsed());
    assert_eq!(broker.ready(Queue::Events).await, 4_000);
}

#[tokio::test]
async fn a_message_without_a_queue_fails_and_the_publisher_is_not_ready_until_the_queue_is_back() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    broker.vhost.delete_queue("messages").await;

    let result = in_time(publisher.publish(outgoing(Queue::Messages, "1"))).await;

    assert!(result.is_err(), "{result:?}");
    let missing = |status: &Status| status.to_string().contains("queue messages is missing");
    becomes(publisher.status(), missing).await;
    assert_eq!(
        publisher.publish(event("evt_1")).await,
        Err(PublishError::Unavailable)
    );
    topology::declare(&broker.address).await.unwrap();
    becomes(publisher.status(), Status::is_ready).await;
    publisher.publish(event("evt_1")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_without_a_queue_is_ever_taken_for_confirmed() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    broker.vhost.delete_queue("messages").await;

    let publishing = (0..200_u32).map(|number| {
        let publisher = publisher.clone();
        let queue = if number % 2 == 0 {
            Queue::Events
        } else {
            Queue::Messages
        };
        async move {
            (
                queue,
                publisher.publish(outgoing(queue, &number.to_string())).await,
            )
        }
    });
    let results = in_time(futures_util::future::join_all(publishing)).await;

    for (queue, result) in results {
        assert!(queue == Queue::Events || result.is_err());
    }
}

#[tokio::test]
async fn a_missing_queue_is_noticed_without_a_message() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;

    broker.vhost.delete_queue("events").await;

    let began = Instant::now();
    becomes(publisher.status(), |status| !status.is_ready()).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_lost_connection_is_said_at_once_and_made_again() {
    let broker = Broker::start().await;
    let proxy = Proxy::start(&broker.vhost.url()).await;
    let publisher = Publisher::start(proxy.address.clone(), Options::named("test"));
    becomes(publisher.status(), Status::is_ready).await;

    proxy.open.send_replace(false);
    becomes(publisher.status(), |status| !status.is_ready()).await;
    let began = Instant::now();
    let result = publisher.publish(event("evt_1")).await;

    assert_eq!(result, Err(PublishError::Unavailable));
    assert!(began.elapsed() < Duration::from_millis(100));
    proxy.open.send_replace(true);
    becomes(publisher.status(), Status::is_ready).await;
    publisher.publish(event("evt_1")).await.unwrap();
}

#[tokio::test]
async fn messages_in_flight_when_the_connection_is_lost_are_not_called_confirmed_unless_they_are_there() {
    let broker = Broker::start().await;
    let proxy = Proxy::start(&broker.vhost.url()).await;
    let publisher = Publisher::start(proxy.address.clone(), Options::named("test"));
    becomes(publisher.status(), Status::is_ready).await;

    let publishing = (0..2_000_u32).map(|number| {
        let publisher = publisher.clone();
        async move { publisher.publish(event(&number.to_string())).await }
    });
    let cut = async { proxy.open.send_replace(false) };
    let (results, _) = in_time(async { tokio::join!(futures_util::future::join_all(publishing), cut) }).await;

    let confirmed = results.iter().filter(|result| result.is_ok()).count();
    assert!(broker.ready(Queue::Events).await as usize >= confirmed);
}

#[tokio::test]
async fn a_stopped_publisher_has_confirmed_what_it_took_and_takes_no_more() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    let last = tokio::spawn({
        let publisher = publisher.clone();
        async move { publisher.publish(event("evt_1")).await }
    });
    tokio::task::yield_now().await;

    in_time(publisher.stop()).await;

    in_time(last).await.unwrap().unwrap();
    assert_eq!(
        publisher.publish(event("evt_2")).await,
        Err(PublishError::Unavailable)
    );
}

/// Stands between a publisher and RabbitMQ; while it is not open, it cuts every connection.
struct Proxy {
    address: Address,
    open: Arc<watch::Sender<bool>>,
}

impl Proxy {
    async fn start(url: &str) -> Self {
        let (front, rest) = url.split_once('@').unwrap();
        let (server, vhost) = rest.split_once('/').unwrap();
        let server = server.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(watch::Sender::new(true));
        let gate = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, mut gate) = (server.clone(), gate.subscribe());
                tokio::spawn(async move {
                    let mut upstream = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut upstream) => {}
                        _ = gate.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self {
            address: Address::parse(&format!("{front}@127.0.0.1:{port}/{vhost}")).unwrap(),
            open,
        }
    }
}
