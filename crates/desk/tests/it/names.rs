//! Names with a typing error are refused: no pause, filter or request reports success for one.

use testkit::database::Database;

use crate::letters::Office;
use crate::program::{Ended, desk};

/// The number of the demo's resort.
const NUMBER: &str = "106540352242922";

async fn holds(office: &Office) -> i64 {
    office.database.count("SELECT count(*) AS count FROM holds").await
}

#[track_caller]
fn check_refused(ended: &Ended, named: &[&str]) {
    ended.check(1);
    assert_eq!(ended.stdout, "", "{ended:?}");
    for name in named {
        assert!(ended.stderr.contains(name), "{name}: {ended:?}");
    }
}

// shows: B120
#[tokio::test]
async fn a_pause_of_an_unknown_name_is_refused_with_the_nearest() {
    let office = Office::open().await;
    let before = office.trail().await.len();

    let resort = office.by_anna("pause --resort azure-bai").await;
    let number = office.by_anna("pause --number 12").await;
    let both = office
        .by_anna(&format!("pause --resort azure-bay --number {NUMBER}0"))
        .await;

    check_refused(&resort, &["azure-bai", "azure-bay"]);
    check_refused(&number, &["12", NUMBER]);
    check_refused(&both, &[NUMBER]);
    assert_eq!(holds(&office).await, 0);
    assert_eq!(office.trail().await.len(), before);
    for known in ["pause --resort azure-bay", &format!("pause --number {NUMBER}")] {
        office.by_anna(known).await.check(0);
    }
    assert_eq!(holds(&office).await, 2);
}

#[tokio::test]
async fn without_the_resorts_files_what_has_bookings_or_conversations_is_known() {
    let office = Office::open().await;
    office
        .database
        .execute("INSERT INTO conversations SELECT '106', phone_hash, now() FROM bookings")
        .await;
    let url = office.database.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_STAFF_TOKEN", office.anna.as_str()),
    ];
    let run = async |arguments: &str| {
        let words: Vec<&str> = arguments.split(' ').collect();
        desk(&words, &environment, "").await
    };

    run("pause --resort azure-bay").await.check(0);
    run("pause --number 106").await.check(0);
    check_refused(
        &run("pause --resort azure-bai").await,
        &["azure-bay", "BELLHOP_CONFIG"],
    );
    check_refused(&run("pause --number 107").await, &["106", "BELLHOP_CONFIG"]);
}

// shows: B121
#[tokio::test]
async fn a_hold_of_a_resort_that_is_gone_can_still_be_ended() {
    let office = Office::open().await;
    office
        .database
        .execute(
            "INSERT INTO holds (key, scope, resort, reason, by_whom) \
             VALUES ('paused resort=old-inn', 'paused', 'old-inn', '', 'anna')",
        )
        .await;

    let wrong = office.by_anna("resume --resort old-in").await;
    let right = office.by_anna("resume --resort old-inn").await;
    let again = office.by_anna("resume --resort old-inn").await;

    check_refused(&wrong, &["paused resort=old-inn"]);
    assert!(right.check(0).stdout.contains("old-inn"), "{right:?}");
    check_refused(&again, &["nothing is held"]);
}

// shows: B120
#[tokio::test]
async fn a_filter_by_an_unknown_name_is_refused_with_the_nearest() {
    let office = Office::open().await;

    for (command, nearest) in [
        ("letters list --resort azure-bai", "azure-bay"),
        ("letters list --json --closed --resort azure-bai", "azure-bay"),
        ("letters list --by reason --resort azure-bai", "azure-bay"),
        ("letters retry --all --resort azure-bai", "azure-bay"),
        ("letters retry --all --dry-run --resort azure-bai", "azure-bay"),
        ("bookings show azure-bai BK-1001", "azure-bay"),
        ("audit list --who ana", "anna"),
        ("audit list --booking azure-bai BK-1001", "azure-bay"),
    ] {
        check_refused(&office.by_anna(command).await, &[nearest]);
    }
    for known in [
        "letters list --resort azure-bay",
        "letters retry --all --resort azure-bay",
        "audit list --who ben",
        "audit list --booking azure-bay BK-7",
    ] {
        office.by_anna(known).await.check(0);
    }
}

// shows: B120
#[tokio::test]
async fn what_a_guest_asks_for_is_refused_at_an_unknown_resort() {
    let office = Office::open().await;

    for command in [
        "guests export --phone +306912345678 --resort azure-bai",
        "guests erase --phone +306912345678 --resort azure-bai",
        "guests stop --phone +306912345678 --resort azure-bai",
        "guests export --booking azure-bai BK-1001",
        "guests erase --booking azure-bai BK-1001",
        "guests stop --booking azure-bai BK-1001",
    ] {
        check_refused(&office.by_anna(command).await, &["azure-bay"]);
    }
    let wishes = "SELECT count(*) AS count FROM guests";
    assert_eq!(office.database.count(wishes).await, 0);
}

#[tokio::test]
async fn a_name_is_refused_also_where_no_name_is_known() {
    let database = Database::create().await;
    let anna = database.hire("anna").await;
    let url = database.url();
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("BELLHOP_STAFF_TOKEN", anna.as_str()),
    ];

    let ended = desk(&["pause", "--resort", "azure-bay"], &environment, "").await;

    check_refused(&ended, &["unknown resort azure-bay", "BELLHOP_CONFIG"]);
}
