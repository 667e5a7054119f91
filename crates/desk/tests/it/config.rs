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
    desk(&["config", "check", "/nowhere"], &[], "").await.check(2);
    let environment = [
        ("DATABASE_URL", "postgres://127.0.0.1:1/none"),
        ("BELLHOP_CONFIG", "/nowhere"),
        ("BELLHOP_KEYS", KEYS),
    ];
    desk(&["bookings", "show", "azure-bay", "BK-1"], &environment, "")
        .await
        .check(2);
}
