//! The private Postgres and RabbitMQ from outside: stopped, killed, and troubled.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Client, Method};
use url::Url;

const TRIES: usize = 20;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What can be asked of the servers.
#[derive(Debug)]
pub(crate) struct Servers {
    services: PathBuf,
    api: Url,
    vhost: String,
    http: Client,
}

impl Servers {
    /// The queues are those of this vhost.
    pub(crate) fn new(services: PathBuf, api: Url, vhost: String, http: Client) -> Self {
        Self {
            services,
            api,
            vhost,
            http,
        }
    }

    /// Runs `scripts/services` with these words.
    pub(crate) async fn control(&self, words: &[&str]) -> anyhow::Result<()> {
        control(&self.services, words).await
    }

    /// Deletes the queue `messages`, with what is in it.
    pub(crate) async fn delete_messages(&self) -> anyhow::Result<()> {
        self.ask(Method::DELETE, "").await
    }

    /// Empties the queue `messages`.
    pub(crate) async fn purge_messages(&self) -> anyhow::Result<()> {
        self.ask(Method::DELETE, "/contents").await
    }

    async fn ask(&self, method: Method, part: &str) -> anyhow::Result<()> {
        let (user, password) = (
            self.api.username().to_owned(),
            self.api.password().map(str::to_owned),
        );
        let mut url = self
            .api
            .join(&format!("api/queues/{}/messages{part}", self.vhost))?;
        // reqwest would take them from the URL too, and print them in its errors.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let mut tries = 0;
        loop {
            let request = self.http.request(method.clone(), url.clone());
            let answer = request.basic_auth(&user, password.as_ref()).send().await;
            match answer.and_then(reqwest::Response::error_for_status) {
                Ok(_) => return Ok(()),
                // Soon after its start RabbitMQ does not know its queues.
                Err(error) if tries >= TRIES => return Err(error.into()),
                Err(_) => tries += 1,
            }
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
        }
    }
}

/// Runs `scripts/services`, or `scripts/cluster`, with these words.
pub(crate) async fn control(script: &Path, words: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(script);
    // Where these are set the script takes the servers for given ones.
    for given in ["DATABASE_URL", "AMQP_URL", "RABBITMQ_API_URL"] {
        command.env_remove(given);
    }
    command.args(words).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output())
        .await?
        .with_context(|| format!("cannot run {}", script.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} {}: {said}",
        script.display(),
        words.join(" ")
    );
    ensure!(
        !said.contains("starting with none"),
        "a server has lost its data: {said}"
    );
    Ok(())
}
