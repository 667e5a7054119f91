//! Wrong usage and missing settings.

use crate::program::desk;

#[tokio::test]
async fn help_and_version_are_answered_and_strange_arguments_refused() {
    assert!(
        desk(&["--help"], &[], "")
            .await
            .check(0)
            .stdout
            .contains("Examples:")
    );
    assert!(
        desk(&["--version"], &[], "")
            .await
            .check(0)
            .stdout
            .starts_with("desk ")
    );
    for command in [
        &["migrate"][..],
        &["seal"],
        &["config", "check"],
        &["bookings", "show"],
        &["messages", "list"],
    ] {
        let help = desk(&[command, &["--help"]].concat(), &[], "").await;
        assert!(
            help.check(0)
                .stdout
                .contains(&format!("desk {}", command.join(" "))),
            "{help:?}"
        );
    }
    desk(&["nonsense"], &[], "").await.check(2);
    desk(&["messages", "list", "--state", "lost"], &[], "")
        .await
        .check(2);
}

#[tokio::test]
async fn every_missing_setting_of_a_command_is_named_at_once_and_no_other() {
    for (arguments, names) in [
        (&["migrate"][..], &["DATABASE_URL", "AMQP_URL"][..]),
        (&["config", "check"], &["BELLHOP_CONFIG"]),
        (&["seal"], &["BELLHOP_KEYS"]),
        (
            &["bookings", "show", "r", "b"],
            &["DATABASE_URL", "BELLHOP_CONFIG", "BELLHOP_KEYS"],
        ),
        (&["messages", "list"], &["DATABASE_URL"]),
    ] {
        let ended = desk(arguments, &[], "").await;

        ended.check(2);
        let told: Vec<_> = ended
            .stderr
            .lines()
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(told, names, "{ended:?}");
        assert_eq!(ended.stdout, "");
    }
}
