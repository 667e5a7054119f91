//! The private Postgres and RabbitMQ from outside: stopped, killed, and troubled.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use reqwest::{Client, Method};
use url::Url;

/// What can be asked of the servers.
#[derive(Debug)]
pub(crate) struct Servers {
    services: PathBuf,
    api: Url,
    http: Client,
}

impl Servers {
    pub(crate) fn new(services: PathBuf, api: Url, http: Client) -> Self {
        Self { services, api, http }
    }

    /// Runs `scripts/services` with these words.
    pub(crate) async fn tell(&self, words: &'static [&'static str]) -> anyhow::Result<()> {
        let mut command = Command::new(&self.services);
        // Where these are set the script takes the servers for given ones.
        for given in ["DATABASE_URL", "AMQP_URL", "RABBITMQ_API_URL"] {
            command.env_remove(given);
        }
        command.args(words).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await?
            .context("cannot run scripts/services")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "scripts/services {}: {said}",
            words.join(" ")
        );
        ensure!(
            !said.contains("starting with none"),
            "a server has lost its data: {said}"
        );
        Ok(())
    }

    /// Deletes the queue `messages`, with what is in it.
    pub(crate) async fn delete_messages(&self) -> anyhow::Result<()> {
        self.ask(Method::DELETE, "api/queues/%2f/messages").await
    }

    /// Empties the queue `messages`.
    pub(crate) async fn purge_messages(&self) -> anyhow::Result<()> {
        self.ask(Method::DELETE, "api/queues/%2f/messages/contents").await
    }

    async fn ask(&self, method: Method, path: &str) -> anyhow::Result<()> {
        let (user, password) = (
            self.api.username().to_owned(),
            self.api.password().map(str::to_owned),
        );
        let mut url = self.api.join(path)?;
        // reqwest would take them from the URL too, and print them in its errors.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let request = self.http.request(method, url).basic_auth(user, password);
        request.send().await?.error_for_status()?;
        Ok(())
    }
}
