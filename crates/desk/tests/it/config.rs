//! `desk config check`

use std::fs;

use crate::program::{CONFIG, KEYS, desk};

#[tokio::test]
async fn good_files_are_good() {
    desk(&["config", "check", CONFIG], &[], "").await.check(0);
    desk(&["config", "check"], &[("BELLHOP_CONFIG", CONFIG)], "")
        .await
        .check(0);
}

#[tokio::test]
async fn an_error_is_told_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("resorts")).unwrap();
    let file = folder.path().join("resorts/azure-bay.toml");
    fs::write(&file, "name = \"Azure Bay\"\ntime_zone = \"Mars/Olympus\"\n").unwrap();

    let ended = desk(&["config", "check", folder.path().to_str().unwrap()], &[], "").await;

    let place = format!("{}:2: error: ", file.display());
    assert!(
        ended.check(1).stdout.lines().any(|line| line.starts_with(&place)),
        "{ended:?}"
    );
    let counts = ended.stderr.split(": ").nth(1).unwrap();
    let errors = ended.stdout.lines().filter(|line| line.contains(": error: "));
    assert_eq!(counts.starts_with("1 error,"), errors.count() == 1, "{ended:?}");
}

// shows: B248
#[tokio::test]
async fn findings_are_one_json_array_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("resorts")).unwrap();
    fs::write(folder.path().join("resorts/azure-bay.toml"), "name = 7\n").unwrap();

    let broken = desk(
        &["config", "check", "--json", folder.path().to_str().unwrap()],
        &[],
        "",
    )
    .await;
    let good = desk(&["config", "check", "--json", CONFIG], &[], "").await;

    let findings: serde_json::Value = serde_json::from_str(&broken.check(1).stdout).unwrap();
    let first = &findings[0];
    assert_eq!(first["severity"], "error", "{findings}");
    assert_eq!(first["file"], "resorts/azure-bay.toml");
    assert_eq!(first["line"], 1);
    assert!(first["text"].is_string());
    assert_eq!(good.json(), serde_json::json!([]));
}

#[tokio::test]
async fn secrets_are_looked_up_only_when_asked() {
    let secrets = ["config", "check", "--secrets", CONFIG];

    let ended = desk(&secrets, &[], "").await;
    assert!(ended.check(1).stdout.contains("is not set"), "{ended:?}");
    let given = [
        ("AZURE_BAY_TOKEN", "t"),
        ("DIRECT_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ];
    desk(&secrets, &given, "").await.check(0);
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_is_a_wrong_setting() {
    let argument = desk(&["config", "check", "/nowhere"], &[], "").await;
    let told = &argument.check(2).stderr;
    assert!(told.starts_with("DIR: cannot read the folder /nowhere"), "{told}");
    let environment = [
        ("DATABASE_URL", "postgres://127.0.0.1:1/none"),
        ("BELLHOP_CONFIG", "/nowhere"),
        ("BELLHOP_KEYS", KEYS),
    ];
    desk(&["bookings", "show", "azure-bay", "BK-1"], &environment, "")
        .await
        .check(2);
}

#[tokio::test]
async fn a_resort_whose_sources_report_no_arrivals_is_warned_of_no_shows() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["resorts", "sources"] {
        fs::create_dir(folder.path().join(part)).unwrap();
    }
    let resort = "resorts/azure-bay.toml";
    fs::copy(format!("{CONFIG}/{resort}"), folder.path().join(resort)).unwrap();
    let source = |platform: &str| {
        let file = format!(
            "resorts = [\"azure-bay\"]\nplatform = \"{platform}\"\n[auth]\nscheme = \"url-token\"\nsecrets = [\"env:TOKEN\"]\n"
        );
        fs::write(folder.path().join("sources/rooms.toml"), file).unwrap();
    };
    let check = ["config", "check", folder.path().to_str().unwrap()];

    source("lodgify");
    let without = desk(&check, &[], "").await;
    source("apaleo");
    let with = desk(&check, &[], "").await;
    fs::write(
        folder.path().join("sources/website.toml"),
        "resorts = [\"azure-bay\"]\n[auth]\nscheme = \"url-token\"\nsecrets = [\"env:TOKEN\"]\n",
    )
    .unwrap();
    source("lodgify");
    let also_ours = desk(&check, &[], "").await;

    let warning = without
        .check(0)
        .stdout
        .lines()
        .find(|line| line.contains("guest_checked_in"));
    let place = format!(
        "{}:22: warning: check_in waits for arrivals",
        folder.path().join(resort).display()
    );
    assert!(warning.unwrap().starts_with(&place), "{without:?}");
    let moment = "messages.stay_check counts from checked_in";
    assert!(without.stdout.contains(moment), "{without:?}");
    assert!(!with.stdout.contains(moment), "{with:?}");
    assert!(!with.check(0).stdout.contains("guest_checked_in"), "{with:?}");
    assert!(
        !also_ours.check(0).stdout.contains("guest_checked_in"),
        "{also_ours:?}"
    );
}
