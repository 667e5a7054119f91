//! `desk source …`

use std::fs;
use std::path::Path;

use domain::ids::SourceId;
use domain::source_report::{AnswerCount, SourceAnswer, SourceReport};
use serde_json::{Value, json};
use store::source_reports::{self, NewSourceReport};
use testkit::database::Database;

use crate::program::{CONFIG, Ended, desk};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mapping/samples");

async fn trial(arguments: &[&str], config: Option<&Path>, stdin: &str) -> Ended {
    let config = config.map(|config| config.display().to_string());
    let environment: Vec<_> = config
        .iter()
        .map(|config| ("BELLHOP_CONFIG", config.as_str()))
        .collect();
    desk(&[&["source", "try"], arguments].concat(), &environment, stdin).await
}

/// The words of the line that begins so.
fn line<'t>(ended: &'t Ended, begin: &str) -> Vec<&'t str> {
    let line = ended.stdout.lines().find(|line| line.starts_with(begin));
    let line = line.unwrap_or_else(|| panic!("{begin} in {ended:?}"));
    line.split("  ")
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect()
}

#[tokio::test]
async fn presets_are_listed_with_what_they_report() {
    let listed = desk(&["source", "presets", "--json"], &[], "").await.json();
    let text = desk(&["source", "presets"], &[], "").await;

    let find = |name: &str| {
        let found = listed
            .as_array()
            .unwrap()
            .iter()
            .find(|preset| preset["name"] == name);
        found.unwrap().clone()
    };
    assert_eq!(
        find("lodgify"),
        json!({
            "name": "lodgify",
            "event_types": ["booking_started", "reservation_confirmed", "reservation_modified", "reservation_cancelled"],
            "ids_only": false,
            "page": "docs/platforms/lodgify.md",
        })
    );
    assert_eq!(find("mews")["ids_only"], true);
    assert_eq!(
        line(text.check(0), "mews")[..3],
        ["mews", "ids only", "docs/platforms/mews.md"]
    );
    for preset in listed.as_array().unwrap() {
        let page = format!(
            "{}/../../{}",
            env!("CARGO_MANIFEST_DIR"),
            preset["page"].as_str().unwrap()
        );
        assert!(Path::new(&page).exists(), "{page}");
    }
}

#[tokio::test]
async fn a_sample_of_a_platform_is_tried_with_no_settings_at_all() {
    let file = format!("{SAMPLES}/lodgify/booking_new_status_booked.json");

    let tried = trial(&["lodgify", &file], None, "").await;

    tried.check(0);
    assert_eq!(
        line(&tried, "words"),
        ["words", "booking_new_status_booked, Booked, phone"]
    );
    assert_eq!(
        line(&tried, "when"),
        [
            "when",
            "row 1: booking_new_status_booked, *, *, reservation_confirmed"
        ]
    );
    assert_eq!(
        line(&tried, "booking.check_in"),
        [
            "booking.check_in",
            "booking.date_arrival",
            "\"2022-05-21T00:00:00\"",
            "\"2022-05-21\"",
            "ok"
        ]
    );
    assert_eq!(line(&tried, "guest.country")[2..], ["-", "-", "missing"]);
    let event = tried.stdout.split_once("accepted as this event\n").unwrap().1;
    let event: Value = serde_json::from_str(
        event
            .strip_prefix("its id is made by Bellhop, with the keys\n")
            .unwrap(),
    )
    .unwrap();
    assert_eq!(event["type"], "reservation_confirmed");
    assert_eq!(event["booking"]["id"], "123456");
    assert_eq!(event["guest"]["phone"], "667675867768");
}

#[tokio::test]
async fn what_would_be_refused_ends_with_1_and_names_the_field() {
    let body = r#"{"action": "booking_change", "booking": {"status": "Declined", "id": {}}}"#;

    let tried = trial(&["lodgify", "-"], None, body).await;
    let json = trial(&["lodgify", "-", "--json"], None, body).await;
    let ignored = trial(&["lodgify", "-"], None, r#"{"action": "rate_change"}"#).await;
    let broken = trial(&["lodgify", "-"], None, "action=rate_change").await;

    assert!(
        tried.check(1).stdout.contains("refused: booking.id: missing\n"),
        "{tried:?}"
    );
    assert_eq!(line(&tried, "booking.id")[4], "refused: missing");
    let json: Value = serde_json::from_str(&json.check(1).stdout).unwrap();
    assert_eq!(json["elements"][0]["outcome"], "unmappable");
    assert_eq!(json["elements"][0]["faults"], json!(["booking.id: missing"]));
    assert_eq!(
        json["elements"][0]["when"],
        json!(["booking_change", "Declined", "*", "reservation_cancelled"])
    );
    assert!(
        ignored.check(0).stdout.contains("ignored: unmapped_type\n"),
        "{ignored:?}"
    );
    assert!(
        broken
            .check(1)
            .stderr
            .contains("cannot use -: the body is not JSON"),
        "{broken:?}"
    );
}

#[tokio::test]
async fn headers_and_the_platforms_answer_are_part_of_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    let fetched = folder.path().join("reservation.json");
    fs::write(
        &fetched,
        r#"{"Reservations": [{"State": "Confirmed", "UpdatedUtc": "2026-11-29T10:00:00Z"}], "Customers": []}"#,
    )
    .unwrap();
    let body = r#"{"EnterpriseId": "e", "Events": [{"Discriminator": "ServiceOrderUpdated", "Value": {"Id": "bfe"}}]}"#;

    let ids = trial(&["mews", "-", "--resort", "olive-hill"], None, body).await;
    let whole = trial(
        &["mews", "-", "--fetched", fetched.to_str().unwrap(), "--json"],
        None,
        body,
    )
    .await;
    let order = trial(
        &[
            "shopify",
            "-",
            "--header",
            "X-Shopify-Topic: orders/create",
            "--json",
        ],
        None,
        r#"{"id": 7, "updated_at": "2026-11-29T10:00:00Z"}"#,
    )
    .await;

    assert!(
        ids.check(0)
            .stdout
            .contains("the platform is asked about olive-hill/bfe"),
        "{ids:?}"
    );
    assert_eq!(
        whole.json()["elements"][0]["event"]["type"],
        "reservation_confirmed"
    );
    assert_eq!(order.json()["elements"][0]["event"]["booking"]["id"], "7");
}

#[tokio::test]
async fn a_source_of_the_folder_is_tried_with_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["resorts", "sources"] {
        fs::create_dir(folder.path().join(part)).unwrap();
    }
    for file in ["resorts/azure-bay.toml", "sources/direct.toml"] {
        fs::copy(format!("{CONFIG}/{file}"), folder.path().join(file)).unwrap();
    }
    let rooms = "resorts = [\"azure-bay\"]\nplatform = \"lodgify\"\n[auth]\nscheme = \"url-token\"\nsecrets = [\"env:T\"]\n\
                 [properties]\n\"10000\" = \"azure-bay\"\n[map.booking]\nroom = \"'Suite'\"\n";
    fs::write(folder.path().join("sources/rooms.toml"), rooms).unwrap();
    fs::write(folder.path().join("sources/broken.toml"), "resorts = 7").unwrap();
    let file = format!("{SAMPLES}/lodgify/booking_new_status_booked.json");
    let config = Some(folder.path());

    let own = trial(&["rooms", &file, "--json"], config, "").await.json();
    let other_house = trial(
        &["rooms", "-"],
        config,
        r#"{"action": "booking_new_status_booked", "booking": {"property_id": 5}}"#,
    )
    .await;
    let our_format = trial(&["direct", "-"], config, r#"{"type": "booking_started"}"#).await;
    let broken = trial(&["broken", &file], config, "").await;
    let misspelt = trial(&["lodgfy", &file], config, "").await;

    assert_eq!(own["elements"][0]["event"]["resort"], "azure-bay");
    assert_eq!(own["elements"][0]["event"]["booking"]["room"], "Suite");
    assert_eq!(line(other_house.check(0), "property")[4], "not in [properties]");
    assert!(
        our_format.check(1).stdout.contains("guest.phone: missing"),
        "{our_format:?}"
    );
    assert!(
        broken
            .check(1)
            .stderr
            .contains("broken is broken: desk config check says where"),
        "{broken:?}"
    );
    assert!(
        misspelt.check(1).stderr.contains("the nearest: lodgify"),
        "{misspelt:?}"
    );
}

fn report(number: u32, answers: &[(u32, &str)]) -> NewSourceReport {
    let at = |second: u32| chrono::Utc::now() - chrono::TimeDelta::seconds(i64::from(100 - second));
    let answer = |(second, reason): &(u32, &str)| SourceAnswer {
        at: at(*second),
        status: 200,
        answer: "unmappable".to_owned(),
        reason: Some((*reason).to_owned()),
        event_type: None,
        request_id: format!("r-{second}"),
    };
    let count = |(_, reason): &(u32, &str)| AnswerCount {
        status: 200,
        answer: "unmappable".to_owned(),
        reason: Some((*reason).to_owned()),
        count: 2,
    };
    NewSourceReport {
        id: format!("rooms/{number}"),
        source: SourceId::parse("rooms").unwrap(),
        reported_at: at(number),
        report: SourceReport {
            counts: answers.iter().map(count).collect(),
            answers: answers.iter().map(answer).collect(),
        },
    }
}

#[tokio::test]
async fn the_last_answers_of_all_processes_are_shown_newest_first_with_counts_by_reason() {
    let database = Database::create().await;
    let reports = [
        report(1, &[(1, "guest.phone: missing"), (3, "booking.id: missing")]),
        report(2, &[(2, "guest.phone: missing")]),
    ];
    let store = database.store();
    let twice = [reports.clone(), reports].concat();
    store
        .run(move |connection| source_reports::insert(connection, &twice))
        .await
        .unwrap();
    let url = database.url();
    let environment = [("DATABASE_URL", url.as_str())];

    let shown = desk(&["source", "last", "rooms", "--json"], &environment, "")
        .await
        .json();
    let text = desk(&["source", "last", "rooms"], &environment, "").await;
    let unknown = desk(&["source", "last", "roms"], &environment, "").await;

    let of = |list: &str, key: &str| -> Vec<Value> {
        shown[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[key].clone())
            .collect()
    };
    assert_eq!(
        of("counts", "reason"),
        ["guest.phone: missing", "booking.id: missing"]
    );
    assert_eq!(of("counts", "count"), [4, 2]);
    assert_eq!(of("answers", "request_id"), ["r-3", "r-2", "r-1"]);
    assert_eq!(
        line(text.check(0), "4"),
        ["4", "200", "unmappable", "guest.phone: missing"]
    );
    assert!(
        unknown.check(1).stderr.contains("unknown source roms"),
        "{unknown:?}"
    );
}
