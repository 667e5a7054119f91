//! `desk whatsapp check`, against the sandbox.

use std::fs;
use std::path::Path;

use sandbox::{Callback, Sandbox, Settings, Templates};
use serde_json::{Value, json};
use service::Stop;
use tempfile::TempDir;
use testkit::database::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bookings::booked;
use crate::program::{CONFIG, Ended, desk};

const TOKEN: &str = "EAAJB-the-secret-token";
const CALLBACK: &str = "http://127.0.0.1:1/webhooks/whatsapp";
const RESORT: &str = "resorts/azure-bay.toml";

/// A sandbox, and a folder with the demo's resort, which fits it.
struct World {
    sandbox: Sandbox,
    folder: TempDir,
    stop: Stop,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl World {
    fn start() -> Self {
        Self::start_with(|templates| templates.to_owned())
    }

    /// The account's templates are the demo's, changed.
    fn start_with(change: impl FnOnce(&str) -> String) -> Self {
        let templates = fs::read_to_string(format!("{CONFIG}/templates.json")).unwrap();
        let mut settings = Settings::for_tests();
        settings.templates = Templates::parse(&change(&templates)).unwrap();
        settings.tokens = Some([TOKEN.to_owned()].into());
        settings.numbers = Some(["106540352242922".to_owned()].into());
        settings.callback = Some(Callback::new(CALLBACK, "secret").unwrap());
        let stop = Stop::manual();
        let sandbox = sandbox::start(settings, &stop).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("resorts")).unwrap();
        fs::copy(format!("{CONFIG}/{RESORT}"), folder.path().join(RESORT)).unwrap();
        Self {
            sandbox,
            folder,
            stop,
        }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join(RESORT)
    }

    fn change_file(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.file()).unwrap();
        assert!(text.contains(from), "the file has no {from}");
        fs::write(self.file(), text.replace(from, to)).unwrap();
    }

    /// The line of the file that begins so, counted from 1.
    fn line(&self, begin: &str) -> u64 {
        let text = fs::read_to_string(self.file()).unwrap();
        let place = text.lines().position(|line| line.starts_with(begin));
        u64::try_from(place.unwrap_or_else(|| panic!("no line {begin}")) + 1).unwrap()
    }

    async fn tell_sandbox(&self, path: &str, body: Value) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(self.sandbox.address()).await.unwrap();
        let head = format!(
            "POST /sandbox/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }

    async fn check(&self, arguments: &[&str], more: &[(&str, &str)]) -> Ended {
        let (url, folder) = (self.sandbox.url(), self.folder.path().display().to_string());
        let mut environment = vec![
            ("BELLHOP_CONFIG", folder.as_str()),
            ("WHATSAPP_API_URL", url.as_str()),
            ("AZURE_BAY_TOKEN", TOKEN),
        ];
        environment.extend(more);
        let ended = desk(&[&["whatsapp", "check"], arguments].concat(), &environment, "").await;
        for output in [&ended.stdout, &ended.stderr] {
            assert!(
                !output.contains(TOKEN) && !output.contains("15550100200"),
                "{output}"
            );
        }
        ended
    }

    /// The findings that are not ok, in their order.
    async fn bad(&self) -> Vec<Value> {
        let ended = self.check(&["--json"], &[]).await;
        let mut found: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
        let has_error = found.iter().any(|finding| finding["severity"] == "error");
        assert_eq!(ended.code, i32::from(has_error), "{ended:?}");
        found.retain(|finding| finding["severity"] != "ok" && finding["check"] != "reports");
        found
    }

    /// The only finding that is not ok.
    async fn only(&self) -> Value {
        let mut bad = self.bad().await;
        assert_eq!(bad.len(), 1, "{bad:?}");
        bad.remove(0)
    }
}

/// Checks severity, line and words of a finding.
#[track_caller]
fn says(finding: &Value, severity: &str, line: u64, words: &[&str]) {
    assert_eq!(
        (&finding["severity"], &finding["line"]),
        (&json!(severity), &json!(line)),
        "{finding}"
    );
    for words in words {
        assert!(
            finding["text"].as_str().unwrap().contains(words),
            "{words}: {finding}"
        );
    }
    assert!(
        finding["effect"].is_string() && finding["remedy"].is_string(),
        "{finding}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resort_that_fits_its_account_ends_with_0_and_says_what_was_checked() {
    let (world, database) = (World::start(), Database::create().await);

    let ended = world
        .check(&["azure-bay"], &[("DATABASE_URL", &database.url())])
        .await;

    let stdout = &ended.check(0).stdout;
    let place = |line: u64| format!("{}:{line}: ok: ", world.file().display());
    for (begin, text) in [
        (
            "access_token",
            "the token is valid and does not expire; its app is Bellhop sandbox",
        ),
        (
            "phone_number_id",
            "•••200, Azure Bay Resort: registered and connected, quality GREEN",
        ),
        ("phone_number_id", "at most 2,000 guests"),
        (
            "phone_number_id",
            "notifications go to http://127.0.0.1:1/webhooks/whatsapp, the app's",
        ),
        ("phone_number_id", "the app must be subscribed to these fields"),
        ("business_account_id", "the app is subscribed to the account"),
        (
            "[templates.reminder_1.en]",
            "reminder_1.en (booking_reminder_1, en_US): approved as marketing, and fits",
        ),
        (
            "template.en",
            "fallback.en (resort_contact, en_US): approved as utility, and fits",
        ),
        ("phone_number_id", "nothing was sent from this number"),
    ] {
        let wanted = format!("{}{text}", place(world.line(begin)));
        assert!(stdout.contains(&wanted), "{wanted}\n{stdout}");
    }
    assert!(
        !stdout.contains("warning:") && !stdout.contains("error:"),
        "{stdout}"
    );
    assert!(
        ended.stderr.contains("1 resort: 0 errors, 0 warnings"),
        "{ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_template_is_compared_with_the_account() {
    let world = World::start_with(|templates| {
        let mut templates: Vec<Value> = serde_json::from_str(templates).unwrap();
        templates[0]["body"] = json!("Hi {{1}}, your booking is still waiting for you.");
        templates[0]["buttons"] = json!([]);
        templates[1]["language"] = json!("en_GB");
        templates[2]["category"] = json!("MARKETING");
        templates[3]["status"] = json!("PAUSED");
        templates[3]
            .as_object_mut()
            .unwrap()
            .remove("message_send_ttl_seconds");
        let contact = templates.iter().position(|one| one["name"] == "resort_contact");
        templates[contact.unwrap()]["body"] =
            json!("There is news about your stay at {{place}}. Please answer.");
        json!(templates).to_string()
    });

    let bad = world.bad().await;

    assert_eq!(bad.len(), 7, "{bad:#?}");
    let line = |begin| world.line(begin);
    let (reminder_1, review) = (
        line("[templates.reminder_1.en]"),
        line("[templates.review_request.en]"),
    );
    says(
        &bad[0],
        "error",
        reminder_1,
        &["the body takes 1 variables, and the file gives 2"],
    );
    says(
        &bad[1],
        "error",
        reminder_1,
        &["the template's first button is no URL"],
    );
    let elsewhere = "the account has booking_reminder_2 in en_GB, not in en_US";
    says(&bad[2], "error", line("[templates.reminder_2.en]"), &[elsewhere]);
    let confirmation = line("[templates.reservation_confirmation.en]");
    says(&bad[3], "warning", confirmation, &["its category is MARKETING"]);
    says(&bad[4], "error", review, &["it is paused"]);
    says(&bad[5], "warning", review, &["it has no time to live"]);
    says(
        &bad[6],
        "error",
        line("template.en"),
        &["fallback.en", "the body names its variables"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_templates_is_read_to_its_last_page() {
    let world = World::start_with(|templates| {
        let mut templates: Vec<Value> = serde_json::from_str(templates).unwrap();
        for number in 0..120 {
            let mut another = templates[4].clone();
            another["name"] = json!(format!("another_{number:03}"));
            templates.push(another);
        }
        json!(templates).to_string()
    });

    assert_eq!(world.bad().await, [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_rights_and_one_that_is_refused_are_errors() {
    let world = World::start();
    let line = world.line("access_token");
    world
        .tell_sandbox(
            "account",
            json!({ "scopes": ["whatsapp_business_management"], "token_expires_in": "3d" }),
        )
        .await;
    let bad = world.bad().await;
    assert_eq!(bad.len(), 2, "{bad:?}");
    says(&bad[0], "warning", line, &["the token expires on"]);
    says(
        &bad[1],
        "error",
        line,
        &["lacks the right whatsapp_business_messaging"],
    );

    world
        .tell_sandbox(
            "account",
            json!({ "scopes": ["whatsapp_business_messaging"], "token_expires_in": "20d" }),
        )
        .await;
    let only = world.only().await;
    says(
        &only,
        "warning",
        line,
        &["lacks the right whatsapp_business_management"],
    );

    let ended = world.check(&["--json"], &[("AZURE_BAY_TOKEN", "another")]).await;
    let found: Vec<Value> = serde_json::from_str(&ended.check(1).stdout).unwrap();
    says(
        &found[0],
        "error",
        line,
        &["WhatsApp refuses to tell of the token: code 190"],
    );
    assert!(!ended.stdout.contains("another"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_cannot_send_and_notifications_that_cannot_arrive_are_errors() {
    let world = World::start();
    let number = world.line("phone_number_id");
    let callback = json!({ "application": "https://old.example/hook" });
    let changed = json!({ "platform_type": "NOT_APPLICABLE", "quality_rating": "RED", "webhook_configuration": callback });
    world
        .tell_sandbox("account", json!({ "number": changed, "subscribed": false }))
        .await;

    let bad = world.bad().await;

    assert_eq!(bad.len(), 4, "{bad:?}");
    says(&bad[0], "error", number, &["not registered with the Cloud API"]);
    says(&bad[1], "warning", number, &["quality is RED"]);
    says(
        &bad[2],
        "warning",
        number,
        &["https://old.example/hook, the app's; ingest takes them at"],
    );
    says(
        &bad[3],
        "error",
        world.line("business_account_id"),
        &["no app is subscribed"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_accounts_id_its_checks_are_named_with_the_remedy() {
    let world = World::start();
    world.change_file("business_account_id", "# business_account_id");

    let only = world.only().await;

    says(
        &only,
        "warning",
        world.line("[whatsapp]"),
        &["does not name the number's business account"],
    );
    assert!(
        only["remedy"]
            .as_str()
            .unwrap()
            .contains("the token reaches 900800700600500"),
        "{only}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_version_of_the_api_and_a_refused_question_cost_their_own_checks_alone() {
    let world = World::start();
    world
        .tell_sandbox("account", json!({ "errors": { "message_templates": 80_007 } }))
        .await;

    let ended = world
        .check(&["--json"], &[("WHATSAPP_API_VERSION", "v23.0")])
        .await;

    let mut bad: Vec<Value> = serde_json::from_str(&ended.check(0).stdout).unwrap();
    bad.retain(|finding| finding["severity"] != "ok" && finding["check"] != "reports");
    assert_eq!(bad.len(), 2, "{bad:?}");
    says(
        &bad[0],
        "warning",
        world.line("phone_number_id"),
        &["limit, health and callback: code 100"],
    );
    says(
        &bad[1],
        "warning",
        world.line("business_account_id"),
        &["the account's templates: code 80007"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_broken_and_a_whatsapp_that_is_away_are_errors() {
    let world = World::start();
    let nowhere = [("WHATSAPP_API_URL", "http://127.0.0.1:1")];
    let away = world.check(&[], &nowhere).await;
    assert!(
        away.check(1)
            .stdout
            .contains("cannot be reached to ask about the token: the connection is refused"),
        "{away:?}"
    );

    world.change_file("env:AZURE_BAY_TOKEN", "env:NO_SUCH_TOKEN");
    let only = world.only().await;
    says(&only, "error", world.line("access_token"), &["NO_SUCH_TOKEN"]);

    let unknown = world.check(&["azure-bai"], &[]).await;
    assert!(
        unknown
            .check(1)
            .stderr
            .contains("the nearest that are known: azure-bay"),
        "{unknown:?}"
    );
    let version = world.check(&[], &[("WHATSAPP_API_VERSION", "25")]).await;
    assert!(
        version.check(2).stderr.contains("WHATSAPP_API_VERSION"),
        "{version:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_app_secret_is_known_by_the_reports_that_are_missing() {
    let (world, database) = (World::start(), booked().await);
    let reports = async |statement: &str| {
        database.execute(statement).await;
        let ended = world
            .check(&["--json"], &[("DATABASE_URL", &database.url())])
            .await;
        let found: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
        found
            .iter()
            .find(|finding| finding["check"] == "reports")
            .unwrap()
            .clone()
    };

    let missing = reports(
        "UPDATE messages SET state = 'sent', called_from = '106540352242922', claimed_at = now() - interval '11 minutes'",
    )
    .await;
    says(
        &missing,
        "error",
        world.line("phone_number_id"),
        &["has reported nothing", "no report ever verified"],
    );
    assert!(
        missing["remedy"]
            .as_str()
            .unwrap()
            .contains("WHATSAPP_APP_SECRETS"),
        "{missing}"
    );

    let arrived =
        reports("UPDATE messages SET state = 'delivered', delivery = 'delivered', delivery_at = now()").await;
    assert_eq!(arrived["severity"], "ok", "{arrived}");
    assert!(
        arrived["text"]
            .as_str()
            .unwrap()
            .contains("their signature verifies"),
        "{arrived}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_resorts_are_told_of_one_by_one_on_stderr() {
    let world = World::start();
    let second = world.folder.path().join("resorts/olive-hill.toml");
    fs::copy(Path::new(&world.file()), &second).unwrap();

    let ended = world.check(&["--json"], &[]).await;

    let found: Vec<Value> = serde_json::from_str(&ended.check(0).stdout).unwrap();
    for resort in ["azure-bay", "olive-hill"] {
        assert!(
            found.iter().any(|finding| finding["resort"] == resort),
            "{resort}"
        );
    }
    for line in ["azure-bay (1 of 2)", "olive-hill (2 of 2)", "2 resorts: 0 errors"] {
        assert!(ended.stderr.contains(line), "{line}: {ended:?}");
    }
}
