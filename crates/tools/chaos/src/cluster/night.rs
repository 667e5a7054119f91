//! What happens in the night, and what an operator does about it.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use testkit::proxy::Line;
use tokio::time::{sleep, timeout};

use super::members::{Cluster, name};
use super::moments::Stretch;
use super::upgrade;
use crate::fault::Fault;
use crate::play::Played;
use crate::quiet::Waiting;
use crate::screen::Screen;
use crate::settings::{Members, NODES, Settings};
use crate::stage::Stage;
use crate::traffic::Sent;

/// A node that was lost, stopped or came back.
const NODE: Duration = Duration::from_secs(5);
/// After a promotion.
const PROMOTION: Duration = Duration::from_secs(15);
/// A node that says nothing is found out by the other nodes after `net_ticktime` (5 s) and a quarter, by the programs after 5 s;
/// and a connection to it may be tried for 2 s.
const SILENT_NODE: Duration = Duration::from_secs(12);

/// The time in which work must go on again after a change.
const AFTERWARDS: Duration = Duration::from_secs(5);
const BETWEEN: Duration = Duration::from_secs(3);
/// Longer than `net_ticktime`, and than the programs wait for an answer.
const CUT_OFF_FOR: Duration = Duration::from_secs(15);
/// Until an operator is at it, or what watches the primary.
const NOTICED_AFTER: Duration = Duration::from_secs(2);
/// A write that no standby confirms is waited for so long.
const UNCONFIRMED_FOR: Duration = Duration::from_secs(3);

const PRIMARY: &str = "pg1";
const STANDBY: &str = "pg2";
/// Everybody who is connected, but the one that asks.
const SESSIONS: &str = "SELECT count(*) AS count FROM pg_stat_activity \
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";

/// What should not be, each with what is known of it.
pub(crate) type Findings = Vec<(&'static str, Vec<String>)>;

/// Everything that a night is played with.
pub(crate) struct Night<'a> {
    cluster: Cluster<'a>,
    waiting: &'a Waiting<'a>,
    pub(crate) begun_at: DateTime<Utc>,
    pub(super) screen: &'a Screen,
    pub(super) sent: &'a Sent,
    rate: u32,
    pub(super) rng: StdRng,
    /// What was played so far.
    pub(crate) stretches: Vec<Stretch>,
    pub(crate) played: Vec<Played>,
    pub(crate) findings: Findings,
}

impl<'a> Night<'a> {
    pub(crate) fn new(
        settings: &'a Settings,
        members: &'a Members,
        waiting: &'a Waiting<'a>,
        screen: &'a Screen,
        sent: &'a Sent,
    ) -> Self {
        let stage = waiting.stage;
        let cluster = Cluster {
            members,
            stage,
            api: &settings.api,
        };
        Self {
            cluster,
            waiting,
            begun_at: Utc::now(),
            screen,
            sent,
            rate: settings.rate,
            rng: StdRng::seed_from_u64(settings.seed),
            stretches: Vec::new(),
            played: Vec::new(),
            findings: Vec::new(),
        }
    }

    pub(super) fn stage(&self) -> &'a Stage {
        self.cluster.stage
    }

    /// Plays it. An error means that something could not be played.
    pub(crate) async fn play(&mut self) -> anyhow::Result<()> {
        self.cluster.is_whole().await?;
        self.calm().await;
        self.leader_is_killed().await?;
        if !self.cluster.members.is_short {
            self.nodes_are_restarted().await?;
            self.node_is_cut_off().await?;
        }
        self.primary_is_killed().await?;
        self.old_primary_returns().await?;
        upgrade::play(self).await
    }

    async fn leader_is_killed(&mut self) -> anyhow::Result<()> {
        let node = self.cluster.leader("events").await?;
        let from = self.begins(&format!("{} is killed, which leads the queue events", name(node)));
        self.cluster.control(&["kill", &name(node)]).await?;
        sleep(AFTERWARDS).await;
        self.stretch("the leader of events is killed", from, from, NODE);
        self.played(Fault::BrokerIsKilled, from);
        let from = Utc::now();
        self.cluster.control(&["start", &name(node)]).await?;
        self.node_is_back("the killed node returns", from).await
    }

    async fn nodes_are_restarted(&mut self) -> anyhow::Result<()> {
        let mut nodes: Vec<usize> = (0..NODES).collect();
        nodes.shuffle(&mut self.rng);
        for node in nodes {
            let from = self.begins(&format!("{} is restarted", name(node)));
            for word in ["stop", "start"] {
                self.cluster.control(&[word, &name(node)]).await?;
            }
            self.node_is_back("a node is restarted", from).await?;
            self.played(Fault::BrokerStops, from);
        }
        Ok(())
    }

    async fn node_is_cut_off(&mut self) -> anyhow::Result<()> {
        let node = self.cluster.leader("events").await?;
        let from = self.begins(&format!(
            "{} is cut off from the others and from the programs",
            name(node)
        ));
        self.stage().set_node_line(node, Line::Mute);
        self.cluster.control(&["freeze", &name(node)]).await?;
        sleep(CUT_OFF_FOR).await;
        self.stretch("the leader of events is cut off", from, from, SILENT_NODE);
        self.played(Fault::BrokerStandsStill, from);
        let from = Utc::now();
        self.cluster.control(&["thaw", &name(node)]).await?;
        self.stage().set_node_line(node, Line::Open);
        self.node_is_back("the node that was cut off returns", from).await
    }

    /// All of it is work for the cluster only: the programs may not stop.
    async fn node_is_back(&mut self, what: &str, from: DateTime<Utc>) -> anyhow::Result<()> {
        self.cluster.is_whole().await?;
        sleep(BETWEEN).await;
        self.stretch(what, from, from, NODE);
        self.calm().await;
        Ok(())
    }

    async fn primary_is_killed(&mut self) -> anyhow::Result<()> {
        let from = self.begins("the primary of Postgres is killed");
        self.cluster.control(&["kill", PRIMARY]).await?;
        sleep(NOTICED_AFTER).await;
        self.screen
            .progress("  the standby is promoted, and PgBouncer leads to it");
        let promoted_at = Utc::now();
        self.cluster.control(&["promote", STANDBY]).await?;
        self.cluster.control(&["route", STANDBY]).await?;
        sleep(AFTERWARDS).await;
        self.calm().await;
        self.stretch(
            "the primary is killed: from the promotion",
            from,
            promoted_at,
            PROMOTION,
        );
        self.stretch("the same: from the kill", from, from, NOTICED_AFTER + PROMOTION);
        self.played(Fault::PostgresIsKilled, from);
        Ok(())
    }

    /// It comes back as it was, and believes that it is the primary.
    async fn old_primary_returns(&mut self) -> anyhow::Result<()> {
        let from = self.begins("the old primary returns, as a primary");
        self.cluster.control(&["start", PRIMARY]).await?;
        let [port, _] = self.cluster.members.postgres;
        let old = self.stage().postgres.alone(port);
        let write = old.execute("CREATE TABLE written_to_an_old_primary ()");
        let confirmed = timeout(UNCONFIRMED_FOR, write).await;
        let sessions = old
            .count(SESSIONS)
            .await
            .context("the old primary does not answer")?;
        self.screen
            .progress("  it becomes the standby, with a new copy of the data");
        self.cluster.control(&["follow", PRIMARY]).await?;
        let took = confirmed.is_ok_and(|written| written.is_ok());
        self.findings.push((
            "writes that an old primary confirmed",
            vec!["a table was made".to_owned(); usize::from(took)],
        ));
        // The write that waits is one of them.
        let strangers = usize::try_from(sessions).unwrap_or_default().saturating_sub(1);
        self.findings.push((
            "sessions that found an old primary",
            vec!["a program's".to_owned(); strangers],
        ));
        sleep(BETWEEN).await;
        self.stretch(
            "the old primary returns, and becomes the standby",
            from,
            from,
            NODE,
        );
        self.calm().await;
        Ok(())
    }

    pub(super) fn begins(&self, what: &str) -> DateTime<Utc> {
        self.screen.progress(&format!("  ▼ {what}"));
        Utc::now()
    }

    /// Notes a stretch of the night that ends now.
    pub(super) fn stretch(
        &mut self,
        what: &str,
        from: DateTime<Utc>,
        counts_from: DateTime<Utc>,
        aim: Duration,
    ) {
        self.stretches.push(Stretch {
            name: what.to_owned(),
            from,
            until: Utc::now(),
            counts_from,
            aim,
        });
    }

    /// Notes a fault as one of those of a single server: calls that it may have cost are explained alike.
    pub(super) fn played(&mut self, fault: Fault, from: DateTime<Utc>) {
        let until = Utc::now();
        self.played.push(Played { fault, from, until });
    }

    /// Waits until all six work and nothing lies behind, and a little longer.
    pub(super) async fn calm(&self) {
        if self.waiting.until_caught_up(self.sent, self.rate).await.is_some() {
            self.screen.progress("  ▲ all are ready, and nothing lies behind");
        }
        sleep(BETWEEN).await;
    }
}
