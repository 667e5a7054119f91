//! `desk keys …`

use std::fs;

use domain::dead_letter::DeadLetterReason;
use serde_json::{Value, json};

use crate::letters::Office;
use crate::program::{CONFIG, Ended, KEYS, desk};

const NEW: &str = "b:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

/// The old ring with a new first key.
fn rotated() -> String {
    format!("{NEW},{KEYS}")
}

/// The old ring's key is gone.
fn without_old() -> String {
    let lookup = KEYS.split(',').nth(1).unwrap();
    format!("{NEW},{lookup}")
}

async fn keys(office: &Office, ring: &str, arguments: &str) -> Ended {
    let url = office.database.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_CONFIG", CONFIG),
        ("BELLHOP_KEYS", ring),
        ("BELLHOP_STAFF_TOKEN", &office.anna),
    ];
    let words = std::iter::once("keys").chain(arguments.split_whitespace());
    desk(&words.collect::<Vec<_>>(), &environment, "").await
}

/// The trail, read without the old key.
async fn trail_without_old(office: &Office) -> Vec<Value> {
    let (url, ring) = (office.database.url(), without_old());
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_KEYS", ring.as_str()),
        ("BELLHOP_STAFF_TOKEN", &office.anna),
    ];
    let list = ["audit", "list", "--json", "--reveal"];
    let listed = desk(&list, &environment, "").await.json();
    listed.as_array().unwrap().clone()
}

fn key<'a>(found: &'a Value, id: &str) -> &'a Value {
    let keys = found.as_array().unwrap();
    keys.iter().find(|key| key["key"] == id).unwrap()
}

// shows: B117, B123
#[tokio::test]
async fn everything_comes_under_the_new_key_and_is_read_without_the_old_one() {
    let office = Office::open().await;
    office
        .event_is_dead_lettered("evt-1", DeadLetterReason::CannotBeApplied)
        .await;
    assert_eq!(office.list("").await.len(), 1);

    office
        .by_anna("pause --resort azure-bay --note Wedding")
        .await
        .check(0);
    keys(&office, &rotated(), "reseal").await.check(0);
    let found = keys(&office, &rotated(), "check --json").await.json();

    assert_eq!(key(&found, "b")["seals"], true);
    assert_eq!(
        key(&found, "b")["values"],
        json!({ "bookings": 1, "events": 1, "letters": 1, "notes": 1 })
    );
    assert!(found.as_array().unwrap().iter().all(|key| key["key"] != "a"));
    let trail = trail_without_old(&office).await;
    let [ended, begun, paused] = &trail[..3] else {
        panic!("{trail:?}")
    };
    assert_eq!(
        (&ended["action"], &ended["details"]),
        (
            &json!("reseal_ended"),
            &json!("under b: answers 0, bookings 1, events 1, letters 1, notes 1; numbers changed 0")
        )
    );
    assert_eq!(begun["action"], "reseal_begun");
    assert_eq!(paused["reason"], "Wedding");
    let (url, ring) = (office.database.url(), without_old());
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_CONFIG", CONFIG),
        ("BELLHOP_KEYS", ring.as_str()),
    ];
    let show = ["bookings", "show", "azure-bay", "BK-1001", "--json"];
    assert_eq!(desk(&show, &environment, "").await.json()["status"], "abandoned");
}

// shows: B124, T22
#[tokio::test]
async fn a_key_that_is_removed_too_early_is_reported_and_nothing_is_lost() {
    let office = Office::open().await;

    let found = keys(&office, &without_old(), "check").await;
    let resealed = keys(&office, &without_old(), "reseal").await;

    assert!(found.check(1).stdout.contains("MISSING"), "{found:?}");
    assert!(resealed.check(1).stderr.contains("the key a"), "{resealed:?}");
    let told = &office.trail().await[0]["details"];
    assert_eq!(
        told,
        "under b: answers 0, bookings 0 (1 not opened), events 0 (1 not opened), letters 0, notes 0; numbers changed 0"
    );
    keys(&office, &rotated(), "reseal").await.check(0);
    keys(&office, &without_old(), "check").await.check(0);
}

// shows: T22
#[tokio::test]
async fn files_that_need_a_key_are_named_and_events_in_the_queues_are_reported() {
    let office = Office::open().await;
    office
        .event_is_dead_lettered("evt-1", DeadLetterReason::CannotBeApplied)
        .await;
    let folder = tempfile::tempdir().unwrap();
    let sealed = desk(&["seal"], &[("BELLHOP_KEYS", KEYS)], "a secret").await;
    let source = format!(
        "resorts = ['*']\n[auth]\nscheme = 'bearer'\nsecrets = ['{}']\n",
        sealed.check(0).stdout.trim()
    );
    fs::create_dir(folder.path().join("sources")).unwrap();
    fs::write(folder.path().join("sources/direct.toml"), source).unwrap();
    let (url, amqp_url) = (office.database.url(), office.vhost.url());
    let (ring, config) = (without_old(), folder.path().display().to_string());
    let check = async |amqp_url: &str| {
        let environment = [
            ("DATABASE_URL", url.as_str()),
            ("AMQP_URL", amqp_url),
            ("BELLHOP_CONFIG", &config),
            ("BELLHOP_KEYS", &ring),
        ];
        desk(&["keys", "check", "--json"], &environment, "").await
    };
    // No other value is left under the old key.
    office
        .database
        .execute("UPDATE bookings SET sealed_facts = ''; UPDATE events SET sealed_body = NULL")
        .await;

    let found = check(&amqp_url).await;
    let away = check("amqp://127.0.0.1:1/%2f").await;

    let keys: Value = serde_json::from_str(&found.check(1).stdout).unwrap();
    assert_eq!(key(&keys, "a")["in_ring"], false);
    assert_eq!(key(&keys, "a")["files"], json!(["sources/direct.toml"]));
    assert!(found.stderr.contains("events 0, dead.events 1"), "{found:?}");
    assert!(away.check(1).stderr.contains("could not be checked"), "{away:?}");
}

#[tokio::test]
async fn a_lock_that_is_held_for_a_while_does_not_interrupt_resealing() {
    let office = Office::open().await;
    let rolled_back =
        "SELECT xact_rollback AS count FROM pg_stat_database WHERE datname = current_database()";
    let before = office.database.count(rolled_back).await;
    let held = office.database.hold("SELECT FROM bookings FOR UPDATE").await;
    let impatient = format!("{}?options=-c%20lock_timeout%3D1000", office.database.url());
    let ring = rotated();
    let environment = [
        ("DATABASE_URL", impatient.as_str()),
        ("BELLHOP_CONFIG", CONFIG),
        ("BELLHOP_KEYS", &ring),
        ("BELLHOP_STAFF_TOKEN", &office.anna),
    ];
    let letting_go = async {
        while office.database.count(rolled_back).await == before {
            tokio::task::yield_now().await;
        }
        drop(held);
    };

    let (resealed, ()) = tokio::join!(desk(&["keys", "reseal"], &environment, ""), letting_go);

    assert!(
        resealed.check(0).stdout.contains("bookings: 1 re-encrypted"),
        "{resealed:?}"
    );
}

// shows: G29
#[tokio::test]
async fn numbers_that_were_read_differently_are_read_again_with_their_guests_stop() {
    let office = Office::open().await;
    office
        .event_is_dead_lettered("evt-1", DeadLetterReason::CannotBeApplied)
        .await;
    assert_eq!(office.list("").await.len(), 1);
    let misread = "'\\x0102030405060708091011121314151617181920212223242526272829303132'";
    office
        .database
        .execute(&format!(
            "UPDATE bookings SET phone_hash = {misread}; UPDATE events SET phone_hash = {misread}; \
             UPDATE letters SET phone_hash = {misread}; \
             INSERT INTO guests SELECT resort, phone_hash, now() FROM bookings"
        ))
        .await;
    let misread_in = async |table: &str| {
        let count = format!("SELECT count(*) AS count FROM {table} WHERE phone_hash = {misread}");
        office.database.count(&count).await
    };

    let resealed = keys(&office, KEYS, "reseal").await;
    let again = keys(&office, KEYS, "reseal").await;

    let told = "bookings: 1 number read differently now\nevents: 1 number read differently now\n";
    assert!(resealed.check(0).stdout.ends_with(told), "{resealed:?}");
    assert!(
        resealed.stdout.contains("letters: 1 re-encrypted"),
        "{resealed:?}"
    );
    assert!(!again.check(0).stdout.contains(": 1 "), "{again:?}");
    for table in ["bookings", "events", "letters"] {
        assert_eq!(misread_in(table).await, 0, "{table}");
    }
    let export = office
        .by_anna_saying("guests export --phone -", "+306912345678")
        .await;
    let held = export.json();
    assert_eq!(held["bookings"][0]["booking"], "BK-1001");
    assert_eq!(held["wishes"][0]["opted_out"], true);
    assert_eq!(held["letters"].as_array().unwrap().len(), 1);
    let trail = office.trail().await;
    let last = trail.iter().find(|row| row["action"] == "reseal_ended").unwrap();
    assert_eq!(
        last["details"],
        "under a: answers 0, bookings 0, events 0, letters 0, notes 0; numbers changed 0"
    );
}

#[tokio::test]
async fn a_number_with_its_country_code_is_read_again_without_its_resorts_file() {
    let office = Office::open().await;
    let folder = tempfile::tempdir().unwrap();
    let hashes =
        "SELECT count(DISTINCT b.phone_hash) AS count FROM bookings b JOIN events e USING (phone_hash)";

    // The number has its country code: no file is needed to read it.
    let without_files = office.by_anna_with(folder.path(), "keys reseal", "").await;

    without_files.check(0);
    assert_eq!(office.database.count(hashes).await, 1);
}
