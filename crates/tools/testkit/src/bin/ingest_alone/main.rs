//! A real `ingest` with a RabbitMQ vhost of its own, for `scripts/test openapi`.
//!
//! usage: `ingest_alone CONFIG`, a folder with resorts and sources whose secrets are `plain:`. Once it can publish, its
//! address is a line of stdout; it ends when stdin does.

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use broker::{Address, topology};
use testkit::program::Program;
use testkit::vhost::Vhost;

/// Longer than a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = std::env::args().nth(1).context("usage: ingest_alone CONFIG")?;
    let vhost = Vhost::create().await;
    topology::declare(&Address::parse(&vhost.url())?).await?;
    let log = tempfile::Builder::new().prefix("bellhop_test_").tempdir()?;
    let variables = [
        ("BELLHOP_CONFIG", config.as_str()),
        ("AMQP_URL", &vhost.url()),
        (
            "BELLHOP_KEYS",
            "first:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,lookup:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
        ),
        ("INGEST_ADDR", "127.0.0.1:0"),
        ("INGEST_LINGER", "0s"),
        ("WHATSAPP_APP_SECRETS", "app-secret-of-the-check"),
        ("WHATSAPP_VERIFY_TOKEN", "verify-token-of-the-check"),
        ("LOG_FORMAT", "json"),
        ("RUST_LOG", "info"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut ingest = Program::start("ingest", &variables, log.path()).await?;
    tokio::time::timeout(PATIENCE, ready(&ingest))
        .await
        .with_context(|| format!("ingest is not ready:\n{}", ingest.log()))?;

    writeln!(io::stdout(), "{}", ingest.address())?;
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;

    let code = ingest.stop().await?;
    anyhow::ensure!(code == Some(0), "ingest ended with {code:?}:\n{}", ingest.log());
    Ok(())
}

/// Waits until it can publish.
async fn ready(ingest: &Program) {
    let url = format!("http://{}/readyz", ingest.address());
    loop {
        let answer = reqwest::get(&url).await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
