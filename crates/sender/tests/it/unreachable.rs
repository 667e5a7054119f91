//! Senders that cannot reach WhatsApp.

use domain::message::MessageState::{Queued, Sent as SENT};
use sender::steps::{Admitted, Steps};
use serde_json::{Value, json};
use testkit::proxy::Proxy;
use tokio::net::TcpListener;

use crate::scene::Scene;

const GUESTS: usize = 5;

/// A port at which nothing listens.
async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A sender that looks for WhatsApp at this port.
fn calling_at(scene: &Scene, port: u16) -> Steps {
    scene.sender_with(|settings| {
        settings.whatsapp_url = format!("http://127.0.0.1:{port}").parse().unwrap();
    })
}

fn report(sender: &Steps) -> Value {
    serde_json::to_value(sender.readiness().report()).unwrap()
}

async fn retries(scene: &Scene) -> i64 {
    let used = "SELECT coalesce(sum(retries), 0)::bigint AS count FROM messages";
    scene.database.count(used).await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_listens_at_whatsapps_address_messages_wait_at_no_cost_and_go_when_it_does() {
    let scene = Scene::new().await;
    let port = closed_port().await;
    let sender = calling_at(&scene, port);
    scene.confirm(GUESTS).await;

    scene.send_by(&sender).await;
    let is_reachable = sender.probe_once().await;
    let warned = report(&sender);
    assert_eq!(scene.count(Queued).await, 5);
    let line = Proxy::start(port, vec![scene.sandbox_address()]).await.unwrap();
    let is_reachable_then = sender.probe_once().await;
    scene.next_try_is_due().await;
    scene.send_by(&sender).await;

    assert!(!is_reachable && is_reachable_then);
    assert_eq!(
        warned["warnings"],
        json!([{ "name": "whatsapp", "reason": "cannot be reached: the connection is refused" }])
    );
    assert_eq!(report(&sender), json!({ "status": "ready" }));
    assert_eq!(scene.count(SENT).await, 5);
    assert_eq!(retries(&scene).await, 0);
    drop(line);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_cannot_reach_whatsapp_claims_nothing_more() {
    let scene = Scene::new().await;
    let sender = calling_at(&scene, closed_port().await);
    scene.confirm(GUESTS).await;
    scene.send_by(&sender).await;
    let attempts = "SELECT sum(attempts)::bigint AS count FROM messages";
    let before = scene.database.count(attempts).await;

    scene.next_try_is_due().await;
    scene.send_by(&sender).await;

    assert!(!sender.is_reachable(), "its ids return to the queue");
    assert_eq!(scene.database.count(attempts).await, before);
    assert_eq!(
        before, 1,
        "one call could not connect, and the others were not tried"
    );
}

// shows: B88
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_cannot_reach_whatsapp_leaves_its_messages_to_one_that_can() {
    let scene = Scene::new().await;
    let sender = calling_at(&scene, closed_port().await);
    scene.confirm(GUESTS).await;
    scene.send_by(&sender).await;

    scene.next_try_is_due().await;
    scene.send().await;

    assert_eq!(scene.count(SENT).await, 5);
    assert_eq!(retries(&scene).await, 0);
    assert_eq!(report(&sender)["status"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_cannot_reach_whatsapp_is_listed_with_the_reason() {
    let scene = Scene::new().await;
    let sender = calling_at(&scene, closed_port().await);
    scene.confirm(1).await;
    scene.send_by(&sender).await;
    sender.probe_once().await;

    sender.beat_once().await.unwrap();

    let listed = "SELECT count(*) AS count FROM senders \
                  WHERE unreachable_since IS NOT NULL AND unreachable_reason = 'the connection is refused'";
    assert_eq!(scene.database.count(listed).await, 1);
    assert!(sender.metrics().contains("bellhop_whatsapp_unreachable 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_were_not_called_for_are_handed_out_again_and_no_more_are_taken() {
    let scene = Scene::new().await;
    let port = closed_port().await;
    let sender = calling_at(&scene, port);
    scene.confirm(GUESTS).await;
    let due = scene.due().await;

    assert_eq!(sender.send_once(due.clone()).await.unwrap(), Admitted::All);
    assert_eq!(sender.send_once(due).await.unwrap(), Admitted::Not);

    let handed_out = "SELECT count(*) AS count FROM messages WHERE state = 'queued' AND publish_at <= now()";
    assert_eq!(
        scene.database.count(handed_out).await,
        i64::try_from(GUESTS).unwrap()
    );
}
