//! Programs that die just before and just behind each step that reaches outside of them, on each way that a guest may go:
//! afterwards the ledger is the same as if nothing had happened.
//!
//! The points are named where they stand in the programs; `service::crash` tells how a process dies at one.

use std::collections::BTreeSet;

use testkit::world::World;

use crate::scene::guest;
use rules::{before_tests, read, shipped_files};

mod desk;
mod fetches;
mod flows;
mod ingest;
mod moments;
mod processor;
mod sender;
mod webhooks_out;

/// How the ledger is checked in the end.
const LEDGER_CHECK: &str = "ledger check --margin 10s";

fn tried() -> BTreeSet<String> {
    let lists = [
        desk::TRIED,
        fetches::TRIED,
        ingest::TRIED,
        moments::TRIED,
        processor::TRIED,
        sender::TRIED,
        flows::TRIED,
        webhooks_out::TRIED,
    ];
    let names = lists.into_iter().flatten().copied().flatten();
    names.map(|&name| name.to_owned()).collect()
}

/// `processor.events.committed` and its like.
fn is_point(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let word =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
    let programs = ["ingest", "processor", "sender", "desk"];
    parts.len() == 3 && programs.contains(&parts[0]) && parts.iter().all(word)
}

// shows: G3
#[test]
fn every_crash_point_in_the_programs_is_tried_here_and_no_other() {
    let mut named = BTreeSet::new();
    for path in shipped_files() {
        let text = read(&path);
        let literals = before_tests(&text).split('"').filter(|literal| is_point(literal));
        named.extend(literals.map(str::to_owned));
    }

    assert_eq!(named, tried());
}

/// The variable that makes a program crash at a point.
fn dying_at(point: &str) -> [(&str, &str); 1] {
    [("BELLHOP_CRASH_AT", point)]
}

/// Ids that were put off before they were handed out are due again.
async fn half_an_hour_goes_by(world: &World) {
    let due = "UPDATE messages SET publish_at = clock_timestamp() WHERE state = 'queued' AND publish_at IS NOT NULL";
    world.database().execute(due).await;
}

/// A guest who got exactly these messages, after so many events, each applied once.
async fn check_guest(world: &World, number: usize, events: usize, messages: &[&str]) {
    let (booking, phone) = guest(number);
    assert_eq!(world.until_events(&booking, events).await, events, "{booking}");
    assert_eq!(world.names_received_by(&phone).await, messages, "{booking}");
}

/// Nothing hangs, nothing was given up.
async fn check_books(world: &World) {
    world.desk(LEDGER_CHECK).await.check(0);
    let depths = world.depths().await;
    assert_eq!((depths.dead_events, depths.dead_messages), (0, 0));
    assert_eq!(world.letters("").await.len(), 0);
}
