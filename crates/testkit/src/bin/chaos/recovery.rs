//! How soon the programs notice that a server went away and came back: measured, and shown.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::fault::Player;
use crate::stage::Stage;

const LOOK_EVERY: Duration = Duration::from_millis(50);
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
        self.measure(stage, server, Readiness::Lost).await;
    }

    /// Waits until the programs are ready again.
    pub(crate) async fn back(&self, stage: &Stage, server: &str) {
        self.measure(stage, server, Readiness::Won).await;
    }

    async fn measure(&self, stage: &Stage, server: &str, wanted: Readiness) {
        let needs = |player: &Player| server == "rabbitmq" || !matches!(player, Player::Ingest(_));
        let struck = Instant::now();
        let waiting = Player::ALL.into_iter().filter(needs).map(|player| async move {
            let address = stage.cast.address(player)?;
            while stage.is_ready(address).await != (wanted == Readiness::Won) {
                // One that was struck itself meanwhile says nothing about this.
                if stage.cast.address(player) != Some(address) {
                    return None;
                }
                if struck.elapsed() > PATIENCE {
                    break;
                }
                sleep(LOOK_EVERY).await;
            }
            (stage.cast.address(player) == Some(address)).then(|| struck.elapsed())
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readiness {
    Lost,
    Won,
}

impl Readiness {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "away: not ready after",
            Self::Won => "back: ready again after",
        }
    }
}
