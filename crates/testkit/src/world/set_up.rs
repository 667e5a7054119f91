//! Putting a world together: files, variables, programs.

use std::fs;
use std::sync::Arc;

use broker::Address;
use crypto::key_ring::KeyRing;
use reqwest::Client;
use sandbox::{Callback, Settings, Templates};
use service::Stop;
use tempfile::TempDir;

use super::{Program, ResortFile, SECRET, World, resort_file};
use crate::database::Database;
use crate::vhost::Vhost;

const KEYS: &str =
    "first:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,lookup:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
const APP_SECRET: &str = "meta-app-secret";
const SOURCE: &str = "resorts = ['azure-bay']\n[auth]\nscheme = 'standard-webhooks'\nsecrets = ['env:DIRECT_SECRET']\n\
                      [rate_limit]\nper_second = 1000\nburst = 1000\n";

pub(super) async fn assemble(
    resort: &ResortFile,
    more: &[(&str, &str)],
    database: Database,
    vhost: Vhost,
) -> anyhow::Result<World> {
    let folder = tempfile::Builder::new().prefix("bellhop_test_").tempdir()?;
    write_files(&folder, resort)?;
    let address = Address::parse(&vhost.url())?;
    broker::topology::declare(&address).await?;
    let mut variables = variables(&folder, &database, &vhost);
    let more = more
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    variables.extend(more);
    let (ingest, processor) = tokio::try_join!(
        Program::start("ingest", &variables, folder.path()),
        Program::start("processor", &variables, folder.path()),
    )?;
    let stop = Stop::manual();
    let sandbox = sandbox::start(sandbox_settings(&ingest)?, &stop)?;
    variables.push(("WHATSAPP_API_URL".to_owned(), sandbox.url()));
    let sender = Program::start("sender", &variables, folder.path()).await?;
    let world = World {
        ingest,
        processors: vec![processor],
        senders: vec![sender],
        sandbox,
        stop,
        variables,
        http: Client::new(),
        store: database.store(),
        ring: Arc::new(KeyRing::parse(KEYS)?),
        broker: address,
        vhost,
        database,
        folder,
    };
    world.ready().await;
    Ok(world)
}

fn write_files(folder: &TempDir, resort: &ResortFile) -> anyhow::Result<()> {
    for part in ["resorts", "sources"] {
        fs::create_dir(folder.path().join(part))?;
    }
    fs::write(folder.path().join("resorts/azure-bay.toml"), resort.text())?;
    Ok(fs::write(folder.path().join("sources/direct.toml"), SOURCE)?)
}

fn variables(folder: &TempDir, database: &Database, vhost: &Vhost) -> Vec<(String, String)> {
    let local = "127.0.0.1:0";
    let pairs = [
        ("BELLHOP_CONFIG", folder.path().display().to_string()),
        ("DATABASE_URL", database.url()),
        ("AMQP_URL", vhost.url()),
        ("BELLHOP_KEYS", KEYS.to_owned()),
        ("INGEST_ADDR", local.to_owned()),
        ("PROCESSOR_ADDR", local.to_owned()),
        ("SENDER_ADDR", local.to_owned()),
        ("WHATSAPP_APP_SECRETS", APP_SECRET.to_owned()),
        ("WHATSAPP_VERIFY_TOKEN", "verify me".to_owned()),
        ("DIRECT_SECRET", SECRET.to_owned()),
        ("AZURE_BAY_TOKEN", "the-token".to_owned()),
        ("SENDER_PROBE_AFTER", "1s".to_owned()),
        ("SENDER_MESSAGES_PER_SECOND", "1000".to_owned()),
        ("BELLHOP_STAFF", "anna".to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
        ("RUST_LOG", "info".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

fn sandbox_settings(ingest: &Program) -> anyhow::Result<Settings> {
    let mut settings = Settings::for_tests();
    let callback = format!("http://{}/webhooks/whatsapp", ingest.address());
    settings.callback = Some(Callback::new(&callback, APP_SECRET).map_err(anyhow::Error::msg)?);
    settings.templates = Templates::parse(resort_file::APPROVED)?;
    settings.tokens = Some(["the-token".to_owned()].into());
    Ok(settings)
}
