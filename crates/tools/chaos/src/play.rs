//! Playing the faults, each at its time: what begins, lasts, and is taken back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use service::Stop;
use testkit::proxy::Line;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use crate::fault::{Fault, Link, Trouble, Victim};
use crate::plan::Planned;
use crate::recovery::{Recovery, Server, Sign};
use crate::screen::Screen;
use crate::stage::Stage;

const SLOW: Duration = Duration::from_millis(60);
/// A queue that was deleted cannot be declared again while its broker is away for another reason.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(300);
const TRIES: usize = 100;

/// A sender begins its call within 2 s of its claim, and gives it up 10 s later.
const CALL: TimeDelta = TimeDelta::seconds(12);

/// A fault that was played, and when it really was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Played {
    pub(crate) fault: Fault,
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

impl Played {
    /// Whether it may be the reason that WhatsApp never got a call which was claimed then.
    pub(crate) fn may_lose_call(&self, claimed_at: DateTime<Utc>) -> bool {
        self.fault.loses_calls_for().is_some_and(|after| {
            let until = self.until + TimeDelta::from_std(after).unwrap_or_default();
            self.from <= claimed_at + CALL && claimed_at <= until
        })
    }
}

/// Everything that has to do with playing.
pub(crate) struct Player {
    stage: Arc<Stage>,
    screen: Arc<Screen>,
    recovery: Arc<Recovery>,
    stop: Stop,
    /// Held while they are struck.
    victims: HashMap<Victim, Mutex<()>>,
}

impl Player {
    pub(crate) fn new(
        stage: Arc<Stage>,
        screen: Arc<Screen>,
        recovery: Arc<Recovery>,
        stop: Stop,
        planned: &[Planned],
    ) -> Self {
        let victims = planned.iter().map(|one| (one.fault.victim(), Mutex::default()));
        Self {
            stage,
            screen,
            recovery,
            stop,
            victims: victims.collect(),
        }
    }

    /// Plays all faults, and returns when the last one is over. The first that cannot be played ends the run.
    pub(crate) async fn play(
        self: &Arc<Self>,
        planned: &[Planned],
        begun_at: Instant,
    ) -> anyhow::Result<Vec<Played>> {
        let playing = planned.iter().map(|one| {
            let (player, one) = (Arc::clone(self), *one);
            async move {
                sleep_until(begun_at + one.at).await;
                if player.stop.is_stopped() {
                    return anyhow::Ok(None);
                }
                // What takes longer to come back than was thought is not struck again before.
                let _alone = match player.victims.get(&one.fault.victim()) {
                    Some(victim) => Some(victim.lock().await),
                    None => None,
                };
                player.screen.fault(one.fault, one.lasts);
                let from = Utc::now();
                player.recovery.turns(one.fault.victim());
                let played = player.strike(one.fault, one.lasts).await;
                player.recovery.turns(one.fault.victim());
                player.screen.over(one.fault);
                let (fault, until) = (one.fault, Utc::now());
                played.with_context(|| format!("cannot play: {fault}"))?;
                Ok(Some(Played { fault, from, until }))
            }
        });
        let played = futures_util::future::try_join_all(playing).await?;
        Ok(played.into_iter().flatten().collect())
    }

    async fn strike(&self, fault: Fault, lasts: Duration) -> anyhow::Result<()> {
        let stage = &self.stage;
        match fault {
            Fault::Kill(player) => {
                stage.processes.kill(player);
                sleep(lasts).await;
                stage.processes.start_one(player).await
            }
            Fault::Restart(player) => {
                stage.processes.stop(player).await;
                sleep(lasts).await;
                stage.processes.start_one(player).await
            }
            Fault::Freeze(player) => {
                stage.processes.freeze(player)?;
                sleep(lasts).await;
                stage.processes.thaw(player)
            }
            Fault::BrokerStops => self.down(Server::RabbitMq, ["stop", "start"], lasts).await,
            Fault::BrokerIsKilled => self.down(Server::RabbitMq, ["kill", "start"], lasts).await,
            Fault::BrokerStandsStill => self.down(Server::RabbitMq, ["freeze", "thaw"], lasts).await,
            Fault::PostgresStops => self.down(Server::Postgres, ["stop", "start"], lasts).await,
            Fault::PostgresIsKilled => self.down(Server::Postgres, ["kill", "start"], lasts).await,
            Fault::PostgresStandsStill => self.down(Server::Postgres, ["freeze", "thaw"], lasts).await,
            Fault::BrokerHasNoMemory => self.alarm(lasts).await,
            Fault::QueueIsDeleted => {
                stage.servers.delete_messages().await?;
                sleep(lasts).await;
                self.make_queues().await
            }
            Fault::QueueIsPurged => stage.servers.purge_messages().await,
            Fault::PostgresIsReadOnly
            | Fault::PostgresCutsConnections
            | Fault::PostgresIsFull
            | Fault::PostgresIsLocked
            | Fault::PostgresDeadlocks
            | Fault::PostgresDiskIsFull => self.trouble_postgres(fault, lasts).await,
            Fault::WhatsApp(mood) => {
                stage.whatsapp.is(mood).await?;
                sleep(lasts).await;
                stage.whatsapp.is_well().await
            }
            Fault::Line(link, Trouble::HalfOpen) => self.let_die(link).await,
            Fault::Line(link, Trouble::Slow) => self.disturb(link, Line::Slow(SLOW), lasts).await,
            Fault::Line(link, Trouble::Cut) => self.silence(link, Line::Cut, lasts).await,
            Fault::Line(link, Trouble::Mute) => self.silence(link, Line::Mute, lasts).await,
        }
    }

    /// Takes a server away and brings it back; how soon the programs notice both is measured.
    async fn down(
        &self,
        server: Server,
        [away, back]: [&'static str; 2],
        lasts: Duration,
    ) -> anyhow::Result<()> {
        self.stage.servers.control(&[away, server.as_str()]).await?;
        self.noticed(server, lasts).await;
        self.stage.servers.control(&[back, server.as_str()]).await?;
        self.recovery
            .measure(&self.stage, server, Sign::Back(server))
            .await;
        Ok(())
    }

    /// Lasts until the programs have noticed, at least for so long.
    async fn noticed(&self, server: Server, lasts: Duration) {
        let noticing = self.recovery.measure(&self.stage, server, Sign::Noticed(server));
        tokio::join!(noticing, sleep(lasts));
    }

    async fn alarm(&self, lasts: Duration) -> anyhow::Result<()> {
        let servers = &self.stage.servers;
        servers
            .control(&["rabbitmqctl", "set_vm_memory_high_watermark", "0"])
            .await?;
        sleep(lasts).await;
        servers
            .control(&["rabbitmqctl", "set_vm_memory_high_watermark", "0.4"])
            .await
    }

    async fn make_queues(&self) -> anyhow::Result<()> {
        let mut tries = 0;
        loop {
            match self.stage.desk.migrate().await {
                Ok(()) => return Ok(()),
                Err(error) if tries >= TRIES => return Err(error),
                Err(_) => tries += 1,
            }
            sleep(TRY_AGAIN_AFTER).await;
        }
    }

    async fn trouble_postgres(&self, fault: Fault, lasts: Duration) -> anyhow::Result<()> {
        let postgres = &self.stage.postgres;
        match fault {
            Fault::PostgresIsReadOnly => {
                postgres.read_only(true).await?;
                sleep(lasts).await;
                postgres.read_only(false).await
            }
            Fault::PostgresIsFull => {
                postgres.take_no_more(true).await?;
                sleep(lasts).await;
                postgres.take_no_more(false).await
            }
            Fault::PostgresIsLocked => postgres.lock_table("bookings", lasts.as_millis()).await,
            Fault::PostgresDeadlocks => {
                let until = Instant::now() + lasts;
                while Instant::now() < until {
                    postgres.lock_backwards().await?;
                }
                Ok(())
            }
            Fault::PostgresDiskIsFull => {
                let Some(disk) = &self.stage.disk else {
                    return Ok(());
                };
                disk.fill().await?;
                sleep(lasts).await;
                disk.free().await
            }
            _ => postgres.cut_connections().await,
        }
    }

    /// Nothing gets through. To the programs it is as if the server were away.
    async fn silence(&self, link: Link, line: Line, lasts: Duration) -> anyhow::Result<()> {
        let Some(server) = Server::behind(link) else {
            return self.disturb(link, line, lasts).await;
        };
        self.stage.set_line(link, line);
        self.noticed(server, lasts).await;
        self.stage.set_line(link, Line::Open);
        self.recovery
            .measure(&self.stage, server, Sign::Back(server))
            .await;
        Ok(())
    }

    async fn disturb(&self, link: Link, line: Line, lasts: Duration) -> anyhow::Result<()> {
        self.stage.set_line(link, line);
        sleep(lasts).await;
        self.stage.set_line(link, Line::Open);
        Ok(())
    }

    async fn let_die(&self, link: Link) -> anyhow::Result<()> {
        match Server::behind(link) {
            Some(server) => self.recovery.let_go(&self.stage, link, server).await,
            None => {
                self.stage.let_die(link);
                Ok(())
            }
        }
    }
}
