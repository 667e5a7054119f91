//! A sender that cannot reach WhatsApp, as its `/readyz`, its log and the desk show it.

use std::net::SocketAddr;

use domain::message::MessageState;
use serde_json::{Value, json};
use testkit::proxy::Proxy;
use testkit::world::{Event, ResortFile, World};
use tokio::net::TcpListener;

const GUESTS: usize = 5;
const CANNOT: &str = r#""alert":"whatsapp_unreachable""#;

fn guest(number: usize) -> (String, String) {
    (format!("BK-{number}"), format!("+3069{number:08}"))
}

async fn confirm_all(world: &World) {
    for number in 1..=GUESTS {
        let (booking, phone) = guest(number);
        world.post(&Event::confirmed(&booking, &phone)).await;
    }
}

/// A port at which nothing listens.
async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn sandbox(world: &World) -> SocketAddr {
    let url = world.variable("WHATSAPP_API_URL").trim_start_matches("http://");
    url.trim_end_matches('/').parse().unwrap()
}

/// A world whose one sender looks for WhatsApp at this port.
async fn calling_at(port: u16) -> World {
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_senders();
    let url = format!("http://127.0.0.1:{port}");
    world.start_also("sender", &[("WHATSAPP_API_URL", &url)]).await;
    world
}

/// What a sender says of itself: the status and the body of `/readyz`.
async fn readyz(world: &World) -> (u16, Value) {
    let (_, address) = world
        .addresses()
        .into_iter()
        .find(|(name, _)| name == "sender")
        .unwrap();
    let answer = reqwest::get(format!("http://{address}/readyz")).await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn until_warned(world: &World) -> (u16, Value) {
    let warned = async || {
        let (status, body) = readyz(world).await;
        body["warnings"].is_array().then_some((status, body))
    };
    world.until("the sender says what is wrong", warned).await
}

async fn retries(world: &World) -> i64 {
    let used = "SELECT coalesce(sum(retries), 0)::bigint AS count FROM messages";
    world.database().count(used).await
}

// shows: B88
#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_listens_at_whatsapps_address_messages_wait_at_no_cost_and_go_when_it_does() {
    let port = closed_port().await;
    let world = calling_at(port).await;

    confirm_all(&world).await;
    let (status, body) = until_warned(&world).await;
    let all_wait = "SELECT count(*) AS count FROM messages WHERE state = 'queued'";
    let waiting = async || (world.database().count(all_wait).await == 5).then_some(());
    world.until("all wait", waiting).await;
    let attempts = "SELECT sum(attempts)::bigint AS count FROM messages";
    let before = world.database().count(attempts).await;
    let listed = async || {
        let held = world.desk("holds").await;
        held.stdout
            .contains("cannot reach WhatsApp")
            .then_some(held.stdout)
    };
    let listed = world.until("the desk lists the sender", listed).await;
    let claimed_since = world.database().count(attempts).await - before;
    let line = Proxy::start(port, vec![sandbox(&world)]).await.unwrap();
    world.until_in_state(MessageState::Read, GUESTS).await;

    assert_eq!(status, 200);
    assert_eq!(
        body["warnings"],
        json!([{ "name": "whatsapp", "reason": "cannot be reached: the connection is refused" }])
    );
    assert!(
        listed.contains("the connection is refused") && listed.contains("until it connects"),
        "{listed}"
    );
    assert_eq!((claimed_since, retries(&world).await), (0, 0));
    assert_eq!(world.letters("").await.len(), 0);
    let logs = world.logs();
    assert_eq!(logs.matches(CANNOT).count(), 1);
    assert_eq!(logs.matches(r#""event":"whatsapp_reachable""#).count(), 1);
    assert_eq!(readyz(&world).await, (200, json!({ "status": "ready" })));
    drop(line);
}
