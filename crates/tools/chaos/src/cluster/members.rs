//! The servers of the cluster from outside: struck, brought back, and asked who leads.

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::servers;
use crate::settings::{Members, NODES};
use crate::stage::Stage;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A node that starts beside two that work may need a minute on a small machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Those that work is lost without.
const QUEUES: [&str; 4] = ["events", "messages", "dead.events", "dead.messages"];

/// A way to strike them.
pub(super) struct Cluster<'a> {
    pub(super) members: &'a Members,
    pub(super) stage: &'a Stage,
    /// With the user's name and password.
    pub(super) api: &'a Url,
}

/// A quorum queue, as the management API shows it.
#[derive(Debug, Deserialize)]
struct Queue {
    leader: String,
    members: Vec<String>,
    online: Vec<String>,
}

impl Cluster<'_> {
    /// Runs `scripts/cluster` with these words.
    pub(super) async fn control(&self, words: &[&str]) -> anyhow::Result<()> {
        servers::control(&self.members.script, words).await
    }

    /// The number, from 0, of the node that leads a queue.
    pub(super) async fn leader(&self, queue: &str) -> anyhow::Result<usize> {
        let found = self.queue(queue).await?;
        let number = (0..NODES).find(|node| found.leader.contains(&format!("-{}@", name(*node))));
        number.with_context(|| format!("{} is no node of ours", found.leader))
    }

    /// Waits until every queue has a copy on each node, and all of them follow.
    pub(super) async fn is_whole(&self) -> anyhow::Result<()> {
        let begun_at = Instant::now();
        loop {
            let mut lacking = Vec::new();
            for name in QUEUES {
                match self.queue(name).await {
                    Ok(queue) if queue.members.len() == NODES && queue.online.len() == NODES => {}
                    Ok(queue) => lacking.push(format!("{name} is at {:?}", queue.online)),
                    Err(error) => lacking.push(format!("{name}: {error:#}")),
                }
            }
            if lacking.is_empty() {
                return Ok(());
            }
            ensure!(
                begun_at.elapsed() < PATIENCE,
                "the queues are not on all nodes: {}",
                lacking.join("; ")
            );
            sleep(LOOK_EVERY).await;
        }
    }

    /// Asks the nodes in turn: one that is struck does not answer.
    async fn queue(&self, name: &str) -> anyhow::Result<Queue> {
        let mut why = None;
        for port in self.members.api {
            match self.ask(port, name).await {
                Ok(queue) => return Ok(queue),
                Err(error) => why = Some(error),
            }
        }
        match why {
            Some(error) => Err(error.context(format!("no node tells of the queue {name}"))),
            None => bail!("there are no nodes"),
        }
    }

    async fn ask(&self, port: u16, queue: &str) -> anyhow::Result<Queue> {
        let vhost = &self.stage.vhost;
        let asked = self
            .stage
            .http
            .get(format!("http://127.0.0.1:{port}/api/queues/{vhost}/{queue}"))
            .basic_auth(self.api.username(), self.api.password())
            .timeout(Duration::from_secs(3));
        Ok(asked.send().await?.error_for_status()?.json().await?)
    }
}

/// A node's name in `scripts/cluster`.
pub(super) fn name(node: usize) -> String {
    format!("mq{}", node + 1)
}
