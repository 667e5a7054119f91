//! What the checks at the door cost: `ingest` beside a [yardstick](crate::yardstick) that checks nothing, under the same
//! load, in turn.

use std::fs;
use std::path::Path;

use broker::Address;
use testkit::program::Program;
use testkit::vhost::Vhost;
use testkit::world::{ResortFile, Secrets};

use crate::load;
use crate::report;
use crate::round::Round;
use crate::settings::Settings;

/// A source with everything switched on, and rates that are never reached.
const SOURCE: &str = "resorts = ['azure-bay']\n[auth]\nscheme = 'standard-webhooks'\nsecrets = ['env:DIRECT_SECRET']\n\
                      [network]\nallow = ['127.0.0.0/8', '::1/128']\n\
                      [rate_limit]\nper_second = 1000000\nburst = 1000000\n";

/// Two rounds, one after the other.
pub(crate) struct Pair {
    pub(crate) yardstick: Round,
    pub(crate) ingest: Round,
}

pub(crate) async fn measure(settings: &Settings) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("bellhop_bench_").tempdir()?;
    write_files(folder.path())?;
    let (vhost, secrets) = (Vhost::create().await, Secrets::default());
    broker::topology::declare(&Address::parse(&vhost.url())?).await?;
    let variables = variables(folder.path(), &settings.stage, &vhost, &secrets);
    let yardstick = Program::start_as("yardstick", "bench", &variables, folder.path()).await?;
    let variables: Vec<_> = variables
        .into_iter()
        .filter(|(name, _)| name != "BENCH_YARDSTICK")
        .collect();
    let ingest = Program::start("ingest", &variables, folder.path()).await?;
    ready(&ingest).await?;
    // The first round warms both up and is not counted.
    let mut pairs = Vec::new();
    for round in 0..=settings.rounds {
        let play = async |program: &Program| -> anyhow::Result<Round> {
            let before = program.cpu_time()?;
            let taken = load::send(
                program.address(),
                &secrets.signing,
                settings.requests,
                settings.at_once,
            )
            .await?;
            let spent = program.cpu_time()?.saturating_sub(before);
            vhost.api("DELETE", "queues", "/events/contents", None).await;
            Ok(Round::new(&taken, spent))
        };
        // Who goes first has a fuller or an emptier machine: they take turns.
        let (yardstick, ingest) = if round % 2 == 0 {
            let yardstick = play(&yardstick).await?;
            (yardstick, play(&ingest).await?)
        } else {
            let ingest = play(&ingest).await?;
            (play(&yardstick).await?, ingest)
        };
        let pair = Pair { yardstick, ingest };
        report::progress(round, &pair);
        if round > 0 {
            pairs.push(pair);
        }
    }
    report::end(settings, &pairs)
}

fn write_files(folder: &Path) -> anyhow::Result<()> {
    for part in ["resorts", "sources"] {
        fs::create_dir(folder.join(part))?;
    }
    fs::write(
        folder.join("resorts/azure-bay.toml"),
        ResortFile::patient().text(),
    )?;
    Ok(fs::write(folder.join("sources/direct.toml"), SOURCE)?)
}

fn variables(folder: &Path, stage: &str, vhost: &Vhost, secrets: &Secrets) -> Vec<(String, String)> {
    let pairs = [
        ("BELLHOP_CONFIG", folder.display().to_string()),
        ("AMQP_URL", vhost.url()),
        ("BELLHOP_KEYS", secrets.keys.clone()),
        ("INGEST_ADDR", "127.0.0.1:0".to_owned()),
        ("DIRECT_SECRET", secrets.signing.clone()),
        ("LOG_FORMAT", "json".to_owned()),
        ("RUST_LOG", "info".to_owned()),
        ("BELLHOP_STAGE", stage.to_owned()),
        ("BENCH_YARDSTICK", "yes".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Waits until it takes webhooks.
async fn ready(program: &Program) -> anyhow::Result<()> {
    let url = format!("http://{}/readyz", program.address());
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let waiting = async {
        while !http.get(&url).send().await?.status().is_success() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(testkit::world::PATIENCE, waiting).await?
}
