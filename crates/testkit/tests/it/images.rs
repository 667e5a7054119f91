//! The image and the compose file, which need an engine to run, held against what is here without one: what they name
//! exists, and every program becomes ready with the environment that the compose file gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use serde_yaml_ng::Value;
use testkit::database::Database;
use testkit::vhost::Vhost;
use testkit::world::{PATIENCE, Program, binary};

use crate::house::{crates, read, root, variables_in};

/// Where the compose file mounts the settings.
const SETTINGS: &str = "/etc/bellhop";
/// What cargo builds the programs from.
const SOURCES: [&str; 4] = ["Cargo.toml", "Cargo.lock", "crates", "migrations"];

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    image: String,
    build: Option<Value>,
    #[serde(default)]
    entrypoint: Vec<String>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    volumes: Vec<String>,
    healthcheck: Option<Healthcheck>,
}

#[derive(Deserialize)]
struct Healthcheck {
    test: Vec<String>,
}

/// The services that run our image.
fn services() -> BTreeMap<String, Service> {
    let mut file: Value = serde_yaml_ng::from_str(&read("docker-compose.yml")).unwrap();
    // Once for each level: what is merged may itself merge.
    file.apply_merge().unwrap();
    file.apply_merge().unwrap();
    let mut compose: Compose = serde_yaml_ng::from_value(file).unwrap();
    compose
        .services
        .retain(|_, service| service.image == "bellhop:local");
    compose.services
}

/// The crates that are programs.
fn programs() -> BTreeSet<String> {
    let is_program = |name: &String| root().join("crates").join(name).join("src/main.rs").is_file();
    crates().into_iter().filter(is_program).collect()
}

/// The Dockerfile's instructions, each on one line.
fn instructions() -> Vec<String> {
    let text = read("deploy/Dockerfile").replace("\\\n", " ");
    text.lines().map(str::to_owned).collect()
}

fn set<'w>(words: impl IntoIterator<Item = &'w str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[test]
fn what_the_compose_file_names_is_there() {
    let (known, programs) = (variables_in(&read("deploy/example.env")), programs());

    for (name, service) in services() {
        let program = service.entrypoint.iter().chain(&service.command).next().unwrap();
        assert!(programs.contains(program), "{name} runs {program}");
        for (variable, value) in &service.environment {
            assert!(known.contains(variable), "{name} sets {variable}");
            let file = value
                .strip_prefix(SETTINGS)
                .map(|rest| format!("deploy/demo{rest}"));
            assert!(
                file.is_none_or(|file| root().join(file).exists()),
                "{name}: {value}"
            );
        }
        assert_eq!(
            service.volumes,
            [format!("./deploy/demo:{SETTINGS}:ro")],
            "{name}"
        );
    }
}

#[test]
fn one_service_builds_the_image_so_that_no_two_write_it_at_once() {
    let built: Vec<String> = services()
        .into_iter()
        .filter_map(|(name, service)| service.build.map(|_| name))
        .collect();

    assert_eq!(built, ["migrate"]);
}

#[test]
fn the_image_holds_every_program() {
    let instructions = instructions();
    let build = instructions
        .iter()
        .find(|line| line.contains("cargo build"))
        .unwrap();
    let words: Vec<&str> = build.split_whitespace().collect();

    let built = words
        .windows(2)
        .filter(|pair| pair[0] == "--bin")
        .map(|pair| pair[1]);
    let installed = words.iter().skip_while(|word| **word != "/programs").skip(1);

    assert_eq!(set(built), programs());
    assert_eq!(set(installed.copied()), programs());
}

#[test]
fn what_the_image_is_made_of_exists_and_is_sent_to_the_builder() {
    let ignored = read(".dockerignore");
    let mut patterns = ignored.lines().filter(|line| !line.starts_with('#'));
    let instructions = instructions();
    let copies = instructions.iter().filter(|line| line.starts_with("COPY "));
    let copied = copies
        .filter(|line| !line.contains("--from="))
        .filter_map(|line| line.split(' ').nth(1));

    let needed = set(SOURCES.into_iter().chain(copied.filter(|source| *source != ".")));

    assert_eq!(patterns.next(), Some("*"));
    assert_eq!(
        set(patterns.filter_map(|pattern| pattern.strip_prefix('!'))),
        needed
    );
    for source in needed {
        assert!(root().join(&source).exists(), "{source}");
    }
}

#[test]
fn the_image_is_built_with_the_oldest_rust_that_is_promised() {
    let manifest = read("Cargo.toml");
    let promised = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "));

    let image = format!("FROM rust:{}-", promised.unwrap().trim_matches('"'));

    assert!(
        instructions().iter().any(|line| line.starts_with(&image)),
        "{image}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_environment_of_the_compose_file_every_program_becomes_ready() {
    let (database, vhost) = tokio::join!(Database::create_empty(), Vhost::create());
    let (services, folder) = (services(), tempfile::tempdir().unwrap());
    let mut places = vec![
        (
            "postgres://bellhop:bellhop@postgres:5432/bellhop".to_owned(),
            database.url(),
        ),
        ("amqp://bellhop:bellhop@rabbitmq:5672/%2f".to_owned(), vhost.url()),
        (
            SETTINGS.to_owned(),
            root().join("deploy/demo").display().to_string(),
        ),
    ];

    let migrate = &services["migrate"];
    let migrated = Command::new(binary(&migrate.command[0]).unwrap())
        .args(&migrate.command[1..])
        .env_clear()
        .envs(moved(migrate, &places))
        .output()
        .unwrap();
    assert!(migrated.status.success(), "{migrated:?}");

    let mut running = Vec::new();
    // Each after those that it calls.
    for name in ["ingest", "sandbox", "processor", "sender"] {
        let service = &services[name];
        let mut variables = moved(service, &places);
        variables.push((format!("{}_ADDR", name.to_uppercase()), "127.0.0.1:0".to_owned()));
        let program = Program::start(name, &variables, folder.path()).await.unwrap();
        let check = &service.healthcheck.as_ref().unwrap().test;
        assert_eq!(check[..2], ["CMD", "is-ready"]);
        places.push((
            format!("http://{name}:{}", check[2]),
            format!("http://{}", program.address()),
        ));
        await_ready(&program).await;
        running.push(program);
    }
}

/// A service's environment with other places for those that only an engine has.
fn moved(service: &Service, places: &[(String, String)]) -> Vec<(String, String)> {
    let there = |value: &String| {
        places
            .iter()
            .fold(value.clone(), |value, (from, to)| value.replace(from, to))
    };
    let variables = service.environment.iter();
    variables
        .map(|(name, value)| (name.clone(), there(value)))
        .collect()
}

/// Asks as the engine does.
async fn await_ready(program: &Program) {
    let port = program.address().port().to_string();
    let asking = async {
        while !is_ready(&root().join("deploy/is-ready"), &port) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asking).await;
    assert!(
        answer.is_ok(),
        "{} is never ready:\n{}",
        program.name(),
        program.log()
    );
}

fn is_ready(script: &Path, port: &str) -> bool {
    Command::new(script).arg(port).status().unwrap().success()
}
