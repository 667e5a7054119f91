//! Putting a world together: files, variables, programs.

use std::fs;
use std::sync::{Arc, Mutex};

use broker::Address;
use crypto::key_ring::KeyRing;
use reqwest::Client;
use sandbox::{Callback, Settings, Templates};
use service::Stop;
use tempfile::TempDir;

use super::{ResortFile, Secrets, World, resort_file};
use crate::database::Database;
use crate::program::Program;
use crate::rights::Rights;
use crate::vhost::Vhost;

const SOURCE: &str = "resorts = ['azure-bay']\n[auth]\nscheme = 'standard-webhooks'\nsecrets = ['env:DIRECT_SECRET']\n\
                      [rate_limit]\nper_second = 1000\nburst = 1000\n";

pub(super) async fn assemble(
    resort: &ResortFile,
    secrets: Secrets,
    more: &[(&str, &str)],
    database: Database,
    vhost: Vhost,
) -> anyhow::Result<World> {
    let folder = tempfile::Builder::new().prefix("bellhop_test_").tempdir()?;
    write_files(&folder, resort)?;
    let address = Address::parse(&vhost.url())?;
    broker::topology::declare(&address).await?;
    let mut variables = variables(&folder, &secrets, &database, &vhost);
    variables.push(("BELLHOP_STAFF_TOKEN".to_owned(), database.hire("anna").await));
    variables.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    variables.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let rights = match Rights::may_be_made() {
        true => Some(Rights::arrange(&vhost).await?),
        false => None,
    };
    let ingest = variables_of("ingest", rights.as_ref(), &variables);
    let processor = variables_of("processor", rights.as_ref(), &variables);
    let (ingest, processor) = tokio::try_join!(
        Program::start("ingest", &ingest, folder.path()),
        Program::start("processor", &processor, folder.path()),
    )?;
    let stop = Stop::manual();
    let sandbox = sandbox::start(sandbox_settings(&ingest, &secrets)?, &stop)?;
    variables.push(("WHATSAPP_API_URL".to_owned(), sandbox.url()));
    let sender = variables_of("sender", rights.as_ref(), &variables);
    let sender = Program::start("sender", &sender, folder.path()).await?;
    let world = World {
        ingest,
        processors: vec![processor],
        senders: vec![sender],
        sandbox,
        stop,
        variables,
        rights,
        http: Client::new(),
        answers: Mutex::default(),
        store: database.observer(),
        ring: Arc::new(KeyRing::parse(&secrets.keys)?),
        secrets,
        broker: address,
        vhost,
        database,
        folder,
    };
    world.ready().await;
    Ok(world)
}

/// As itself, where each program has a user of its own.
pub(super) fn variables_of(
    program: &str,
    rights: Option<&Rights>,
    variables: &[(String, String)],
) -> Vec<(String, String)> {
    rights.map_or_else(|| variables.to_vec(), |rights| rights.of(program, variables))
}

fn write_files(folder: &TempDir, resort: &ResortFile) -> anyhow::Result<()> {
    for part in ["resorts", "sources"] {
        fs::create_dir(folder.path().join(part))?;
    }
    fs::write(folder.path().join("resorts/azure-bay.toml"), resort.text())?;
    Ok(fs::write(folder.path().join("sources/direct.toml"), SOURCE)?)
}

fn variables(
    folder: &TempDir,
    secrets: &Secrets,
    database: &Database,
    vhost: &Vhost,
) -> Vec<(String, String)> {
    let local = "127.0.0.1:0";
    let pairs = [
        ("BELLHOP_CONFIG", folder.path().display().to_string()),
        ("DATABASE_URL", database.url()),
        ("AMQP_URL", vhost.url()),
        ("BELLHOP_KEYS", secrets.keys.clone()),
        ("INGEST_ADDR", own_address()),
        ("INGEST_LINGER", "0s".to_owned()),
        ("DESK_ADDR", local.to_owned()),
        ("PROCESSOR_ADDR", local.to_owned()),
        ("SENDER_ADDR", local.to_owned()),
        ("WHATSAPP_APP_SECRETS", secrets.app.clone()),
        ("WHATSAPP_VERIFY_TOKEN", secrets.verify_token.clone()),
        ("DIRECT_SECRET", secrets.signing.clone()),
        ("AZURE_BAY_TOKEN", secrets.access_token.clone()),
        ("SENDER_PROBE_AFTER", "1s".to_owned()),
        ("SENDER_MESSAGES_PER_SECOND", "1000".to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
        ("RUST_LOG", "info".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// On an address of this test's own: `ingest` may end and come again without finding its port taken.
fn own_address() -> String {
    let [.., a, b] = *uuid::Uuid::now_v7().as_bytes();
    format!("127.77.{a}.{b}:0")
}

fn sandbox_settings(ingest: &Program, secrets: &Secrets) -> anyhow::Result<Settings> {
    let mut settings = Settings::for_tests();
    let callback = format!("http://{}/webhooks/whatsapp", ingest.address());
    settings.callback = Some(Callback::new(&callback, &secrets.app).map_err(anyhow::Error::msg)?);
    settings.templates = Templates::parse(resort_file::APPROVED)?;
    settings.tokens = Some([secrets.access_token.clone()].into());
    Ok(settings)
}
