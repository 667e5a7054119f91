//! The files of the private servers, and the proof that whatever lies in them is found.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use serde_json::json;
use testkit::world::World;

use super::patterns::Patterns;
use super::{MARKER, contains, word};

const QUEUE: &str = "planted";

/// What the private servers have written since, file by file; nothing where the servers were given to the tests. A word that
/// is planted in each server, in every form in which a secret could be written down, has to be among it.
pub(super) async fn of_servers(world: &World, since: SystemTime) -> Vec<(String, Vec<u8>)> {
    let planted = Patterns::new(&[("the planted", format!("+30 69 {}?", word("Planted")))]);
    plant(world, &planted).await;
    let Some(state) = world.database().private_files().await else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for server in ["postgres", "rabbitmq"] {
        let mut files = Vec::new();
        written_since(&state.join(server), since, &mut files);
        let seen = files.iter().any(|(_, bytes)| contains(bytes, MARKER));
        assert!(seen, "the files of {server} could not be looked at");
        let found: BTreeSet<&str> = files
            .iter()
            .flat_map(|(_, bytes)| planted.names_in(bytes))
            .collect();
        assert_eq!(found, planted.names(), "what was planted in {server}");
        all.append(&mut files);
    }
    written_since(&state.join("log"), since, &mut all);
    all
}

/// Lays each form into a row and into a queue, past every program.
async fn plant(world: &World, planted: &Patterns) {
    let rows: Vec<String> = planted.patterns().map(|form| format!("('{form}')")).collect();
    let statements = format!(
        "CREATE TABLE planted (form text NOT NULL); INSERT INTO planted VALUES {}",
        rows.join(", ")
    );
    world.database().execute(&statements).await;
    let quorum = json!({ "durable": true, "arguments": { "x-queue-type": "quorum" } });
    let path = format!("/{QUEUE}");
    world.vhost().api("PUT", "queues", &path, Some(quorum)).await;
    for form in planted.patterns() {
        world.vhost().publish(QUEUE, form).await;
    }
}

/// Every file below a folder that was written since. One that goes away meanwhile is not there to be read by anybody.
fn written_since(folder: &Path, since: SystemTime, found: &mut Vec<(String, Vec<u8>)>) {
    let Some(entries) = there(folder, fs::read_dir(folder)) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let Some(about) = there(&path, fs::symlink_metadata(&path)) else {
            continue;
        };
        if about.is_dir() {
            written_since(&path, since, found);
        } else if about.is_file()
            && about.modified().unwrap() >= since
            && let Some(bytes) = there(&path, fs::read(&path))
        {
            found.push((path.display().to_string(), bytes));
        }
    }
}

fn there<T>(path: &Path, looked: std::io::Result<T>) -> Option<T> {
    match looked {
        Ok(found) => Some(found),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}
