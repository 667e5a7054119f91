//! One run: the stage is set, traffic and faults go on beside each other, quiet is waited for, the books are judged.

use std::sync::Arc;

use anyhow::{bail, ensure};
use chrono::Utc;
use service::Stop;
use tokio::time::Instant;

use crate::books::evidence::{Counts, Evidence};
use crate::fault::Fault;
use crate::plan::Planned;
use crate::play::{Played, Player};
use crate::quiet::Waiting;
use crate::recovery::Recovery;
use crate::report::{Books, Times};
use crate::screen::Screen;
use crate::settings::Settings;
use crate::stage::Stage;
use crate::traffic::{Begin, Sent};
use crate::{bookings, books, plan, quiet, traffic};

/// Plays a whole run; an error where it could not be played, or a bad number is not 0.
pub(crate) async fn run(settings: &Settings, stop: &Stop) -> anyhow::Result<()> {
    let screen = Arc::new(Screen::on_stdout());
    let (quiet, end) = settings.faults();
    let mut faults = plan::draw(settings.seed, quiet, end);
    if settings.disk.is_none() {
        faults.retain(|one| one.fault != Fault::PostgresDiskIsFull);
        screen.progress("left out, as it needs root and the right to mount: a full disk");
    }
    let season = bookings::draw(settings.seed, settings.events, settings.traffic());
    screen.title(&format!(
        "seed {}: {} events of {} guests in {:.0} s, {} faults",
        settings.seed,
        season.webhooks.len(),
        season.guests.len(),
        settings.traffic().as_secs_f32(),
        faults.len()
    ));
    let stage = interruptible(stop, Stage::set(settings, stop)).await?;
    let sent = Arc::new(Sent::default());
    let recovery = Arc::new(Recovery::default());
    let ended = Stop::manual();
    let beside = async {
        tokio::join!(
            stage.processes.watch(&ended),
            quiet::show_progress(&stage, &sent, &screen, season.webhooks.len(), &ended)
        );
    };
    let playing = async {
        let shown = (&sent, &recovery, &screen);
        let times = interruptible(stop, play(settings, &stage, &season, &faults, shown, stop)).await;
        ended.stop();
        times
    };
    let (went, ()) = tokio::join!(playing, beside);
    screen.progress("checking the books");
    let bad = books(settings, &stage, &season, went?, (&sent, &recovery))
        .await?
        .show(&screen)?;
    let folder = settings.logs.display();
    ensure!(
        bad == 0,
        "{bad} bad numbers are not 0; what was found is in {folder}/findings.txt"
    );
    Ok(())
}

async fn books<'a>(
    settings: &'a Settings,
    stage: &Stage,
    season: &'a bookings::Season,
    (times, played): (Times, Vec<Played>),
    (sent, recovery): (&'a Sent, &Recovery),
) -> anyhow::Result<Books<'a>> {
    // Before the desk empties them.
    let dead_events = broker::topology::verify(&stage.broker).await?.dead_events;
    let ledger = stage.desk.ledger().await?;
    let broken_rules = stage.desk.broken_rules().await?;
    let evidence = Evidence::gather(stage, played.clone()).await?;
    Ok(Books {
        settings,
        season,
        faults: played.iter().map(|one| one.fault).collect(),
        times,
        sent,
        recovery: recovery.measured(),
        letters: evidence.letters.len(),
        findings: books::judge(season, &evidence),
        ledger,
        broken_rules,
        dead_events,
        deserters: stage.processes.deserters(),
        counts: Counts::gather(&stage.postgres).await?,
        taken: stage.whatsapp.taken().await?,
    })
}

async fn play(
    settings: &Settings,
    stage: &Arc<Stage>,
    season: &bookings::Season,
    faults: &[Planned],
    (sent, recovery, screen): (&Arc<Sent>, &Arc<Recovery>, &Arc<Screen>),
    stop: &Stop,
) -> anyhow::Result<(Times, Vec<Played>)> {
    let begin = Begin {
        at: Utc::now(),
        instant: Instant::now(),
    };
    let shared = (Arc::clone(stage), Arc::clone(screen), Arc::clone(recovery));
    let player = Arc::new(Player::new(shared.0, shared.1, shared.2, stop.clone(), faults));
    let waiting = Waiting {
        stage,
        patience: settings.patience(),
        stop,
    };
    let faults = async {
        let played = player.play(faults, begin.instant).await?;
        screen.progress("the last fault is over");
        let caught_up = waiting.until_caught_up(sent, settings.rate).await;
        anyhow::Ok((caught_up, played))
    };
    let sending = async {
        traffic::send_all(stage, season.webhooks.clone(), begin, sent, stop).await;
        screen.progress("everything was accepted");
        anyhow::Ok(Instant::now())
    };
    let ((caught_up, played), accepted_at) = tokio::try_join!(faults, sending)?;
    let is_quiet = waiting.until_quiet(season.webhooks.len()).await.is_some();
    let times = Times {
        traffic: accepted_at - begin.instant,
        caught_up,
        quiet: is_quiet.then(|| accepted_at.elapsed()),
    };
    Ok((times, played))
}

/// What is under way ends with the stop, and everything is cleaned up on the way out.
async fn interruptible<T>(stop: &Stop, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        () = stop.stopped() => bail!("interrupted"),
    }
}
