//! Wrong usage and missing settings.

use crate::program::desk;

#[tokio::test]
async fn help_and_version_are_answered() {
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
    assert_eq!(
        desk(&["version"], &[], "").await.check(0).stdout,
        desk(&["--version"], &[], "").await.stdout
    );
    for command in [
        &["migrate"][..],
        &["seal"],
        &["config", "check"],
        &["bookings", "list"],
        &["bookings", "show"],
        &["bookings", "import"],
        &["letters", "list"],
        &["letters", "show"],
        &["letters", "retry"],
        &["letters", "edit"],
        &["letters", "settle"],
        &["letters", "close"],
        &["keys", "reseal"],
        &["messages", "list"],
        &["source", "presets"],
        &["source", "try"],
        &["source", "last"],
        &["report"],
        &["simulate"],
        &["webhook-out", "test"],
        &["webhook-out", "list"],
        &["ledger", "check"],
        &["guests", "export"],
        &["guests", "erase"],
        &["guests", "stop"],
        &["staff", "add"],
        &["staff", "remove"],
        &["staff", "list"],
        &["audit", "list"],
        &["completions"],
        &["man"],
        &["version"],
    ] {
        let help = desk(&[command, &["--help"]].concat(), &[], "").await;
        assert!(
            help.check(0)
                .stdout
                .contains(&format!("desk {}", command.join(" "))),
            "{help:?}"
        );
    }
}

#[tokio::test]
async fn strange_arguments_are_refused() {
    desk(&["nonsense"], &[], "").await.check(2);
    for strange in [
        "messages list --state lost",
        "letters list --open --closed",
        "letters list --reason lost",
        "letters retry",
        "letters retry 1 --all",
        "letters retry 1 --kind events",
        "letters retry 1 --source direct",
        "source try lodgify",
        "simulate azure-bay",
        "source try lodgify - --header nothing",
        "letters settle 1",
        "letters settle 1 --sent --not-sent",
        "letters close 1",
        "letters edit 1",
        "letters show 1 --note so",
        "letters retry 1 --dry-run --note so",
        "audit list --action lost",
        "audit list --since yesterday",
        "audit list --booking azure-bay",
        "staff add",
    ] {
        let arguments: Vec<&str> = strange.split(' ').collect();
        desk(&arguments, &[], "").await.check(2);
    }
    let no_reason = ["letters", "close", "1", "--note", " "];
    desk(&no_reason, &[], "").await.check(2);
}

// shows: B122
#[tokio::test]
async fn where_one_of_several_arguments_is_missing_all_of_them_are_named() {
    for (arguments, names) in [
        ("letters settle 1", &["--sent", "--not-sent"][..]),
        ("letters retry", &["ID", "--all"]),
        ("pause", &["--resort", "--kind", "--number"]),
        ("resume", &["--resort", "--kind", "--number", "--all"]),
        ("guests stop", &["--phone", "--booking"]),
        ("guests export", &["--phone", "--booking"]),
        ("guests erase", &["--phone", "--booking"]),
    ] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let ended = desk(&words, &[], "").await;

        ended.check(2);
        let missing = ended.stderr.split("Usage:").next().unwrap();
        for name in names {
            assert!(missing.contains(name), "{arguments}: {name} in {missing}");
        }
    }
}

const CONTEXT: &[&str] = &["DATABASE_URL", "BELLHOP_CONFIG", "BELLHOP_KEYS", "AMQP_URL"];
const ACTING: &[&str] = &["DATABASE_URL", "BELLHOP_STAFF_TOKEN"];
const SEALING: &[&str] = &["DATABASE_URL", "BELLHOP_KEYS", "BELLHOP_STAFF_TOKEN"];
const OF_FILES: &[&str] = &[
    "DATABASE_URL",
    "BELLHOP_CONFIG",
    "BELLHOP_KEYS",
    "BELLHOP_STAFF_TOKEN",
];
const DECIDING: &[&str] = &[
    "DATABASE_URL",
    "BELLHOP_CONFIG",
    "BELLHOP_KEYS",
    "AMQP_URL",
    "BELLHOP_STAFF_TOKEN",
];

// shows: B115
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
        (&["bookings", "list"], &["DATABASE_URL"]),
        (&["simulate", "r", "f"], &["BELLHOP_CONFIG"]),
        (&["bookings", "show", "r", "b", "--reveal"], OF_FILES),
        (&["letters", "show", "1", "--reveal"], DECIDING),
        (&["bookings", "import", "f"], DECIDING),
        (&["bookings", "import", "f", "--dry-run"], &["BELLHOP_CONFIG"]),
        (&["pause", "--resort", "r"], ACTING),
        (&["pause", "--resort", "r", "--note", "so"], SEALING),
        (&["resume", "--all"], ACTING),
        (&["keys", "reseal"], OF_FILES),
        (&["staff", "remove", "anna"], ACTING),
        // The first member needs no token; only the database knows whether there is one.
        (&["staff", "add", "anna"], &["DATABASE_URL"]),
        (&["staff", "list"], &["DATABASE_URL"]),
        (&["audit", "list"], &["DATABASE_URL"]),
        (&["audit", "list", "--reveal"], SEALING),
        (&["holds"], &["DATABASE_URL"]),
        (&["holds", "--reveal"], SEALING),
        (&["letters", "list"], &["DATABASE_URL", "AMQP_URL"]),
        (&["letters", "show", "1"], CONTEXT),
        (&["letters", "retry", "1", "--dry-run"], CONTEXT),
        (&["letters", "retry", "1"], DECIDING),
        (&["letters", "edit", "1", "--phone", "+30"], DECIDING),
        (&["letters", "settle", "1", "--sent"], DECIDING),
        (
            &["letters", "close", "1", "--note", "so"],
            &["DATABASE_URL", "AMQP_URL", "BELLHOP_KEYS", "BELLHOP_STAFF_TOKEN"],
        ),
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
