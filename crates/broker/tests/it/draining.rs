//! Emptying the dead queues.

use broker::dead_letter::Cause;
use broker::drain::Drain;
use broker::topology::Queue;
use domain::dead_letter::DeadLetterReason;

use crate::harness::{Broker, in_time, outgoing};

fn cause() -> Cause {
    Cause {
        reason: DeadLetterReason::Unreachable,
        error: "no route to host".into(),
        attempts: 3,
        dead_lettered_at: Some("2026-11-23T10:00:00Z".parse().unwrap()),
    }
}

#[tokio::test]
async fn a_letter_is_taken_with_its_cause_and_is_gone_once_acknowledged() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    let mut message = outgoing(Queue::DeadMessages, "m1");
    message.cause = Some(cause());
    in_time(publisher.publish(message)).await.unwrap();
    let drain = Drain::open(&broker.address).await.unwrap();

    let letters = drain.take(Queue::DeadMessages, 10).await.unwrap();

    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].message_id, "m1");
    assert_eq!(letters[0].body, b"body of m1");
    assert_eq!(letters[0].cause.reason, DeadLetterReason::Unreachable);
    assert_eq!(letters[0].cause.dead_lettered_at, cause().dead_lettered_at);
    drain.acknowledge(letters).await.unwrap();
    drain.close().await;
    assert_eq!(broker.ready(Queue::DeadMessages).await, 0);
}

#[tokio::test]
async fn two_desks_never_hold_the_same_letter_and_what_one_leaves_the_other_gets() {
    let broker = Broker::start().await;
    let publisher = broker.publisher().await;
    for id in ["1", "2", "3"] {
        in_time(publisher.publish(outgoing(Queue::DeadEvents, id)))
            .await
            .unwrap();
    }
    let (one, other) = (
        Drain::open(&broker.address).await.unwrap(),
        Drain::open(&broker.address).await.unwrap(),
    );

    let held = one.take(Queue::DeadEvents, 2).await.unwrap();
    let rest = other.take(Queue::DeadEvents, 10).await.unwrap();

    assert_eq!((held.len(), rest.len()), (2, 1));
    assert_eq!(rest[0].cause.reason, DeadLetterReason::DeliveryLimit);
    one.close().await;
    assert_eq!(in_time(other.take(Queue::DeadEvents, 10)).await.unwrap().len(), 2);
}
