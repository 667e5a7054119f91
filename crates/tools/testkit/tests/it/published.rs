//! Notifications as Meta and a public client published them, from the webhook to the tables.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use testkit::world::{Event, ResortFile, World};
use whatsapp::notification;

use crate::scene::{ADA, CONFIRMATION};

/// The published notifications, by the names of their files.
fn published() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../whatsapp/tests/fixtures/webhooks");
    let files = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<(String, Value)> = files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (
                name,
                serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap(),
            )
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn changes(notification: &Value) -> impl Iterator<Item = &Value> {
    let entries = notification["entry"].as_array().into_iter().flatten();
    entries.flat_map(|entry| entry["changes"].as_array().into_iter().flatten())
}

// shows: B83
#[tokio::test(flavor = "multi_thread")]
async fn every_published_notification_is_taken_applied_and_harms_no_guest() {
    let world = World::start(&ResortFile::patient()).await;
    let published = published();
    assert!(published.len() >= 28, "{}", published.len());
    // The same update in two files is one event.
    let mut updates = BTreeSet::new();
    for (name, notification) in &published {
        let parsed = notification::parse(notification.to_string().as_bytes());
        let parsed = parsed.unwrap_or_else(|_| panic!("{name}"));
        updates.extend(parsed.iter().map(notification::Update::dedupe_id));
        for change in changes(notification) {
            let body = json!({ "field": change["field"], "value": change["value"] });
            world.tell_sandbox("events", &body).await;
        }
    }

    let stored = "SELECT count(DISTINCT key) AS count FROM events WHERE source = 'whatsapp'";
    let all = async || {
        let count = usize::try_from(world.database().count(stored).await).ok()?;
        (count == updates.len()).then_some(())
    };
    world.until("all are stored", all).await;
    world.post(&Event::confirmed("BK-1", ADA)).await;
    world
        .until_state("BK-1", CONFIRMATION, domain::message::MessageState::Read)
        .await;

    for alert in ["account_problem", "template_problem"] {
        assert!(world.has_logged(alert), "{alert}");
    }
    // The stops among them are of people who are no guests here.
    let letters = world.letters("").await;
    let mut reasons = letters.iter().map(|letter| &letter["reason"]);
    assert!(
        !letters.is_empty() && reasons.all(|reason| reason == "unmatched_stop"),
        "{letters:?}"
    );
}
