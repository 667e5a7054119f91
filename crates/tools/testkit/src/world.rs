//! The whole system, for one test: the real programs as processes, an emulated WhatsApp, and a database, a vhost and
//! files of its own.

mod desk;
mod desk_page;
mod event;
mod process_control;
mod resort_file;
mod secrets;
mod seen;
mod set_up;
mod webhooks;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use broker::Address;
use broker::topology::Depths;
use crypto::key_ring::KeyRing;
use reqwest::Client;
use sandbox::Sandbox;
use serde_json::Value;
use service::Stop;
use store::Store;
use tempfile::TempDir;

pub use desk::Ended;
pub use desk_page::DeskPage;
pub use event::Event;
pub use resort_file::{APPROVED, ResortFile};
pub use secrets::Secrets;
pub use seen::{Message, WhatsAppMessage};

use crate::database::Database;
use crate::program::{Program, has_line};
use crate::rights::Rights;
use crate::vhost::Vhost;

/// Longer than anything may take; a test that reaches it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The resort of every test.
pub const RESORT: &str = "azure-bay";
/// Its business number.
pub const NUMBER: &str = "106540352242922";

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Everything that one test needs. What was started ends when it is dropped; a failing test shows the programs' logs.
pub struct World {
    ingest: Program,
    processors: Vec<Program>,
    senders: Vec<Program>,
    sandbox: Sandbox,
    stop: Stop,
    variables: Vec<(String, String)>,
    rights: Option<Rights>,
    secrets: Secrets,
    http: Client,
    /// What was answered to webhooks, whole.
    answers: Mutex<Vec<u8>>,
    store: Store,
    ring: Arc<KeyRing>,
    broker: Address,
    // Last: programs must be gone before what they use.
    vhost: Vhost,
    database: Database,
    folder: TempDir,
}

impl World {
    /// Starts everything, with this file for the resort.
    ///
    /// # Panics
    /// Where anything does not start: a test without its system must not pass.
    pub async fn start(resort: &ResortFile) -> Self {
        Self::start_with(resort, &[]).await
    }

    /// As [`World::start`], with these variables for every program, some instead of the usual ones.
    ///
    /// # Panics
    /// As [`World::start`].
    pub async fn start_with(resort: &ResortFile, variables: &[(&str, &str)]) -> Self {
        Self::start_under(Secrets::default(), resort, variables).await
    }

    /// As [`World::start_with`], with these secrets.
    ///
    /// # Panics
    /// As [`World::start`].
    pub async fn start_under(secrets: Secrets, resort: &ResortFile, variables: &[(&str, &str)]) -> Self {
        let (database, vhost) = tokio::join!(Database::create(), Vhost::create());
        let assembled = set_up::assemble(resort, secrets, variables, database, vhost);
        must("the world", assembled.await)
    }

    /// Tells the sandbox something, as its `--help` describes: `inbound`, `failures`, `templates`.
    ///
    /// # Panics
    /// Where it refuses.
    pub async fn tell_sandbox(&self, path: &str, body: &Value) {
        let request = self
            .http
            .post(format!("{}/sandbox/{path}", self.sandbox.url()))
            .json(body);
        let answer = must("the sandbox", request.send().await);
        let status = answer.status();
        assert!(
            status.is_success(),
            "{status}: {}",
            must("the sandbox", answer.text().await)
        );
    }

    /// Where the sandbox listens.
    pub fn sandbox_address(&self) -> SocketAddr {
        self.sandbox.address()
    }

    /// Removes the failures from the sandbox.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn heal_sandbox(&self) {
        let request = self
            .http
            .delete(format!("{}/sandbox/failures", self.sandbox.url()));
        let answer = must("the sandbox", request.send().await);
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Waits until a look at the world finds something, and returns it.
    ///
    /// # Panics
    /// Where nothing is found within [`PATIENCE`].
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("never: {what}"),
        }
    }

    /// Kills the processors, as a power cut would, without starting others.
    pub fn kill_processors(&mut self) {
        self.processors.drain(..).for_each(Program::kill);
    }

    /// Kills the senders, as a power cut would, without starting others.
    pub fn kill_senders(&mut self) {
        self.senders.drain(..).for_each(Program::kill);
    }

    /// Starts one more processor.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_processor(&mut self) {
        let variables = self.variables_of("processor");
        let started = Program::start("processor", &variables, self.folder.path()).await;
        self.processors.push(must("processor", started));
    }

    /// Asks every program to stop, and returns its name and exit code.
    pub async fn stop_everything(mut self) -> Vec<(String, Option<i32>)> {
        let mut ended = Vec::new();
        let mut programs = vec![&mut self.ingest];
        programs.extend(&mut self.senders);
        programs.extend(&mut self.processors);
        for program in programs {
            let code = must("a program's end", program.stop().await);
            ended.push((program.name().to_owned(), code));
        }
        ended
    }

    /// Everything that the programs have logged, those too that have ended.
    pub fn logs(&self) -> String {
        self.logs_by_program().into_values().collect()
    }

    /// Whether any program wrote a line with this id in its field `event` or `alert`.
    pub fn has_logged(&self, id: &str) -> bool {
        has_line(&self.logs(), id)
    }

    /// As [`World::logs`], by the programs' names. Several of one kind write one log.
    ///
    /// # Panics
    /// Where a log cannot be read: what was not looked at must not count as clean.
    pub fn logs_by_program(&self) -> BTreeMap<String, String> {
        let logs = must("the logs", fs::read_dir(self.folder.path()));
        let paths = logs.map(|entry| must("the logs", entry).path());
        let logs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
        let read = |path: PathBuf| {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (name, must("a log", fs::read_to_string(&path)))
        };
        logs.map(read).collect()
    }

    /// The value of a variable in the programs' environment; empty where it is not set.
    pub fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(one, _)| one == name);
        found.map_or("", |(_, value)| value)
    }

    /// A program's environment.
    fn variables_of(&self, program: &str) -> Vec<(String, String)> {
        set_up::variables_of(program, self.rights.as_ref(), &self.variables)
    }

    /// The programs' names and addresses.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.programs()
            .map(|one| (one.name().to_owned(), one.address()))
            .collect()
    }

    fn programs(&self) -> impl Iterator<Item = &Program> {
        let others = self.senders.iter().chain(&self.processors);
        std::iter::once(&self.ingest).chain(others)
    }

    /// Starts one more sender.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn start_sender(&mut self) {
        let variables = self.variables_of("sender");
        let started = Program::start("sender", &variables, self.folder.path()).await;
        self.senders.push(must("sender", started));
        self.ready().await;
    }

    /// The database, to be shut and opened.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The vhost, to be looked at and disturbed.
    pub fn vhost(&self) -> &Vhost {
        &self.vhost
    }

    /// How many messages stand ready in each queue, counted by RabbitMQ.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn depths(&self) -> Depths {
        must("RabbitMQ", broker::topology::verify(&self.broker).await)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.stop();
        if std::thread::panicking() {
            for program in self.programs() {
                let _ = std::io::stderr().write_all(program.tail().as_bytes());
            }
        }
    }
}

/// The value, or the end of the test.
pub(crate) fn must<T, E: Into<anyhow::Error>>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {:#}", error.into()),
    }
}
