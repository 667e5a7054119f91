//! How soon the programs notice that a server went away and came back: measured, and shown.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::fault::Player;
use crate::stage::Stage;

const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The names of what `/readyz` misses; the second is the consumers' own connection.
const RABBITMQ: &str = "rabbitmq";
const QUEUE: &str = "queue";
/// Who has not noticed by then is counted with this.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest times so far, by what was waited for.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    longest: Mutex<BTreeMap<String, Measured>>,
}

/// How often something was measured, and the longest of it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measured {
    pub(crate) times: usize,
    pub(crate) longest: Duration,
}

impl Recovery {
    /// Waits until the programs say that the server is away.
    pub(crate) async fn noticed(&self, stage: &Stage, server: &str) {
        self.measure(stage, server, Wanted::Away).await;
    }

    /// Waits until the programs are ready again.
    pub(crate) async fn back(&self, stage: &Stage, server: &str) {
        self.measure(stage, server, Wanted::Back).await;
    }

    async fn measure(&self, stage: &Stage, server: &str, wanted: Wanted) {
        let needs = |player: &Player| server == RABBITMQ || !matches!(player, Player::Ingest(_));
        let begun_at = Instant::now();
        let waiting = Player::ALL.into_iter().filter(needs).map(|player| async move {
            let (address, strikes) = stage.cast.state(player)?;
            while !wanted.is_told(stage.missing(address).await?, server) {
                if begun_at.elapsed() > PATIENCE {
                    break;
                }
                sleep(LOOK_EVERY).await;
            }
            // One that was struck itself meanwhile says nothing about this.
            let time = begun_at.elapsed();
            (stage.cast.state(player) == Some((address, strikes))).then_some(time)
        });
        let name = format!("{server} {}", wanted.as_str());
        for time in futures_util::future::join_all(waiting)
            .await
            .into_iter()
            .flatten()
        {
            let mut longest = self.longest.lock().unwrap_or_else(PoisonError::into_inner);
            let measured = longest.entry(name.clone()).or_default();
            measured.times += 1;
            measured.longest = measured.longest.max(time);
        }
    }

    pub(crate) fn longest(&self) -> BTreeMap<String, Measured> {
        self.longest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What a program shall say of a server.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Away,
    Back,
}

impl Wanted {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Away => "gone: not ready within",
            Self::Back => "back: ready again within",
        }
    }

    /// Other servers may be away at the same time.
    fn is_told(self, missing: Vec<String>, server: &str) -> bool {
        let of_server = |name: &String| name == server || (server == RABBITMQ && name == QUEUE);
        let is_missed = missing.iter().any(of_server);
        match self {
            Self::Away => is_missed,
            Self::Back => !is_missed,
        }
    }
}
