//! A stage of its own for each round: an empty database, a vhost, the files, and the programs that the measurement starts.

use std::mem;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use broker::Address;
use tempfile::TempDir;
use testkit::database::Database;
use testkit::program::{Program, binary};
use testkit::rights::Rights;
use testkit::vhost::Vhost;
use testkit::world::{PATIENCE, Secrets};

use crate::bench::Bench;
use crate::floor::FLOOR;
use crate::usage::{self, Usage};

mod counters;
pub(crate) mod files;
pub(crate) mod old;

const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(crate) struct Stage {
    programs: Vec<(&'static str, Program)>,
    started: usize,
    variables: Vec<(String, String)>,
    rights: Rights,
    pub(crate) secrets: Secrets,
    postmaster: u32,
    rabbitmq: u32,
    // Last: programs must be gone before what they use.
    pub(crate) vhost: Vhost,
    pub(crate) database: Database,
    folder: TempDir,
}

impl Stage {
    pub(crate) async fn set(bench: &Bench) -> anyhow::Result<Self> {
        let (database, vhost) = tokio::join!(Database::create(), Vhost::create());
        broker::topology::declare(&Address::parse(&vhost.url())?).await?;
        database.execute("CREATE EXTENSION pg_stat_statements").await;
        let stage = Self::around(bench, database, vhost).await?;
        files::write(stage.folder.path())?;
        Ok(stage)
    }

    /// A stage that the desk of 0.1.0, in this folder, has prepared.
    pub(crate) async fn of_release(bench: &Bench, release: &Path) -> anyhow::Result<Self> {
        let (database, vhost) = tokio::join!(Database::create_empty(), Vhost::create());
        let stage = Self::around(bench, database, vhost).await?;
        files::write_for_0_1(stage.folder.path())?;
        stage.run(&release.join("desk"), &["migrate"], "").await?;
        Ok(stage)
    }

    async fn around(bench: &Bench, database: Database, vhost: Vhost) -> anyhow::Result<Self> {
        bench.sink.clear();
        let folder = tempfile::Builder::new().prefix("bellhop_bench_").tempdir()?;
        let rights = Rights::arrange(&vhost).await?;
        let secrets = Secrets::default();
        Ok(Self {
            programs: Vec::new(),
            started: 0,
            variables: variables(bench, &folder, &secrets),
            rights,
            secrets,
            postmaster: usage::postmaster(&database).await?,
            rabbitmq: bench.rabbitmq,
            vhost,
            database,
            folder,
        })
    }

    /// Starts a program, and waits until it is ready.
    pub(crate) async fn start(&mut self, name: &'static str) -> anyhow::Result<SocketAddr> {
        self.start_from(name, None).await
    }

    /// Starts a program of the release in this folder, or of today.
    pub(crate) async fn start_from(
        &mut self,
        name: &'static str,
        release: Option<&Path>,
    ) -> anyhow::Result<SocketAddr> {
        let mut variables = self.variables.clone();
        let own = |url: String| self.rights.url(name, &url);
        variables.push(("DATABASE_URL".to_owned(), own(self.database.url())));
        variables.push(("AMQP_URL".to_owned(), own(self.vhost.url())));
        let mut binary = name.to_owned();
        if name == "floor" {
            variables.push((FLOOR.to_owned(), "yes".to_owned()));
            "bench".clone_into(&mut binary);
        }
        if let Some(release) = release {
            binary = release.join(name).display().to_string();
        }
        self.started += 1;
        let log = format!("{name}-{}", self.started);
        let program = Program::start_as(&log, &binary, &variables, self.folder.path()).await?;
        let address = program.address();
        self.programs.push((name, program));
        if name != "floor" {
            ready(address).await?;
        }
        Ok(address)
    }

    /// Starts several.
    pub(crate) async fn start_all(&mut self, names: &[&'static str]) -> anyhow::Result<()> {
        for name in names {
            self.start(name).await?;
        }
        Ok(())
    }

    /// Asks all of this name to stop, and waits until they have.
    pub(crate) async fn stop(&mut self, name: &str) -> anyhow::Result<()> {
        for (_, program) in self.programs.iter_mut().filter(|(one, _)| *one == name) {
            let code = program.stop().await?;
            anyhow::ensure!(code == Some(0), "{name} ended with {code:?}");
        }
        self.programs.retain(|(one, _)| *one != name);
        Ok(())
    }

    /// All that run by now; who takes them stops them.
    pub(crate) fn take_programs(&mut self) -> Vec<(&'static str, Program)> {
        mem::take(&mut self.programs)
    }

    /// Where all of this name listen.
    pub(crate) fn addresses(&self, name: &str) -> Vec<SocketAddr> {
        let of_name = self.programs.iter().filter(|(one, _)| *one == name);
        of_name.map(|(_, program)| program.address()).collect()
    }

    /// Where one `ingest` listens.
    pub(crate) fn ingest(&self) -> anyhow::Result<SocketAddr> {
        let first = self.addresses("ingest").first().copied();
        first.context("ingest does not run")
    }

    /// Runs a command of the desk.
    pub(crate) async fn desk(&self, arguments: &[&str], token: &str) -> anyhow::Result<()> {
        self.run(&binary("desk")?, arguments, token).await
    }

    /// Runs a command of the desk at this path.
    async fn run(&self, desk: &Path, arguments: &[&str], token: &str) -> anyhow::Result<()> {
        let mut command = Command::new(desk);
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().cloned());
        command
            .env("DATABASE_URL", self.database.url())
            .env("AMQP_URL", self.vhost.url());
        command.env("BELLHOP_STAFF_TOKEN", token).stdin(Stdio::null());
        let ended = tokio::task::spawn_blocking(move || command.output()).await??;
        anyhow::ensure!(
            ended.status.success(),
            "desk {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&ended.stderr)
        );
        Ok(())
    }

    /// The processes of each program, and of Postgres, as `perf` takes them.
    pub(crate) fn processes(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let own = self
            .programs
            .iter()
            .map(|(name, program)| (*name, program.id().to_string()));
        let mut all: Vec<_> = own.collect();
        let backends = usage::children(self.postmaster)?;
        let backends: Vec<String> = backends.iter().map(ToString::to_string).collect();
        all.push(("Postgres", backends.join(",")));
        Ok(all)
    }

    /// The processor time that everything has used so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let mut usage = Usage::default();
        usage.add("Postgres", usage::of_postgres(self.postmaster)?);
        usage.add("RabbitMQ", usage::of_process(self.rabbitmq)?.own);
        for (name, program) in &self.programs {
            usage.add(name, usage::of_process(program.id())?.own);
        }
        Ok(usage)
    }

    /// The most resident memory that any program of this name has had, in MiB.
    pub(crate) fn peak_memory(&self, name: &str) -> anyhow::Result<f64> {
        let mut peak = 0.0_f64;
        for (_, program) in self.programs.iter().filter(|(one, _)| *one == name) {
            peak = peak.max(usage::peak_memory(program.id())?);
        }
        Ok(peak)
    }

    pub(crate) async fn columns(&self, table: &str) -> anyhow::Result<Vec<String>> {
        let query = format!(
            "SELECT quote_ident(column_name) AS text FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
        );
        self.database.lines(&query).await
    }

    /// An empty queue of events.
    pub(crate) async fn purge_events(&self) {
        self.vhost.api("DELETE", "queues", "/events/contents", None).await;
    }

    /// Waits until a count in the database reaches this. It fails where the count does not grow for half a minute.
    pub(crate) async fn until_counted(&self, statement: &str, at_least: i64) -> anyhow::Result<()> {
        let (mut last, mut grown_at) = (-1, std::time::Instant::now());
        loop {
            let count = self.database.count(statement).await;
            if count >= at_least {
                return Ok(());
            }
            if count > last {
                (last, grown_at) = (count, std::time::Instant::now());
            }
            anyhow::ensure!(
                grown_at.elapsed() < PATIENCE,
                "{count} of {at_least} after half a minute without progress: {statement}"
            );
            tokio::time::sleep(LOOK_EVERY * 10).await;
        }
    }
}

fn variables(bench: &Bench, folder: &TempDir, secrets: &Secrets) -> Vec<(String, String)> {
    let local = "127.0.0.1:0".to_owned();
    let pairs = [
        ("BELLHOP_CONFIG", folder.path().display().to_string()),
        ("BELLHOP_STAGE", bench.settings.stage.clone()),
        ("BELLHOP_KEYS", secrets.keys.clone()),
        ("INGEST_ADDR", local.clone()),
        ("INGEST_LINGER", "0s".to_owned()),
        ("PROCESSOR_ADDR", local.clone()),
        ("SENDER_ADDR", local),
        ("WHATSAPP_API_URL", bench.sink.url()),
        ("WHATSAPP_APP_SECRETS", secrets.app.clone()),
        ("WHATSAPP_VERIFY_TOKEN", secrets.verify_token.clone()),
        ("DIRECT_SECRET", secrets.signing.clone()),
        ("AZURE_BAY_TOKEN", secrets.access_token.clone()),
        ("LOG_FORMAT", "json".to_owned()),
        // As the image and the systemd units set it.
        ("MALLOC_ARENA_MAX", "2".to_owned()),
        ("RUST_LOG", "info".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

async fn ready(address: SocketAddr) -> anyhow::Result<()> {
    let url = format!("http://{address}/readyz");
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let waiting = async {
        while !http.get(&url).send().await?.status().is_success() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, waiting).await?
}
