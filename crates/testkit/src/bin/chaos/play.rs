//! Playing the faults, each at its time: what begins, lasts, and is taken back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use service::Stop;
use testkit::proxy::Line;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use crate::fault::{Fault, Link, Trouble, Victim};
use crate::plan::Planned;
use crate::recovery::Recovery;
use crate::screen::Screen;
use crate::stage::Stage;

const SLOW: Duration = Duration::from_millis(60);
/// A queue that was deleted cannot be made anew while its broker is away for another reason.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(300);
const TRIES: usize = 100;

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
    pub(crate) async fn play(self: &Arc<Self>, planned: &[Planned], begun_at: Instant) -> anyhow::Result<()> {
        let playing = planned.iter().map(|one| {
            let (player, one) = (Arc::clone(self), *one);
            async move {
                sleep_until(begun_at + one.at).await;
                if player.stop.is_stopped() {
                    return Ok(());
                }
                // What takes longer to come back than was thought is not struck again before.
                let _alone = match player.victims.get(&one.fault.victim()) {
                    Some(victim) => Some(victim.lock().await),
                    None => None,
                };
                player.screen.fault(one.fault, one.lasts);
                let played = player.strike(one.fault, one.lasts).await;
                player.screen.over(one.fault);
                played.map_err(|error| error.context(format!("cannot play: {}", one.fault)))
            }
        });
        futures_util::future::try_join_all(playing).await.map(|_| ())
    }

    async fn strike(&self, fault: Fault, lasts: Duration) -> anyhow::Result<()> {
        let stage = &self.stage;
        match fault {
            Fault::Kill(player) => {
                stage.cast.kill(player);
                sleep(lasts).await;
                stage.cast.start_one(player).await
            }
            Fault::Restart(player) => {
                stage.cast.stop(player).await?;
                sleep(lasts).await;
                stage.cast.start_one(player).await
            }
            Fault::Freeze(player) => {
                stage.cast.freeze(player)?;
                sleep(lasts).await;
                stage.cast.thaw(player)
            }
            Fault::BrokerStops => {
                self.down(&["stop", "rabbitmq"], &["start", "rabbitmq"], lasts)
                    .await
            }
            Fault::BrokerIsKilled => {
                self.down(&["kill", "rabbitmq"], &["start", "rabbitmq"], lasts)
                    .await
            }
            Fault::PostgresStops => {
                self.down(&["stop", "postgres"], &["start", "postgres"], lasts)
                    .await
            }
            Fault::PostgresIsKilled => {
                self.down(&["kill", "postgres"], &["start", "postgres"], lasts)
                    .await
            }
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
            Fault::Line(link, trouble) => {
                self.disturb(link, trouble, lasts).await;
                Ok(())
            }
        }
    }

    /// Takes a server away and brings it back; how soon the programs notice both is measured.
    async fn down(
        &self,
        away: &'static [&'static str],
        back: &'static [&'static str],
        lasts: Duration,
    ) -> anyhow::Result<()> {
        let server = away.last().copied().unwrap_or_default();
        self.stage.servers.tell(away).await?;
        let noticing = self.recovery.noticed(&self.stage, server);
        tokio::join!(noticing, sleep(lasts));
        self.stage.servers.tell(back).await?;
        self.recovery.back(&self.stage, server).await;
        Ok(())
    }

    async fn alarm(&self, lasts: Duration) -> anyhow::Result<()> {
        let servers = &self.stage.servers;
        servers
            .tell(&["rabbitmqctl", "set_vm_memory_high_watermark", "0"])
            .await?;
        sleep(lasts).await;
        servers
            .tell(&["rabbitmqctl", "set_vm_memory_high_watermark", "0.4"])
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

    async fn disturb(&self, link: Link, trouble: Trouble, lasts: Duration) {
        let line = match trouble {
            Trouble::Slow => Line::Slow(SLOW),
            Trouble::Cut => Line::Cut,
            Trouble::HalfOpen => Line::Mute,
        };
        self.stage.set_line(link, line);
        sleep(lasts).await;
        self.stage.set_line(link, Line::Open);
    }
}
