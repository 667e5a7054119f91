//! The compose file, which needs an engine to be run, held against what is here without one: what it names exists, and
//! every program becomes ready with the environment that it gets there.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use serde_yaml_ng::Value;
use testkit::database::Database;
use testkit::program::{Program, binary};
use testkit::vhost::Vhost;
use testkit::world::PATIENCE;

use rules::{programs, read, root, variables_in};

/// Where the compose file mounts the settings.
const SETTINGS: &str = "/etc/bellhop";

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

impl Service {
    /// Where the engine asks whether the program is ready.
    fn port(&self) -> Option<&str> {
        let [kind, program, port] = &self.healthcheck.as_ref()?.test[..] else {
            panic!("not three words");
        };
        assert_eq!((kind.as_str(), program.as_str()), ("CMD", "is-ready"));
        Some(port)
    }
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
fn each_program_is_asked_where_it_listens() {
    let example = read("deploy/example.env");

    for (name, service) in services() {
        let Some(port) = service.port() else { continue };
        let variable = format!("{}_ADDR", name.to_uppercase());
        let default = example
            .lines()
            .find_map(|line| line.strip_prefix(&format!("#{variable}=")));
        let address = service.environment.get(&variable).map(String::as_str).or(default);
        assert_eq!(address, Some(format!("0.0.0.0:{port}").as_str()), "{name}");
    }
}

#[test]
fn the_sandbox_shares_its_secrets_with_those_that_it_talks_to() {
    let services = services();
    let word = |name: &str, variable: &str| services[name].environment[variable].clone();

    assert_eq!(
        word("sandbox", "SANDBOX_APP_SECRET"),
        word("ingest", "WHATSAPP_APP_SECRETS")
    );
    assert_eq!(
        word("sandbox", "SANDBOX_TOKENS"),
        word("sender", "AZURE_BAY_TOKEN")
    );
}

#[test]
fn one_service_builds_the_image_so_that_no_two_write_it_at_once() {
    let built: Vec<String> = services()
        .into_iter()
        .filter_map(|(name, service)| service.build.map(|_| name))
        .collect();

    assert_eq!(built, ["migrate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_environment_of_the_compose_file_every_program_becomes_ready() {
    let (database, vhost) = tokio::join!(Database::create_empty(), Vhost::create());
    let (services, folder) = (services(), tempfile::tempdir().unwrap());
    let settings = root().join("deploy/demo").display().to_string();
    let place = |from: &str, to: String| (from.to_owned(), to);
    let mut places = vec![place(SETTINGS, settings)];
    // That each user's rights are enough, all other tests show.
    for user in users() {
        places.push(place(
            &format!("postgres://{user}:bellhop@postgres:5432/bellhop"),
            database.url(),
        ));
        places.push(place(
            &format!("amqp://{user}:bellhop@rabbitmq:5672/%2f"),
            vhost.url(),
        ));
    }

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
    for name in ["ingest", "sandbox", "processor", "sender", "desk"] {
        let service = &services[name];
        let mut variables = moved(service, &places);
        variables.push((format!("{}_ADDR", name.to_uppercase()), "127.0.0.1:0".to_owned()));
        let program = Program::start(name, &variables, folder.path()).await.unwrap();
        let port = service.port().unwrap();
        places.push(place(
            &format!("http://{name}:{port}"),
            format!("http://{}", program.address()),
        ));
        await_ready(&program).await;
        running.push(program);
    }
}

/// The users that RabbitMQ imports.
fn users() -> Vec<String> {
    let definitions: serde_json::Value =
        serde_json::from_str(&read("deploy/demo/rabbitmq-users.json")).unwrap();
    let users = definitions["users"].as_array().unwrap();
    users
        .iter()
        .map(|user| user["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn each_program_has_a_user_of_its_own_and_only_the_migration_is_the_owner() {
    let (roles, passwords) = (read("deploy/roles.sql"), read("deploy/demo/passwords.sql"));
    let (users, permissions) = (users(), read("deploy/rabbitmq-permissions.json"));

    for (name, service) in services() {
        let user = match name.as_str() {
            "migrate" => "bellhop".to_owned(),
            program => format!("bellhop_{program}"),
        };
        for (variable, value) in &service.environment {
            if ["DATABASE_URL", "AMQP_URL"].contains(&variable.as_str()) {
                assert!(
                    value.contains(&format!("://{user}:bellhop@")),
                    "{name}: {variable}"
                );
            }
        }
        if service.environment.contains_key("DATABASE_URL") && name != "migrate" {
            assert!(roles.contains(&format!("CREATE ROLE {user} LOGIN;")), "{user}");
            let in_english = format!("ALTER ROLE {user} SET lc_messages = 'C';");
            assert!(roles.contains(&in_english), "{user}");
            assert!(
                passwords.contains(&format!("ALTER ROLE {user} PASSWORD")),
                "{user}"
            );
        }
        if service.environment.contains_key("AMQP_URL") && name != "migrate" {
            assert!(users.contains(&user), "{user}");
            assert!(permissions.contains(&format!("\"user\": \"{user}\"")), "{user}");
        }
    }
}

/// A service's environment with other places for those that only an engine has.
fn moved(service: &Service, places: &[(String, String)]) -> Vec<(String, String)> {
    let there = |value: &String| {
        let moved = places
            .iter()
            .fold(value.clone(), |value, (from, to)| value.replace(from, to));
        let unknown = moved == *value && value.contains("://");
        assert!(!unknown, "nobody listens at {value}");
        moved
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
