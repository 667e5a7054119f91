//! What processes have used, as Linux counts it.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use testkit::database::Database;
use url::Url;

/// Processor time by program.
#[derive(Debug, Default, Clone)]
pub(crate) struct Usage {
    by: BTreeMap<String, Duration>,
}

impl Usage {
    pub(crate) fn add(&mut self, name: &str, time: Duration) {
        *self.by.entry(name.to_owned()).or_default() += time;
    }

    /// Microseconds for each of so many, by program.
    pub(crate) fn for_each_since(&self, before: &Self, count: usize) -> Vec<(String, f64)> {
        let of = |(name, time): (&String, &Duration)| {
            let used = time.saturating_sub(before.by.get(name).copied().unwrap_or_default());
            (name.clone(), used.as_secs_f64() * 1e6 / count.max(1) as f64)
        };
        self.by.iter().map(of).collect()
    }
}

/// The time of a process, and that of its children that have ended.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Times {
    parent: u32,
    pub(crate) own: Duration,
    ended_children: Duration,
}

pub(crate) fn of_process(id: u32) -> anyhow::Result<Times> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // proc(5): ppid is the 4th field, utime, stime, cutime and cstime the 14th to 17th; the second may hold blanks.
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    // USER_HZ, which Linux keeps at 100 on all usual machines.
    let ticks = |count: u64| Duration::from_millis(count * 10);
    Ok(Times {
        parent: u32::try_from(field(1)).unwrap_or_default(),
        own: ticks(field(11) + field(12)),
        ended_children: ticks(field(13) + field(14)),
    })
}

/// All processes of a Postgres, those too that have ended.
pub(crate) fn of_postgres(postmaster: u32) -> anyhow::Result<Duration> {
    let parent = of_process(postmaster)?;
    // One that has just ended is counted with the parent the next time.
    let children = children(postmaster)?
        .into_iter()
        .filter_map(|id| of_process(id).ok());
    let children: Duration = children.map(|times| times.own).sum();
    Ok(parent.own + parent.ended_children + children)
}

/// The processes whose parent this is.
pub(crate) fn children(parent: u32) -> anyhow::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let id = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        found.extend(id.filter(|id| of_process(*id).is_ok_and(|times| times.parent == parent)));
    }
    Ok(found)
}

/// The most resident memory that it has had, in MiB.
pub(crate) fn peak_memory(id: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.context("no VmHWM")?.parse::<f64>()? / 1024.0)
}

/// The first process of the server that this database is on.
pub(crate) async fn postmaster(database: &Database) -> anyhow::Result<u32> {
    let lines = database
        .lines("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS text")
        .await?;
    Ok(lines.first().context("no postmaster.pid")?.trim().parse()?)
}

/// RabbitMQ's process, as its management API names it, some seconds after the server's start.
pub(crate) async fn rabbitmq(api: &Url) -> anyhow::Result<u32> {
    let (user, password) = (api.username().to_owned(), api.password().map(str::to_owned));
    let mut url = api.join("api/nodes")?;
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let asking = async {
        loop {
            let request = http.get(url.clone()).basic_auth(&user, password.as_ref());
            let nodes: Value = request.send().await?.error_for_status()?.json().await?;
            if let Some(id) = nodes.pointer("/0/os_pid").and_then(Value::as_str) {
                return Ok(id.parse()?);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(testkit::world::PATIENCE, asking).await?
}
