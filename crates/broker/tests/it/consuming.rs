//! Consuming: batches, verdicts, and what happens when RabbitMQ ends it.

use std::time::{Duration, Instant};

use broker::Status;
use broker::consumer::{Consumer, Delivery, Verdict};
use broker::dead_letter::Cause;
use broker::drain::Drain;
use broker::publisher::{PublishError, Publisher};
use broker::topology::{self, Queue};
use domain::dead_letter::DeadLetterReason;

use crate::harness::{Broker, event, in_time};

async fn consumer(broker: &Broker, publisher: &Publisher) -> Consumer {
    Consumer::new(broker.address.clone(), Queue::Events, 400, publisher.clone())
}

async fn publish(publisher: &Publisher, ids: std::ops::Range<u32>) {
    for id in ids {
        in_time(publisher.publish(event(&id.to_string()))).await.unwrap();
    }
}

async fn take(consumer: &mut Consumer, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.extend(in_time(consumer.next_batch(count - taken.len())).await);
    }
    taken
}

fn ids(deliveries: &[Delivery]) -> Vec<String> {
    deliveries
        .iter()
        .map(|delivery| delivery.message_id.clone())
        .collect()
}

fn cause() -> Cause {
    Cause {
        reason: DeadLetterReason::CannotBeApplied,
        error: "a constraint was violated".into(),
        attempts: 4,
        dead_lettered_at: Some("2026-11-23T10:00:00Z".parse().unwrap()),
    }
}

#[tokio::test]
async fn a_delivery_brings_what_was_published() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    publish(&publisher, 7..8).await;

    let taken = take(&mut consumer(&broker, &publisher).await, 1).await;

    assert_eq!(taken[0].message_id, "7");
    assert_eq!(taken[0].kind, "booking_started");
    assert_eq!(taken[0].body, b"body of 7");
    assert_eq!((taken[0].delivery_count, taken[0].redelivered), (0, false));
}

#[tokio::test]
async fn a_lone_event_does_not_wait_for_company() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    let mut consumer = consumer(&broker, &publisher).await;
    publish(&publisher, 0..1).await;
    let first = take(&mut consumer, 1).await;
    consumer.settle_all_done(first).await;

    publish(&publisher, 1..2).await;
    let began = Instant::now();
    let batch = in_time(consumer.next_batch(200)).await;

    assert_eq!(batch.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn what_is_done_is_gone_and_what_is_not_settled_comes_back_with_its_count() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    publish(&publisher, 0..10).await;
    let mut first = consumer(&broker, &publisher).await;
    let mut taken = take(&mut first, 10).await;
    let kept = taken.split_off(6);
    let last = taken.split_off(5);

    // Neither order nor gaps matter: 5 first, then 0 to 4, and 6 to 9 never.
    assert_eq!(first.settle_all_done(last).await.done, 1);
    assert_eq!(first.settle_all_done(taken).await.done, 5);
    in_time(first.stop()).await;
    let mut second = consumer(&broker, &publisher).await;
    let again = take(&mut second, 4).await;

    assert_eq!(ids(&again), ids(&kept));
    assert!(
        again
            .iter()
            .all(|delivery| delivery.redelivered && delivery.delivery_count == 1)
    );
    assert_eq!(broker.ready(Queue::Events).await, 0);
}

#[tokio::test]
async fn what_is_given_back_is_delivered_again() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    publish(&publisher, 0..2).await;
    let mut consumer = consumer(&broker, &publisher).await;
    let mut taken = take(&mut consumer, 2).await;
    let second = taken.pop().unwrap();

    let settled = consumer
        .settle(vec![
            (second, Verdict::GiveBack),
            (taken.pop().unwrap(), Verdict::Done),
        ])
        .await;

    assert_eq!((settled.done, settled.given_back), (1, 1));
    let again = take(&mut consumer, 1).await;
    assert_eq!((again[0].message_id.as_str(), again[0].delivery_count), ("1", 1));
}

#[tokio::test]
async fn what_is_dead_lettered_is_in_the_dead_queue_with_its_headers() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    publish(&publisher, 0..1).await;
    let mut consumer = consumer(&broker, &publisher).await;
    let taken = take(&mut consumer, 1).await.pop().unwrap();

    let settled = consumer.settle(vec![(taken, Verdict::DeadLetter(cause()))]).await;

    assert_eq!(settled.dead_lettered, [DeadLetterReason::CannotBeApplied]);
    in_time(consumer.stop()).await;
    assert_eq!(broker.ready(Queue::Events).await, 0);
    let drain = Drain::open(&broker.address).await.unwrap();
    let dead = in_time(drain.take(Queue::DeadEvents, 10))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (dead.message_id.as_str(), dead.body.as_slice()),
        ("0", b"body of 0".as_slice())
    );
    assert_eq!((dead.cause.reason, dead.cause.attempts), (cause().reason, 4));
    assert_eq!(
        (dead.cause.error, dead.cause.dead_lettered_at),
        (cause().error, cause().dead_lettered_at)
    );
}

#[tokio::test]
async fn what_cannot_be_dead_lettered_stays_in_hand_with_its_cause() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    publish(&publisher, 0..1).await;
    let mut consumer = consumer(&broker, &publisher).await;
    let taken = take(&mut consumer, 1).await.pop().unwrap();
    in_time(publisher.stop()).await;

    let mut settled = consumer.settle(vec![(taken, Verdict::DeadLetter(cause()))]).await;

    let kept = settled.not_published.remove(0);
    assert_eq!((kept.cause, kept.error), (cause(), PublishError::Unavailable));
    let given_back = vec![(kept.delivery, Verdict::GiveBack)];
    assert_eq!(consumer.settle(given_back).await.given_back, 1);
    assert_eq!(ids(&take(&mut consumer, 1).await), ["0"]);
}

#[tokio::test]
async fn a_deleted_queue_ends_no_consumer_and_old_deliveries_are_lost() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    publish(&publisher, 0..1).await;
    let mut consumer = consumer(&broker, &publisher).await;
    let old = take(&mut consumer, 1).await;
    let mut status = consumer.status();
    broker.vhost.delete_queue("events").await;

    let restoring = async {
        status.wait_for(|status| !status.is_ready()).await.unwrap();
        topology::declare(&broker.address).await.unwrap();
        let mut publishing = publisher.status();
        publishing.wait_for(Status::is_ready).await.unwrap();
        while publisher.publish(event("new")).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let (batch, ()) = in_time(async { tokio::join!(consumer.next_batch(10), restoring) }).await;

    assert_eq!(batch[0].message_id, "new");
    assert_eq!((consumer.owns(&old[0]), consumer.owns(&batch[0])), (false, true));
    assert_eq!(consumer.settle_all_done(old).await.lost, 1);
    assert_eq!(consumer.settle_all_done(batch).await.lost, 0);
}

/// Asks a consumer for a batch until its status is so.
async fn ask_until(consumer: &mut Consumer, is_reached: fn(&Status) -> bool) {
    let mut status = consumer.status();
    tokio::select! {
        batch = consumer.next_batch(1) => panic!("nothing was published: {batch:?}"),
        reached = status.wait_for(is_reached) => drop(reached.unwrap()),
    }
}

// shows: G15
#[tokio::test]
async fn an_end_that_comes_right_behind_deliveries_is_noticed() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    publish(&publisher, 0..3).await;
    let mut consumer = consumer(&broker, &publisher).await;
    take(&mut consumer, 1).await;
    let mut witness = self::consumer(&broker, &publisher).await;
    in_time(ask_until(&mut witness, Status::is_ready)).await;
    broker.vhost.delete_queue("events").await;
    in_time(ask_until(&mut witness, |status| !status.is_ready())).await;
    // Lets the end of the stream arrive here too; without it the test passes but shows nothing.
    tokio::time::sleep(Duration::from_millis(200)).await;

    let mut rest = Vec::new();
    while rest.len() < 2 {
        rest.extend(in_time(consumer.next_batch(10)).await);
    }
    topology::declare(&broker.address).await.unwrap();
    in_time(ask_until(&mut consumer, |status| !status.is_ready())).await;
    in_time(ask_until(&mut consumer, Status::is_ready)).await;
    let mut publishing = publisher.status();
    in_time(publishing.wait_for(Status::is_ready)).await.unwrap();
    publish(&publisher, 3..4).await;

    assert_eq!(ids(&take(&mut consumer, 1).await), ["3"]);
}

#[tokio::test]
async fn a_consumer_without_rabbitmq_says_why_and_goes_on_waiting() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    broker.vhost.delete_queue("events").await;
    let mut consumer = consumer(&broker, &publisher).await;
    let mut status = consumer.status();
    let reported = async {
        let missing = |status: &Status| status.to_string().contains("queue events is missing");
        status.wait_for(missing).await.map(|_| ()).unwrap();
    };

    let delivered = in_time(async {
        tokio::select! {
            _ = consumer.next_batch(1) => true,
            () = reported => false,
        }
    })
    .await;

    assert!(!delivered);
}

// shows: G14
#[tokio::test]
async fn a_consumer_with_a_half_open_connection_reports_it_and_makes_another_one() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    let (proxy, address) = broker.proxied().await;
    let mut consumer = Consumer::new(address, Queue::Events, 400, publisher.clone());
    publish(&publisher, 0..1).await;
    let first = take(&mut consumer, 1).await;
    consumer.settle_all_done(first).await;
    let mut status = consumer.status();

    proxy.let_die();

    let began = Instant::now();
    let watching = async {
        status.wait_for(|status| *status == Status::Silent).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        status.wait_for(Status::is_ready).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
        // RabbitMQ still gives some to the half-open connection: it takes longer to notice.
        publish(&publisher, 1..9).await;
    };
    let (batch, ()) = in_time(async { tokio::join!(consumer.next_batch(10), watching) }).await;
    assert!(!batch.is_empty());
    assert_eq!(consumer.settle_all_done(batch).await.lost, 0);
}

/// More than RabbitMQ 4 would take by itself.
const RETURNS: u32 = 150;

// shows: G10
#[tokio::test]
async fn an_event_that_was_redelivered_150_times_is_still_there_with_its_count() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    publish(&publisher, 0..1).await;
    let mut tried = consumer(&broker, &publisher).await;

    for returns in 0..RETURNS {
        let delivery = take(&mut tried, 1).await.remove(0);
        assert_eq!(delivery.delivery_count, returns);
        // Every fifth time the consumer stops with the event in hand.
        if returns % 5 == 0 {
            in_time(tried.stop()).await;
            tried = consumer(&broker, &publisher).await;
        } else {
            let given_back = vec![(delivery, Verdict::GiveBack)];
            assert_eq!(tried.settle(given_back).await.given_back, 1);
        }
    }

    let still_there = take(&mut tried, 1).await;
    assert_eq!(ids(&still_there), ["0"]);
    assert_eq!(still_there[0].delivery_count, RETURNS);
    assert_eq!(tried.settle_all_done(still_there).await.done, 1);
    assert_eq!(broker.ready(Queue::DeadEvents).await, 0);
}
