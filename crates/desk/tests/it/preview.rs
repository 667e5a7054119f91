//! `desk preview`, against the sandbox with the templates of `deploy/templates`.

use std::fs;
use std::path::PathBuf;

use sandbox::{Sandbox, Settings, Templates};
use serde_json::{Value, json};
use service::Stop;
use tempfile::TempDir;
use testkit::database::Database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bookings::booked;
use crate::program::{Ended, KEYS, desk};

pub(crate) const PACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/templates");
const TOKEN: &str = "EAAJB-the-secret-token";
const TESTER: &str = "+306900000001";

const HEAD: &str = r#"name = "Azure Bay Resort"
time_zone = "Europe/Athens"
country = "GR"
language = "en"
link_hosts = ["book.example"]
test_numbers = ["+306900000001"]
[values]
review_path = "azure-bay"
[whatsapp]
phone_number_id = "106540352242922"
access_token = "env:AZURE_BAY_TOKEN"
business_account_id = "900800700600500"
[abandonment]
after = "30m"
reminder_2 = "24h"
[review]
after_check_out = "4h"
"#;

/// Every template of the pack, as it is submitted to Meta.
pub(crate) fn pack() -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(PACK)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let is_list = |file: &&PathBuf| file.extension().is_some_and(|end| end == "json");
    let read =
        |file: &PathBuf| -> Vec<Value> { serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap() };
    files.iter().filter(is_list).flat_map(read).collect()
}

/// An account with the pack's templates, and a resort whose file uses them as `resort-templates.toml` says.
pub(crate) struct PackWorld {
    sandbox: Sandbox,
    pub(crate) folder: TempDir,
    stop: Stop,
}

impl Drop for PackWorld {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl PackWorld {
    pub(crate) fn start() -> Self {
        let block = fs::read_to_string(format!("{PACK}/resort-templates.toml")).unwrap();
        Self::start_with(&pack(), &format!("{HEAD}\n{block}"))
    }

    fn start_with(templates: &[Value], file: &str) -> Self {
        let mut settings = Settings::for_tests();
        settings.templates = Templates::parse(&json!(templates).to_string()).unwrap();
        settings.tokens = Some([TOKEN.to_owned()].into());
        let stop = Stop::manual();
        let sandbox = sandbox::start(settings, &stop).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("resorts")).unwrap();
        fs::write(folder.path().join("resorts/azure-bay.toml"), file).unwrap();
        Self {
            sandbox,
            folder,
            stop,
        }
    }

    pub(crate) async fn desk(&self, arguments: &[&str], more: &[(&str, &str)]) -> Ended {
        let (url, folder) = (self.sandbox.url(), self.folder.path().display().to_string());
        let mut environment = vec![
            ("BELLHOP_CONFIG", folder.as_str()),
            ("WHATSAPP_API_URL", url.as_str()),
            ("AZURE_BAY_TOKEN", TOKEN),
        ];
        environment.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        environment.extend(more);
        let ended = desk(arguments, &environment, "").await;
        for output in [&ended.stdout, &ended.stderr] {
            assert!(
                !output.contains(TOKEN) && !output.contains(&TESTER[1..]),
                "{output}"
            );
        }
        ended
    }

    pub(crate) async fn preview(&self, arguments: &[&str]) -> Ended {
        self.desk(&[&["preview", "azure-bay"], arguments].concat(), &[])
            .await
    }

    /// The previews, as JSON.
    pub(crate) async fn previews(&self, arguments: &[&str]) -> Vec<Value> {
        let ended = self.preview(&[arguments, &["--json"]].concat()).await;
        serde_json::from_value(ended.json()).unwrap()
    }

    /// As a member of the staff.
    async fn preview_by(&self, database: &Database, token: &str, arguments: &[&str]) -> Ended {
        let url = database.url();
        let more = [
            ("DATABASE_URL", url.as_str()),
            ("BELLHOP_KEYS", KEYS),
            ("BELLHOP_STAFF_TOKEN", token),
        ];
        self.desk(&[&["preview", "azure-bay"], arguments].concat(), &more)
            .await
    }

    async fn ask_sandbox(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.sandbox.address()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// What WhatsApp was asked to send.
    async fn calls(&self) -> Vec<Value> {
        serde_json::from_str(&self.ask_sandbox("GET /sandbox/messages", "").await).unwrap()
    }
}

fn file(more: &str) -> String {
    format!("{HEAD}{more}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_to_four_sample_guests_with_its_words_and_lengths() {
    let world = PackWorld::start();

    let ended = world.preview(&["reminder_1", "--language", "en"]).await;

    let stdout = &ended.check(0).stdout;
    let ordinary = "\
reminder_1 in en, to an ordinary guest: booking_reminder_1/en, marketing, APPROVED
    body     Hello Anna, would you like to
             finish your booking at Azure Bay
             Resort? You can continue where you
             left off.
    button   [Continue booking] -> https://book.example/r/BK-1001
    button   [Stop]
    length   body 107 of 1024; 4 lines
";
    assert!(stdout.starts_with(ordinary), "{stdout}");
    assert!(stdout.contains("to a guest with a long name"), "{stdout}");
    assert!(stdout.contains("Hello Konstantinos-Alexandros,"), "{stdout}");
    assert!(stdout.contains("Hello there, would"), "{stdout}");
    // The terminal puts an Arabic name in an English sentence into its place.
    assert!(
        stdout.contains("\u{2066}Hello \u{2068}أحمد\u{2069}, would"),
        "{stdout}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_language_of_the_file_is_shown_and_json_has_the_texts_as_whatsapp_gets_them() {
    let world = PackWorld::start();

    let shown = world
        .previews(&["review_request", "--guest", "right_to_left"])
        .await;

    let languages: Vec<_> = shown
        .iter()
        .map(|one| one["language"].as_str().unwrap())
        .collect();
    assert_eq!(
        languages,
        ["ar", "de", "el", "en", "es", "fr", "it", "nl", "pt", "tr"]
    );
    assert_eq!(
        shown[3]["message"]["body"],
        "Hello أحمد, how was your stay at Azure Bay Resort? A few words from you help us and other guests."
    );
    assert_eq!(shown[1]["parameters"][0], json!(["body 1", "أحمد المنصوري"]));
    assert_eq!(shown[8]["template"], "stay_review/pt_BR");
}

#[tokio::test(flavor = "multi_thread")]
async fn marketing_is_cut_after_four_lines_and_a_missing_value_is_named() {
    let mut templates = pack();
    templates.retain(|one| one["language"] == "en");
    let long = "Hi {{1}}, one. Two is here. Three is here. Four is here. Five is here. Six is here. Seven is here. \
                Eight is here. Now come ten more words, and then Nine is here.";
    templates[0]["components"][0]["text"] = json!(long);
    templates[0]["components"][0]["example"] = json!({ "body_text": [["Ada"]] });
    let text = file(
        r#"
[templates.reminder_1.en]
name = "booking_reminder_1"
body = [{ value = "guest.first_name", else = "there" }]
button_url = "booking.resume_path"
[templates.reservation_confirmation.en]
name = "booking_confirmed"
body = ["guest.first_name", "resort.name", "stay.check_in", "stay.check_out", "stay.room", "booking.id"]
"#,
    );
    let world = PackWorld::start_with(&templates, &text);

    let reminder = world.preview(&["reminder_1", "--guest", "ordinary"]).await;
    let confirmation = world.previews(&["reservation_confirmation"]).await;

    let stdout = &reminder.check(0).stdout;
    let (seen, hidden) = stdout.split_once("--- read more ---").unwrap();
    assert!(
        seen.contains("Hi Anna, one.") && !seen.contains("Nine"),
        "{stdout}"
    );
    assert!(hidden.contains("Nine is here."), "{stdout}");
    let not_sent: Vec<_> = confirmation.iter().map(|one| &one["not_sent"]).collect();
    assert_eq!(
        not_sent,
        [&Value::Null, &Value::Null, &json!("missing_value"), &Value::Null]
    );
    assert_eq!(
        confirmation[0]["message"]["cut_after"],
        Value::Null,
        "utility is not cut"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_whatsapp_would_refuse_is_an_error() {
    let mut templates = pack();
    templates.retain(|one| one["language"] == "en" && one["name"] != "pre_arrival");
    let text = file(
        r#"
[templates.reminder_1.en]
name = "booking_reminder_1"
body = ["guest.first_name"]
[messages.pre_arrival]
at = "check_in - 1d 18:00"
category = "utility"
[messages.pre_arrival.templates.en]
name = "pre_arrival"
"#,
    );
    let world = PackWorld::start_with(&templates, &text);

    let misfit = world.preview(&["reminder_1", "--guest", "ordinary"]).await;
    let unknown = world.preview(&["pre_arrival", "--guest", "ordinary"]).await;

    let stdout = &misfit.check(1).stdout;
    assert!(
        stdout.contains("error    the body has {{2}}, and the file gives no value for it"),
        "{stdout}"
    );
    assert!(stdout.contains("error    the button has {{1}}"), "{stdout}");
    let stdout = &unknown.check(1).stdout;
    assert!(
        stdout.contains("no such template in this language: WhatsApp refuses it (132001)"),
        "{stdout}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_templates_words_the_values_are_shown_and_why() {
    let world = PackWorld::start();
    let arguments = [
        "preview",
        "azure-bay",
        "reminder_1",
        "--guest",
        "ordinary",
        "--language",
        "en",
    ];
    let without_token = world.desk(&arguments, &[("AZURE_BAY_TOKEN", "")]).await;
    let unreachable = world
        .desk(&arguments, &[("WHATSAPP_API_URL", "http://127.0.0.1:1")])
        .await;

    for (ended, why) in [
        (&without_token, "the access token cannot be read here"),
        (&unreachable, "WhatsApp cannot be reached"),
    ] {
        let stdout = &ended.check(0).stdout;
        assert!(stdout.contains(&format!("no text  {why}")), "{stdout}");
        assert!(
            stdout.contains("    body 1   Anna\n    body 2   Azure Bay Resort\n"),
            "{stdout}"
        );
        assert!(stdout.contains("    button   r/BK-1001\n"), "{stdout}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_without_a_template_show_the_fallback_and_the_answer_to_a_stop_its_text() {
    let text = file(
        "\n[fallback]\ntemplate.en = { name = \"resort_contact\", body = [\"resort.name\", \"booking.id\"] }\n",
    );
    let world = PackWorld::start_with(&pack(), &text);

    let fallback = world
        .previews(&["reservation_confirmation", "--guest", "ordinary"])
        .await;
    let stop = world
        .previews(&["stop_confirmation", "--guest", "ordinary"])
        .await;

    assert_eq!(fallback[0]["template"], "resort_contact/en");
    assert_eq!(fallback[0]["is_fallback"], true);
    assert_eq!(stop[0]["template"], Value::Null);
    assert!(
        stop[0]["message"]["body"]
            .as_str()
            .unwrap()
            .contains("Azure Bay Resort"),
        "{stop:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_resort_kind_or_language_is_refused_with_the_nearest_names() {
    let world = PackWorld::start();

    let kind = world.preview(&["pre_arival"]).await;
    let resort = world.desk(&["preview", "azure-bai", "reminder_1"], &[]).await;
    let language = world.preview(&["reminder_1", "--language", "english!"]).await;

    assert!(
        kind.check(1)
            .stderr
            .contains("unknown kind pre_arival; the nearest that are known: pre_arrival"),
        "{kind:?}"
    );
    assert!(resort.check(1).stderr.contains("azure-bay"), "{resort:?}");
    assert!(
        language.check(2).stderr.contains("is not a language"),
        "{language:?}"
    );
}

// shows: T33
#[tokio::test(flavor = "multi_thread")]
async fn a_preview_goes_to_a_test_number_as_the_sender_would_send_it_and_is_recorded() {
    let (world, database) = (PackWorld::start(), Database::create().await);
    let anna = database.hire("anna").await;

    let sent = world
        .preview_by(
            &database,
            &anna,
            &["reminder_1", "--language", "de", "--to", TESTER],
        )
        .await;

    assert!(
        sent.check(0)
            .stdout
            .contains("sent     WhatsApp accepted it for +30"),
        "{sent:?}"
    );
    let calls = world.calls().await;
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0]["to"], TESTER);
    assert!(
        calls[0]["path"]
            .as_str()
            .unwrap()
            .ends_with("/marketing_messages"),
        "{calls:?}"
    );
    assert_eq!(
        calls[0]["body"],
        "Guten Tag Anna Schmidt, möchten Sie Ihre Buchung bei Azure Bay Resort abschließen? Sie können dort fortfahren, wo Sie waren."
    );
    let trail = database.contents().await;
    assert!(
        trail.contains("preview_sent") && trail.contains("reminder_1 as booking_reminder_1/de"),
        "{trail}"
    );
    assert!(!trail.contains(&TESTER[1..]), "{trail}");
    let url = database.url();
    let messages = world
        .desk(&["messages", "list", "--json"], &[("DATABASE_URL", &url)])
        .await;
    assert_eq!(messages.json(), json!([]), "no message of a guest");
}

// shows: T33
#[tokio::test(flavor = "multi_thread")]
async fn a_preview_goes_to_no_other_number_and_not_without_a_person() {
    let (world, database) = (PackWorld::start(), Database::create().await);
    let anna = database.hire("anna").await;

    let other = world
        .preview_by(&database, &anna, &["reminder_1", "--to", "+306912345678"])
        .await;
    let missing = world
        .preview_by(
            &database,
            &anna,
            &["pre_arrival", "--guest", "incomplete", "--to", TESTER],
        )
        .await;
    let nobody = world.preview(&["reminder_1", "--to", TESTER]).await;

    let stderr = &other.check(1).stderr;
    assert!(
        stderr.contains("not one of test_numbers in resorts/azure-bay.toml; add it there"),
        "{stderr}"
    );
    assert!(!stderr.contains("6912345678"), "{stderr}");
    assert!(
        missing
            .check(1)
            .stderr
            .contains("gets no such message (missing_value)"),
        "{missing:?}"
    );
    assert!(nobody.check(2).stderr.contains("DATABASE_URL"), "{nobody:?}");
    assert_eq!(world.calls().await, [Value::Null; 0]);
    assert!(!database.contents().await.contains("preview_sent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_that_whatsapp_refuses_says_so() {
    let (world, database) = (PackWorld::start(), Database::create().await);
    let anna = database.hire("anna").await;
    let rule = json!({ "answer": { "error": 131_026 } });
    world
        .ask_sandbox("POST /sandbox/failures", &rule.to_string())
        .await;

    let refused = world
        .preview_by(&database, &anna, &["stay_check", "--to", TESTER])
        .await;

    assert!(
        refused
            .check(1)
            .stdout
            .contains("sent     WhatsApp refused it: code 131026"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bookings_own_guest_is_shown_to_a_person_and_the_audit_trail_records_it() {
    let (world, database) = (PackWorld::start(), booked().await);
    let anna = database.hire("anna").await;

    let nobody = world.preview(&["reminder_1", "--booking", "BK-1001"]).await;
    let shown = world
        .preview_by(
            &database,
            &anna,
            &["reminder_1", "--booking", "BK-1001", "--json"],
        )
        .await;
    let unknown = world
        .preview_by(&database, &anna, &["reminder_1", "--booking", "BK-9"])
        .await;

    assert!(nobody.check(2).stdout.is_empty(), "{nobody:?}");
    let shown = shown.json();
    assert_eq!(shown.as_array().unwrap().len(), 1);
    assert_eq!(shown[0]["guest"], "booking");
    assert!(
        shown[0]["message"]["body"]
            .as_str()
            .unwrap()
            .starts_with("Hello Ada, would"),
        "{shown}"
    );
    assert!(
        unknown.check(1).stderr.contains("unknown booking azure-bay/BK-9"),
        "{unknown:?}"
    );
    let trail = database.contents().await;
    assert!(
        trail.contains("booking_revealed") && trail.contains("preview of reminder_1"),
        "{trail}"
    );
}
