//! What one number's backlog does to other resorts: nothing.

use std::fs;
use std::path::Path;

use futures_util::future::join_all;
use testkit::world::{Event, NUMBER, ResortFile, World};

const OTHER_NUMBER: &str = "20987654321";

/// A second resort, with a number of its own; returns when a first message of it has gone.
async fn second_resort(world: &World, file: &ResortFile) {
    let folder = Path::new(world.variable("BELLHOP_CONFIG"));
    let text = file.text().replace(NUMBER, OTHER_NUMBER);
    fs::write(folder.join("resorts/blue-cove.toml"), text).unwrap();
    let source = folder.join("sources/direct.toml");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("'azure-bay'", "'azure-bay', 'blue-cove'")).unwrap();
    let first = of_second_resort("BK-first", "+306900000001");
    world
        .until("the second resort is known", async || {
            world.send(&first).await.0.is_success().then_some(())
        })
        .await;
    world.until_received("+306900000001", 1).await;
}

fn of_second_resort(booking: &str, phone: &str) -> Event {
    Event::confirmed(booking, phone).with("/resort", "blue-cove")
}

// shows: B137, G35
#[tokio::test(flavor = "multi_thread")]
async fn a_number_with_a_long_backlog_holds_up_no_other_resort() {
    const BACKLOG: usize = 300;
    let file = ResortFile::patient();
    let world = World::start_with(&file, &[("SENDER_MESSAGES_PER_SECOND", "2")]).await;
    second_resort(&world, &file).await;

    // It takes two and a half minutes to send these.
    let backlog: Vec<Event> = (0..BACKLOG)
        .map(|number| Event::confirmed(&format!("BK-{number}"), &format!("+3069{number:08}")))
        .collect();
    join_all(backlog.iter().map(|event| world.post(event))).await;
    world
        .until("all have been judged", async || {
            let judged = "SELECT count(*) AS count FROM messages WHERE state = 'queued' AND publish_at > now() + interval '100 ms'";
            (world.database().count(judged).await >= 200).then_some(())
        })
        .await;
    let phone = "+306912345678";
    world.post(&of_second_resort("BK-other", phone)).await;
    world.until_received(phone, 1).await;

    let sent = world
        .database()
        .count("SELECT count(*) AS count FROM messages WHERE state = 'sent'")
        .await;
    assert!(sent < 100, "it waited for {sent} others");
}

// shows: B267
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_takes_nothing_from_the_queue_before_it_may_send() {
    const STRANGER: &str = "INSERT INTO senders (id, seen_at, name, knows) \
         VALUES (gen_random_uuid(), clock_timestamp() + interval '1 hour', 'stranger', '{}')";
    let mut world = World::start(&ResortFile::patient()).await;
    world.kill_senders();
    world.database().execute("DELETE FROM senders").await;
    // It counts as running, and never says that it knows the sender that joins.
    world.database().execute(STRANGER).await;
    let joined = "SELECT count(*) AS count FROM senders WHERE name <> 'stranger'";
    let joining = world.started("sender", &[]).await;
    let has_joined = async || (world.database().count(joined).await == 1).then_some(());
    world.until("the sender has said that it runs", has_joined).await;
    let phone = "+306912345678";
    world.post(&Event::confirmed("BK-1", phone)).await;

    let lies_ready = async || (world.depths().await.messages == 1).then_some(());
    world.until("the id lies ready in the queue", lies_ready).await;

    assert!(!world.is_ready(joining.address()).await);
    assert!(world.calls().await.is_empty());
    let leaves = "DELETE FROM senders WHERE name = 'stranger'";
    world.database().execute(leaves).await;
    world.until_received(phone, 1).await;
}
