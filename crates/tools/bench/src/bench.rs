//! What every measurement needs.

use std::fs;
use std::io::{self, Write as _};
use std::process::Command;
use std::sync::Arc;

use testkit::database::Database;
use testkit::world::Secrets;

use crate::measure::Measurement;
use crate::settings::Settings;
use crate::sink::Sink;
use crate::table;
use crate::usage;
use crate::webhook::Platform;

/// What Postgres is asked to tell of itself.
const SETTINGS: &str = "SELECT 'PostgreSQL ' || current_setting('server_version') || ': ' || \
    string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name) AS text FROM pg_settings WHERE name IN \
    ('shared_buffers', 'work_mem', 'max_wal_size', 'fsync', 'synchronous_commit', 'full_page_writes', 'jit', \
     'random_page_cost', 'autovacuum', 'shared_preload_libraries', 'pg_stat_statements.track_planning')";

pub(crate) struct Bench {
    pub(crate) settings: Settings,
    pub(crate) platform: Arc<Platform>,
    pub(crate) sink: Sink,
    /// RabbitMQ's process.
    pub(crate) rabbitmq: u32,
}

impl Bench {
    pub(crate) async fn new(settings: Settings) -> anyhow::Result<Self> {
        let machine = count_statements(&settings).await?;
        for line in &machine {
            table::line(line);
        }
        fs::create_dir_all(&settings.results)?;
        fs::write(
            settings.results.join("machine.json"),
            serde_json::to_vec_pretty(&machine)?,
        )?;
        Ok(Self {
            platform: Arc::new(Platform::new(&Secrets::default().signing)),
            sink: Sink::start()?,
            rabbitmq: usage::rabbitmq(&settings.api).await?,
            settings,
        })
    }

    /// This many, or a fifth of it in a quick run.
    pub(crate) fn amount(&self, full: usize) -> usize {
        if self.settings.quick { full / 5 } else { full }
    }

    /// So many seconds, or a third of that in a quick run.
    pub(crate) fn seconds(&self, full: f64) -> f64 {
        if self.settings.quick { full / 3.0 } else { full }
    }
}

/// Restarts Postgres so that it counts statements, and says what the run is on.
async fn count_statements(settings: &Settings) -> anyhow::Result<Vec<String>> {
    let database = Database::create().await;
    let count = "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'";
    database.execute(count).await;
    for word in ["stop", "start"] {
        let mut services = Command::new(&settings.services);
        // Where these are set, it would start nothing.
        services
            .args([word, "postgres"])
            .env_remove("DATABASE_URL")
            .env_remove("AMQP_URL");
        let ended = tokio::task::spawn_blocking(move || services.status()).await??;
        anyhow::ensure!(ended.success(), "Postgres cannot be restarted");
    }
    if settings.measurements.contains(&Measurement::Profile) {
        // It costs something, so only a profile counts planning too.
        let plans = "ALTER SYSTEM SET pg_stat_statements.track_planning = on";
        database.execute(plans).await;
        database.execute("SELECT pg_reload_conf()").await;
    }
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.unwrap_or_default().trim_start_matches([' ', '\t', ':']);
    let mut machine = vec![format!(
        "{} processors, {model}",
        std::thread::available_parallelism()?
    )];
    machine.extend(database.lines(SETTINGS).await?);
    Ok(machine)
}

/// Progress, for people. A reader that has gone away is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
