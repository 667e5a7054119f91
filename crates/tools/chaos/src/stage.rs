//! The stage of a run: servers, lines, WhatsApp and the processes.

use std::net::SocketAddr;

use broker::Address;
use reqwest::Client;
use serde::Deserialize;
use testkit::database::Database;
use testkit::prometheus::Prometheus;
use testkit::proxy::{Line, Proxy};
use testkit::vhost::Vhost;
use testkit::world::Secrets;

use crate::desk::Desk;
use crate::disk::Disk;
use crate::fault::{Link, Player};
use crate::load_balancer::LoadBalancer;
use crate::postgres::Postgres;
use crate::processes::Processes;
use crate::servers::Servers;
use crate::whatsapp::WhatsApp;

mod set_up;

/// Everything that a run needs.
pub(crate) struct Stage {
    pub(crate) prometheus: Prometheus,
    pub(crate) processes: Processes,
    pub(crate) servers: Servers,
    pub(crate) postgres: Postgres,
    pub(crate) broker: Address,
    pub(crate) whatsapp: WhatsApp,
    /// Where Postgres has one that can be full.
    pub(crate) disk: Option<Disk>,
    pub(crate) desk: Desk,
    pub(crate) secrets: Secrets,
    pub(crate) http: Client,
    pub(crate) load_balancer: LoadBalancer,
    /// The vhost's name.
    pub(crate) vhost: String,
    lines: Vec<(Link, Proxy)>,
    /// Before each node of a cluster.
    nodes: Vec<Proxy>,
    // Last: programs must be gone before what they use.
    _vhost: Vhost,
    _database: Database,
}

/// What `/readyz` answers.
#[derive(Deserialize)]
struct Readiness {
    #[serde(default)]
    missing: Vec<Missing>,
}

#[derive(Deserialize)]
struct Missing {
    name: String,
}

impl Stage {
    /// Makes a line so.
    pub(crate) fn set_line(&self, link: Link, line: Line) {
        let of_link = self.lines.iter().filter(|(one, _)| *one == link);
        of_link.for_each(|(_, proxy)| proxy.set(line));
    }

    /// Makes the line to one node of a cluster so.
    pub(crate) fn set_node_line(&self, node: usize, line: Line) {
        if let Some(proxy) = self.nodes.get(node) {
            proxy.set(line);
        }
    }

    /// Lets everything that is said on a line now die.
    pub(crate) fn let_die(&self, link: Link) {
        let of_link = self.lines.iter().filter(|(one, _)| *one == link);
        of_link.for_each(|(_, proxy)| proxy.let_die());
    }

    /// Where a line begins.
    pub(crate) fn port(&self, link: Link) -> u16 {
        let of_link = self.lines.iter().find(|(one, _)| *one == link);
        of_link.map_or(0, |(_, proxy)| proxy.address().port())
    }

    /// What the program that listens there says that it misses; `None` where it does not answer.
    pub(crate) async fn missing(&self, address: SocketAddr) -> Option<Vec<String>> {
        let answer = self
            .http
            .get(format!("http://{address}/readyz"))
            .send()
            .await
            .ok()?;
        let report: Readiness = answer.json().await.ok()?;
        Some(report.missing.into_iter().map(|missing| missing.name).collect())
    }

    /// Whether all six run and say so.
    pub(crate) async fn all_are_ready(&self) -> bool {
        let at_work = self.processes.at_work();
        let asking = at_work.iter().map(|(_, address)| self.missing(*address));
        let missing = futures_util::future::join_all(asking).await;
        let is_ready = |missing: &Option<Vec<String>>| missing.as_ref().is_some_and(Vec::is_empty);
        missing.len() == Player::ALL.len() && missing.iter().all(is_ready)
    }
}
