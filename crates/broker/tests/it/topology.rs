//! Declaring and verifying.

use broker::Address;
use broker::topology::{self, Depths, Queue, TopologyError};
use serde_json::json;
use testkit::vhost::Vhost;

use crate::harness::Broker;

#[tokio::test]
async fn declaring_twice_does_no_harm_and_all_is_there_afterwards() {
    let broker = Broker::start().await;

    topology::declare(&broker.address).await.unwrap();

    assert_eq!(
        topology::verify(&broker.address).await.unwrap(),
        Depths::default()
    );
}

#[tokio::test]
async fn an_empty_vhost_is_reported_with_what_to_do() {
    let vhost = Vhost::create().await;

    let error = topology::verify(&Address::parse(&vhost.url()).unwrap())
        .await
        .unwrap_err();

    assert!(matches!(error, TopologyError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("desk migrate"));
}

#[tokio::test]
async fn a_queue_with_other_arguments_is_reported_by_name() {
    let broker = Broker::start().await;
    broker.vhost.delete_queue("messages").await;
    let other = json!({ "durable": true, "arguments": { "x-queue-type": "quorum" } });
    broker.vhost.api("PUT", "queues", "/messages", Some(other)).await;

    let declared = topology::declare(&broker.address).await.unwrap_err();
    let verified = topology::verify(&broker.address).await.unwrap_err();

    for error in [declared, verified] {
        assert!(
            matches!(error, TopologyError::Differs { name: "messages", .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn every_queue_has_the_agreed_arguments() {
    let broker = Broker::start().await;

    let queue = broker.vhost.api("GET", "queues", "/events", None).await;

    assert_eq!(
        queue["arguments"],
        json!({
            "x-queue-type": "quorum", "x-dead-letter-exchange": "dead", "x-dead-letter-routing-key": "event",
            "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish", "x-delivery-limit": 1_000_000,
        })
    );
    assert_eq!(queue["durable"], true);
    assert_eq!(Queue::Events.dead().name(), "dead.events");
}
