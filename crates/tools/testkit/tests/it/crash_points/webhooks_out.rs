//! Processors that die while they tell a resort's own tool what happened.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use testkit::platform::{Platform, Reply};
use testkit::world::{Event, ResortFile, World};

use super::{check_books, dying_at};

pub(super) const TRIED: &[&[&str]] = &[SENDING, GIVING_UP];

const SENDING: &[&str] = &[
    "processor.webhooks_out.claimed",
    "processor.webhooks_out.sent",
    "processor.webhooks_out.removed",
];
const GIVING_UP: &[&str] = &["processor.webhooks_out.given_up"];

fn file(receiver: &Platform) -> ResortFile {
    let section = format!(
        "[webhook_out]\nurl = \"http://{}/hook\"\nhosts = [\"127.0.0.1\"]\nevents = [\"not_delivered\"]\n\
         secrets = [\"plain:whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\"]\n",
        receiver.address()
    );
    ResortFile {
        sections: section,
        ..ResortFile::patient()
    }
}

/// A confirmation that cannot be delivered.
async fn confirmed(world: &World, booking: &str) {
    world.post(&Event::confirmed(booking, "no number")).await;
}

/// A lease ends, or a pause.
async fn it_is_time(world: &World) {
    world
        .database()
        .execute("UPDATE webhooks_out SET due_at = clock_timestamp()")
        .await;
}

async fn until_none_is_left(world: &World) {
    let left = "SELECT count(*) AS count FROM webhooks_out";
    let none_is_left = async || (world.database().count(left).await == 0).then_some(());
    world.until("every webhook is sent", none_is_left).await;
}

async fn until_subscribed(world: &World) {
    let wanted = "SELECT count(*) AS count FROM webhook_subscriptions";
    let is_noted = async || (world.database().count(wanted).await == 1).then_some(());
    world.until("the file is noted", is_noted).await;
}

// shows: B229, G3
#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_told_under_one_id_wherever_the_processor_dies() {
    let receiver = Platform::start(|_| Reply::status(204)).await;
    let mut world = World::start(&file(&receiver)).await;
    world.replace("processor", &[]).await;
    until_subscribed(&world).await;

    for (number, point) in SENDING.iter().enumerate() {
        world.replace("processor", &dying_at(point)).await;
        confirmed(&world, &format!("BK-{number}")).await;
        world.until_dead("processor", point).await;
        it_is_time(&world).await;
        world.replace("processor", &[]).await;
        until_none_is_left(&world).await;
    }

    let mut bookings = BTreeSet::new();
    for asked in receiver.asked() {
        let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
        let booking = body["data"]["booking"].as_str().unwrap().to_owned();
        bookings.insert((booking, asked.headers["webhook-id"].clone()));
    }
    assert_eq!(bookings.len(), SENDING.len(), "{bookings:?}");
    // One that was sent before its process died is sent again.
    assert_eq!(receiver.asked().len(), SENDING.len() + 1);
    check_books(&world).await;
}

// shows: B233
#[tokio::test(flavor = "multi_thread")]
async fn a_person_tries_whether_the_tool_gets_webhooks() {
    let is_down = Arc::new(AtomicBool::new(false));
    let down = Arc::clone(&is_down);
    let receiver = Platform::start(move |_| match down.load(Ordering::Relaxed) {
        true => Reply::status(404),
        false => Reply::status(200),
    })
    .await;
    let mut world = World::start(&file(&receiver)).await;

    let arrived = world.desk("webhook-out test azure-bay").await;
    is_down.store(true, Ordering::Relaxed);
    let failed = world.desk("webhook-out test azure-bay").await;
    world.write_resort(&ResortFile::patient());
    world.replace("processor", &[]).await;
    let without = world.desk("webhook-out test azure-bay").await;
    let unknown = world.desk("webhook-out test azure-bey").await;

    assert!(arrived.check(0).stdout.starts_with("the tool took the webhook "));
    assert_eq!(
        failed.check(1).stdout,
        "the tool did not take it: the receiver answered 404\n"
    );
    assert_eq!(
        without.check(1).stdout,
        "the tool did not take it: the resort's file has no [webhook_out]\n"
    );
    unknown.check(1);
    let bodies: Vec<serde_json::Value> = receiver
        .asked()
        .iter()
        .map(|asked| serde_json::from_str(&asked.body).unwrap())
        .collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0]["type"], "ping");
    assert_eq!(bodies[0]["data"], json!({ "resort": "azure-bay" }));
    until_none_is_left(&world).await;
}

// shows: B228, G3, G16
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_failed_has_one_letter_wherever_the_processor_dies_and_is_sent_again() {
    let is_back = Arc::new(AtomicBool::new(false));
    let back = Arc::clone(&is_back);
    let receiver = Platform::start(move |_| match back.load(Ordering::Relaxed) {
        false => Reply::status(410),
        true => Reply::status(200),
    })
    .await;
    let mut world = World::start(&file(&receiver)).await;
    world.replace("processor", &[]).await;
    until_subscribed(&world).await;

    for point in GIVING_UP {
        world.replace("processor", &dying_at(point)).await;
        confirmed(&world, "BK-1").await;
        world.until_dead("processor", point).await;
    }
    it_is_time(&world).await;
    world.replace("processor", &[]).await;
    until_none_is_left(&world).await;

    let letters = world.letters("--kind events").await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["reason"], json!("webhook_failed"));
    assert_eq!(letters[0]["error"], json!("the receiver answered 410"));
    assert_eq!(letters[0]["resort"], json!("azure-bay"));
    // Two, or more: the one that began again may have asked before it could publish the letter.
    let before = receiver.asked().len();
    assert!(before >= 2, "{before}");
    is_back.store(true, Ordering::Relaxed);
    world
        .desk("letters retry --all --reason webhook_failed")
        .await
        .check(0);
    until_none_is_left(&world).await;
    let told = async || (receiver.asked().len() > before).then_some(());
    world.until("the tool is told", told).await;
    let ids: BTreeSet<String> = receiver
        .asked()
        .iter()
        .map(|asked| asked.headers["webhook-id"].clone())
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(receiver.asked().len(), before + 1);
    check_books(&world).await;
}
