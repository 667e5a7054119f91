//! Publishing: what is confirmed is in its queue, and every failure is reported.

use std::time::{Duration, Instant};

use broker::Status;
use broker::publisher::{Options, PublishError, Publisher};
use broker::topology::{self, Queue};
use serde_json::json;
use testkit::proxy::Line;

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

// shows: G1
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
async fn a_message_that_a_full_queue_refuses_is_not_called_confirmed() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    let bound = json!({ "pattern": "^events$", "apply-to": "queues", "definition": { "max-length": 2 } });
    broker.vhost.api("PUT", "policies", "/bound", Some(bound)).await;

    let (mut confirmed, mut refused) = (0, None);
    for number in 0..50 {
        match in_time(publisher.publish(event(&number.to_string()))).await {
            Ok(()) => confirmed += 1,
            Err(error) => refused = Some(error),
        }
    }

    assert_eq!(refused, Some(PublishError::Refused));
    assert_eq!(broker.ready(Queue::Events).await, confirmed);
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
    let (proxy, address) = broker.proxied().await;
    let publisher = Publisher::start(address, Options::named("test"));
    becomes(publisher.status(), Status::is_ready).await;

    proxy.set(Line::Cut);
    becomes(publisher.status(), |status| !status.is_ready()).await;
    let began = Instant::now();
    let result = publisher.publish(event("evt_1")).await;

    assert_eq!(result, Err(PublishError::Unavailable));
    assert!(began.elapsed() < Duration::from_millis(100));
    proxy.set(Line::Open);
    becomes(publisher.status(), Status::is_ready).await;
    publisher.publish(event("evt_1")).await.unwrap();
}

#[tokio::test]
async fn messages_in_flight_when_the_connection_is_lost_are_not_called_confirmed_unless_they_are_there() {
    let broker = Broker::start().await;
    let (proxy, address) = broker.proxied().await;
    let publisher = Publisher::start(address, Options::named("test"));
    becomes(publisher.status(), Status::is_ready).await;

    let publishing = (0..2_000_u32).map(|number| {
        let publisher = publisher.clone();
        async move { publisher.publish(event(&number.to_string())).await }
    });
    let cut = async { proxy.set(Line::Cut) };
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

// shows: G14
#[tokio::test]
async fn a_half_open_connection_is_given_up_and_another_one_made() {
    let broker = Broker::start().await;
    let (proxy, address) = broker.proxied().await;
    let publisher = Publisher::start(address, Options::named("test"));
    becomes(publisher.status(), Status::is_ready).await;

    proxy.let_die();

    let began = Instant::now();
    becomes(publisher.status(), |status| *status == Status::Silent).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    becomes(publisher.status(), Status::is_ready).await;
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    in_time(publisher.publish(event("evt_1"))).await.unwrap();
}

#[tokio::test]
async fn a_publisher_whose_task_came_down_does_not_say_that_it_is_ready() {
    let broker = Broker::start().await;
    let address = broker.address.clone();
    let elsewhere = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let publisher = elsewhere.spawn(async move { Publisher::start(address, Options::named("test")) });
    let publisher = publisher.await.unwrap();
    becomes(publisher.status(), Status::is_ready).await;

    elsewhere.shutdown_background();

    becomes(publisher.status(), |status| !status.is_ready()).await;
    assert_eq!(
        publisher.publish(event("evt_1")).await,
        Err(PublishError::Unavailable)
    );
}
