//! A rolling upgrade: each process is asked to stop and replaced, one after the other, while a load balancer leads platforms to
//! the ingest that is ready.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::seq::SliceRandom as _;
use tokio::time::sleep;

use super::night::Night;
use crate::fault::{Fault, Player};

/// Work goes on in the other process of each program.
const STOP: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(200);
const TRIES: usize = 150;

pub(super) async fn play(night: &mut Night<'_>) -> anyhow::Result<()> {
    let begun_at = night.begins("all programs are upgraded, one after the other");
    let mut players = Player::ALL;
    players.shuffle(&mut night.rng);
    for player in players {
        let from = night.begins(&format!("{player} is replaced"));
        night.stage().processes.stop(player).await;
        night.stage().processes.start_one(player).await?;
        until_led_to(night).await;
        night.played(Fault::Restart(player), from);
    }
    night.calm().await;
    night.stretch("a rolling upgrade of all programs", begun_at, begun_at, STOP);
    let failed = failures(night, begun_at);
    night
        .findings
        .push(("answers with 5xx, and none, during the upgrade", failed));
    Ok(())
}

/// Waits until all are ready and the balancer knows it.
async fn until_led_to(night: &Night<'_>) {
    for _ in 0..TRIES {
        if night.stage().load_balancer.are_both_ready() && night.stage().all_are_ready().await {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

fn failures(night: &Night<'_>, since: DateTime<Utc>) -> Vec<String> {
    let answers = night.sent.answers().into_iter();
    let failed = answers.filter(|answer| answer.at >= since && (answer.status == 0 || answer.status >= 500));
    failed
        .map(|answer| format!("{} at {}", answer.status, answer.at))
        .collect()
}
