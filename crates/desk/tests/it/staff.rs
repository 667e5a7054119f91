//! `desk staff …`, and the token.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::database::Database;

use crate::program::{CONFIG, Ended, desk};

const PAUSE: &[&str] = &["pause", "--resort", "azure-bay"];

async fn by(database: &Database, token: &str, arguments: &[&str]) -> Ended {
    let url = database.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_CONFIG", CONFIG),
        ("BELLHOP_STAFF_TOKEN", token),
    ];
    desk(arguments, &environment, "").await
}

/// A person with their own folder for the token file.
async fn at_home(database: &Database, home: &Path, arguments: &[&str]) -> Ended {
    let url = database.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_CONFIG", CONFIG),
        ("HOME", home.to_str().unwrap()),
    ];
    desk(arguments, &environment, "").await
}

/// Stores a token as the command line does.
fn keep(home: &Path, token: &str, mode: u32) {
    let folder = home.join(".config/bellhop");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("token");
    fs::write(&file, token).unwrap();
    fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
}

// shows: B201, T43
#[tokio::test]
async fn a_role_bounds_what_a_member_may_do_and_an_admin_changes_it() {
    let database = Database::create().await;
    let anna = database.hire("anna").await;
    let added = by(&database, &anna, &["staff", "add", "eve", "--role", "viewer"]).await;
    let eve = added.check(0).stdout.trim();

    let refused = by(&database, eve, PAUSE).await;
    assert!(
        refused.check(1).stderr.contains("needs the role support"),
        "{refused:?}"
    );
    let grab = by(&database, eve, &["staff", "role", "eve", "--role", "admin"]).await;
    assert!(grab.check(1).stderr.contains("needs the role admin"), "{grab:?}");
    let elsewhere = [
        "staff",
        "role",
        "eve",
        "--role",
        "support",
        "--resort",
        "olive-hill",
    ];
    by(&database, &anna, &elsewhere).await.check(0);
    let outside = by(&database, eve, PAUSE).await;
    assert!(
        outside.check(1).stderr.contains("outside the resorts"),
        "{outside:?}"
    );
    by(
        &database,
        &anna,
        &["staff", "role", "eve", "--resort", "azure-bay"],
    )
    .await
    .check(0);
    by(&database, eve, PAUSE).await.check(0);
    let link = by(&database, eve, &["staff", "link", "anna"]).await;
    assert!(link.check(1).stderr.contains("needs the role admin"), "{link:?}");
    by(&database, eve, &["staff", "link", "eve"]).await.check(0);

    let listed = by(&database, "", &["staff", "list", "--json"]).await.json();
    assert_eq!(listed[1]["role"], "support", "{listed}");
    assert_eq!(listed[1]["resorts"], serde_json::json!(["azure-bay"]), "{listed}");
}

// shows: B114, T25
#[tokio::test]
async fn the_first_needs_no_token_and_adds_the_others() {
    let database = Database::create().await;

    let first = by(&database, "", &["staff", "add", "anna"]).await;
    let token = first.check(0).stdout.trim();
    let uninvited = by(&database, "", &["staff", "add", "eve"]).await;
    let second = by(&database, token, &["staff", "add", "ben"]).await;

    assert!(token.starts_with("bellhop_") && token.len() > 50, "{first:?}");
    assert!(first.stderr.contains("not shown again"), "{first:?}");
    let told = &uninvited.check(2).stderr;
    assert!(told.starts_with("BELLHOP_STAFF_TOKEN: "), "{uninvited:?}");
    assert!(told.contains("desk staff add"), "{uninvited:?}");
    assert_ne!(second.check(0).stdout.trim(), token);
    let listed = by(&database, "", &["staff", "list"]).await;
    assert!(listed.check(0).stdout.contains("\nanna  admin  "), "{listed:?}");
    assert!(!database.contents().await.contains(token));
}

// shows: B115
#[tokio::test]
async fn without_a_token_nothing_is_done_and_the_remedy_is_named() {
    let database = Database::create().await;
    database.hire("anna").await;

    let ended = by(&database, "", PAUSE).await;

    assert!(ended.check(2).stderr.contains("desk staff add"), "{ended:?}");
    assert_eq!(database.count("SELECT count(*) AS count FROM holds").await, 0);
}

// shows: T25
#[tokio::test]
async fn an_unknown_token_and_that_of_a_removed_member_are_refused() {
    let database = Database::create().await;
    let anna = database.hire("anna").await;
    let ben = database.hire("ben").await;
    let unknown = format!("bellhop_{}", "x".repeat(43));

    by(&database, &ben, PAUSE).await.check(0);
    by(&database, &anna, &["staff", "remove", "ben"]).await.check(0);

    for token in [ben, unknown] {
        let ended = by(&database, &token, &["resume", "--all"]).await;
        assert!(
            ended.check(1).stderr.contains("no current member of the staff"),
            "{ended:?}"
        );
        assert!(!ended.stderr.contains(&token), "{ended:?}");
    }
    let nonsense = by(&database, "hunter2", &["resume", "--all"]).await;
    assert!(
        nonsense
            .check(2)
            .stderr
            .starts_with("BELLHOP_STAFF_TOKEN: is no token")
    );
    assert!(!nonsense.stderr.contains("hunter2"), "{nonsense:?}");
    assert_eq!(database.count("SELECT count(*) AS count FROM holds").await, 1);
    let last = by(&database, &anna, &["staff", "remove", "anna"]).await;
    assert!(
        last.check(1).stderr.contains("anna is the last admin"),
        "{last:?}"
    );
}

#[tokio::test]
async fn no_member_has_whatsapps_name() {
    let database = Database::create().await;

    for name in ["whatsapp", "erasure"] {
        let ended = by(&database, "", &["staff", "add", name]).await;

        assert!(ended.check(1).stderr.contains("is reserved"), "{ended:?}");
    }
}

// shows: B116
#[tokio::test]
async fn a_kept_token_is_taken_unless_the_variable_says_otherwise() {
    let (database, home) = (Database::create().await, tempfile::tempdir().unwrap());
    let anna = database.hire("anna").await;
    keep(home.path(), &format!("{anna}\n"), 0o600);

    let kept = at_home(&database, home.path(), PAUSE).await;
    let url = database.url();
    let both = [
        ("DATABASE_URL", url.as_str()),
        ("HOME", home.path().to_str().unwrap()),
        ("BELLHOP_STAFF_TOKEN", "bellhop_"),
    ];

    assert_eq!((kept.check(0).stderr.as_str(), kept.code), ("", 0));
    desk(&["resume", "--all"], &both, "").await.check(2);
}

// shows: B116
#[tokio::test]
async fn a_kept_token_that_others_can_read_is_warned_of() {
    let (database, home) = (Database::create().await, tempfile::tempdir().unwrap());
    let anna = database.hire("anna").await;
    keep(home.path(), &anna, 0o644);

    let ended = at_home(&database, home.path(), PAUSE).await;

    assert!(ended.check(0).stderr.contains("chmod 600 "), "{ended:?}");
}

#[tokio::test]
async fn a_kept_token_that_is_good_no_longer_is_named_with_its_file() {
    let (database, home) = (Database::create().await, tempfile::tempdir().unwrap());
    database.hire("anna").await;
    keep(home.path(), &format!("bellhop_{}", "x".repeat(43)), 0o600);

    let ended = at_home(&database, home.path(), PAUSE).await;

    assert!(
        ended.check(1).stderr.contains(".config/bellhop/token"),
        "{ended:?}"
    );
}

/// Runs a command on a terminal and types the token when it is asked for; returns what the terminal showed.
fn on_a_terminal(database: &Database, home: &Path, arguments: &str, token: &str) -> (i32, String) {
    let command = format!("{} {arguments}", env!("CARGO_BIN_EXE_desk"));
    let mut script = Command::new("script")
        .args(["-qefc", &command, "/dev/null"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("DATABASE_URL", database.url())
        .env("BELLHOP_CONFIG", CONFIG)
        .env("XDG_CONFIG_HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut typed, mut shown) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
    let mut seen = String::new();
    let mut buffer = [0; 1_024];
    while let Ok(read @ 1..) = shown.read(&mut buffer) {
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
        if seen.ends_with("(not shown): ") {
            typed.write_all(format!("{token}\n").as_bytes()).unwrap();
        }
    }
    (script.wait().unwrap().code().unwrap(), seen)
}

// shows: B116, T25
#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_the_token_is_asked_for_once_and_kept_for_its_owner_alone() {
    let (database, home) = (Database::create().await, tempfile::tempdir().unwrap());
    let anna = database.hire("anna").await;
    let file = home.path().join("bellhop/token");

    let (code, first) = on_a_terminal(&database, home.path(), "pause --resort azure-bay", &anna);
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    let (again, second) = on_a_terminal(&database, home.path(), "resume --all", "");

    assert_eq!((code, again), (0, 0), "{first}\n{second}");
    assert!(first.contains("kept in "), "{first}");
    assert_eq!(
        (mode, fs::read_to_string(&file).unwrap().trim()),
        (0o600, anna.as_str())
    );
    assert!(!second.contains("Your token"), "{second}");
}

// shows: B116
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_that_was_typed_is_not_kept() {
    let (database, home) = (Database::create().await, tempfile::tempdir().unwrap());
    database.hire("anna").await;
    let wrong = format!("bellhop_{}", "x".repeat(43));

    let (code, seen) = on_a_terminal(&database, home.path(), "pause --resort azure-bay", &wrong);

    assert_eq!(code, 1, "{seen}");
    assert!(!home.path().join("bellhop/token").exists());
    assert_eq!(database.count("SELECT count(*) AS count FROM holds").await, 0);
}
