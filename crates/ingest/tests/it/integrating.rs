//! The page for those who send events, `docs/integrating.md`: its examples run as its readers run them, and its tables
//! name what the interface has.

use std::process::Command;

use serde_json::{Value, json};
use service::Environment;

use crate::clients::run;
use crate::vhost::VHost;
use crate::world::{SECRET, World};

const NO_BROKER: &str = "amqp://127.0.0.1:1/%2f";

/// How the example of one language is run.
struct Language {
    /// As its fence names it.
    name: &'static str,
    file: &'static str,
    command: &'static [&'static str],
    /// Succeeds where the machine has what the example needs.
    probe: &'static [&'static str],
    /// Whether `scripts/test` installs it.
    is_required: bool,
}

const LANGUAGES: &[Language] = &[
    Language {
        name: "bash",
        file: "send.sh",
        command: &["bash"],
        probe: &["bash", "-c", "command -v curl openssl od"],
        is_required: true,
    },
    Language {
        name: "python",
        file: "send.py",
        command: &["python3"],
        probe: &["python3", "-c", "import hmac, urllib.request"],
        is_required: true,
    },
    Language {
        name: "javascript",
        file: "send.mjs",
        command: &["node"],
        probe: &["node", "-e", "process.exit(typeof fetch == 'function' ? 0 : 1)"],
        is_required: false,
    },
    Language {
        name: "php",
        file: "send.php",
        command: &["php"],
        probe: &["php", "-r", "exit(ini_get('allow_url_fopen') ? 0 : 1);"],
        is_required: false,
    },
    Language {
        name: "ruby",
        file: "send.rb",
        command: &["ruby"],
        probe: &["ruby", "-r", "net/http", "-r", "openssl", "-e", ""],
        is_required: false,
    },
    Language {
        name: "go",
        file: "send.go",
        command: &["go", "run"],
        probe: &["go", "version"],
        is_required: false,
    },
];

fn page() -> String {
    rules::read("docs/integrating.md")
}

/// The fenced blocks of a page: their languages and texts.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|line| *line != "```");
            blocks.push((language, text.map(|line| format!("{line}\n")).collect()));
        }
    }
    blocks
}

/// The texts of all blocks of a language.
fn blocks_of(page: &str, language: &str) -> Vec<String> {
    let mut blocks = blocks(page);
    blocks.retain(|(name, _)| *name == language);
    blocks.into_iter().map(|(_, text)| text).collect()
}

/// A command with the reader's tools, and nothing else of this process's environment.
fn command(words: &[&str]) -> Command {
    let environment = Environment::of_process();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear();
    for name in ["PATH", "HOME"] {
        command.envs(environment.get(name).map(|value| (name, value)));
    }
    command
}

async fn is_installed(language: &Language) -> bool {
    let mut probe = command(language.probe);
    let output = tokio::task::spawn_blocking(move || probe.output()).await.unwrap();
    output.is_ok_and(|output| output.status.success())
}

/// What the example of a language prints, as JSON.
async fn answer_to(language: &Language, example: &str, world: &World) -> Value {
    let file = world.folder.join(language.file);
    std::fs::write(&file, example).unwrap();
    let mut command = command(language.command);
    command
        .arg(&file)
        .current_dir(&world.folder)
        .env(
            "BELLHOP_WEBHOOK_URL",
            format!("http://{}/webhooks/direct", world.address),
        )
        .env("BELLHOP_WEBHOOK_SECRET", SECRET);
    let printed = run(command).await;
    serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{}: {printed}", language.name))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_of_the_page_for_senders_is_accepted_as_it_is() {
    let vhost = VHost::create().await;
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;
    let page = page();
    let accepted = json!({ "status": "accepted", "event_id": "evt_5f2c" });

    let (mut ran, mut skipped) = (0, Vec::new());
    for language in LANGUAGES {
        let examples = blocks_of(&page, language.name);
        let [example] = examples.as_slice() else {
            panic!("{}: {} examples", language.name, examples.len());
        };
        if is_installed(language).await {
            assert_eq!(
                answer_to(language, example, &world).await,
                accepted,
                "{}",
                language.name
            );
            ran += 1;
        } else {
            assert!(!language.is_required, "{} is not there", language.name);
            skipped.push(language.name);
        }
    }

    println!("skipped, as they are not installed: {skipped:?}");
    let ids = vhost.take_events().await.into_iter();
    let ids: Vec<_> = ids.map(|envelope| envelope.event_id.to_string()).collect();
    assert_eq!(ids, vec!["evt_5f2c"; ran]);
    world.finish().await;
    vhost.drop_now().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_and_the_answers_that_the_page_shows_are_real() {
    let vhost = VHost::create().await;
    let world = World::start(&vhost.url, &[]).await;
    world.until_broker_ready().await;
    let shown = blocks_of(&page(), "json");
    let [event, accepted, refused] = shown.as_slice() else {
        panic!("{} blocks of JSON", shown.len());
    };
    let [accepted, refused] = [accepted, refused].map(|text| serde_json::from_str::<Value>(text).unwrap());

    let answer = world.post_signed(event.as_bytes()).await;
    let mut without_phone: Value = serde_json::from_str(event).unwrap();
    without_phone["guest"].as_object_mut().unwrap().remove("phone");
    let refusal = world.post_signed(without_phone.to_string().as_bytes()).await;

    assert_eq!((answer.status, answer.json()), (200, accepted));
    let mut told = refusal.json();
    told["request_id"] = refused["request_id"].clone();
    assert_eq!(told, refused);
    world.finish().await;
    vhost.drop_now().await;
}

#[test]
fn the_signature_that_the_page_shows_is_the_right_one() {
    let shown = blocks_of(&page(), "text").concat();
    let value = |name: &str| {
        let line = shown.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name}")).trim()
    };

    let timestamp = value("webhook-timestamp").parse().unwrap();
    let signature = crypto::signature::sign_standard(
        value("secret"),
        value("webhook-id"),
        timestamp,
        value("body").as_bytes(),
    );

    assert_eq!(signature, value("webhook-signature"));
}

/// The names of the fields of an object in the description, with the path before them; those of objects in it too.
fn fields(document: &Value, schema: &str, path: &str, found: &mut Vec<String>) {
    let properties = document["components"]["schemas"][schema]["properties"].as_object();
    for (name, property) in properties.unwrap() {
        let alternatives = property["anyOf"].as_array().into_iter().flatten();
        let object = alternatives
            .filter_map(|one| one["$ref"].as_str()?.rsplit('/').next())
            .find(|name| document["components"]["schemas"][name]["type"] == "object");
        match object {
            Some(object) => fields(document, object, &format!("{path}{name}."), found),
            None => found.push(format!("`{path}{name}`")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_explains_every_type_field_and_status_of_the_description() {
    let world = World::start(NO_BROKER, &[]).await;
    let document = world.get("/openapi.json").await.json();
    let page = page();
    let event = &document["components"]["schemas"]["Event"];

    let types = event["properties"]["type"]["enum"].as_array().unwrap();
    let rows = types
        .iter()
        .map(|name| format!("\n| `{}` |", name.as_str().unwrap()));
    let responses = document["paths"]["/webhooks/{source}"]["post"]["responses"].as_object();
    let rows = rows.chain(responses.unwrap().keys().map(|status| format!("\n| {status} |")));
    let mut expected: Vec<_> = rows.collect();
    fields(&document, "Event", "", &mut expected);

    assert!(expected.len() > 35, "{expected:?}");
    let missing: Vec<_> = expected
        .iter()
        .filter(|text| !page.contains(text.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    world.finish().await;
}
