//! Senders that cannot reach WhatsApp, and others that answer in its place.

use std::net::SocketAddr;

use domain::message::MessageState;
use serde_json::{Value, json};
use testkit::proxy::Proxy;
use testkit::world::{Event, NUMBER, ResortFile, World};
use tokio::net::TcpListener;

use crate::scene::CONFIRMATION;

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

// shows: B88
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_cannot_reach_whatsapp_leaves_its_messages_to_one_that_can() {
    let mut world = calling_at(closed_port().await).await;
    confirm_all(&world).await;
    until_warned(&world).await;

    world.start_sender().await;

    world.until_in_state(MessageState::Read, GUESTS).await;
    assert_eq!(retries(&world).await, 0);
    assert_eq!(readyz(&world).await.0, 200);
}

// shows: B89
#[tokio::test(flavor = "multi_thread")]
async fn a_firewall_that_answers_in_whatsapps_place_holds_the_number_and_costs_no_try() {
    let world = World::start(&ResortFile::patient()).await;
    let page = json!({ "answer": { "http": 403, "body": "<html>Blocked by policy</html>" } });
    world.tell_sandbox("failures", &page).await;

    confirm_all(&world).await;
    let held = async || {
        let held = world.desk("holds").await;
        held.stdout.contains("HTTP 403").then_some(held.stdout)
    };
    let listed = world.until("the number is held", held).await;
    let calls = world.calls().await.len();
    world.heal_sandbox().await;
    world.desk(&format!("resume --number {NUMBER}")).await;
    let going = "UPDATE messages SET due_at = clock_timestamp(), publish_at = clock_timestamp() WHERE state = 'queued'";
    world.database().execute(going).await;
    world.until_in_state(MessageState::Read, GUESTS).await;

    assert!(listed.contains("answers that are not WhatsApp's"), "{listed}");
    assert!((5..=8).contains(&calls), "{calls} calls");
    assert_eq!(retries(&world).await, 0);
    assert_eq!(world.letters("").await.len(), 0);
    let alert = r#""alert":"foreign_answers""#;
    let logs = world.logs();
    assert_eq!(logs.matches(alert).count(), 1);
    assert!(!logs.contains("Blocked by policy"), "no body in a log");
}

// shows: B89
#[tokio::test(flavor = "multi_thread")]
async fn a_gateways_error_page_leaves_a_message_unknown_until_whatsapp_reports_on_it() {
    let world = World::start(&ResortFile::patient()).await;
    let page = json!({ "times": 1, "notify": { "after_ms": 1_000 },
        "answer": { "http": 502, "body": "<html>Bad Gateway</html>", "accepted": true } });
    world.tell_sandbox("failures", &page).await;
    let (booking, phone) = guest(1);

    world.post(&Event::confirmed(&booking, &phone)).await;

    world
        .until_state(&booking, CONFIRMATION, MessageState::Unknown)
        .await;
    let sent = world
        .until_state(&booking, CONFIRMATION, MessageState::Read)
        .await;
    assert_eq!(sent.existing.attempts, 1);
}
