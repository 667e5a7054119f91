//! One run: the stage is set, traffic and faults go on beside each other, quiet is waited for, the results are judged.

use std::sync::Arc;

use anyhow::{bail, ensure};
use chrono::{TimeDelta, Utc};
use service::Stop;
use tokio::time::Instant;

use crate::cluster::{Moments, Night, Stretch, chronicle};
use crate::fault::Fault;
use crate::monitoring::Seen;
use crate::plan::Planned;
use crate::play::{Played, Player};
use crate::quiet::Waiting;
use crate::recovery::Recovery;
use crate::report::{Results, Times};
use crate::results::evidence::{Counts, Evidence};
use crate::screen::Screen;
use crate::settings::{Members, Settings};
use crate::stage::Stage;
use crate::traffic::{Begin, Sent};
use crate::{bookings, plan, quiet, results, traffic};

/// Plays a whole run; an error where it could not be played, or a bad number is not 0.
pub(crate) async fn run(settings: &Settings, stop: &Stop) -> anyhow::Result<()> {
    let screen = Arc::new(Screen::on_stdout());
    let faults = faults(settings, &screen);
    let mut season = bookings::draw(settings.seed, settings.events, settings.traffic());
    let what = match &settings.cluster {
        Some(_) => "a night in a cluster".to_owned(),
        None => format!("{} faults", faults.len()),
    };
    screen.title(&format!(
        "seed {}: {} events of {} guests in {:.0} s, {what}",
        settings.seed,
        season.webhooks.len(),
        season.guests.len(),
        settings.traffic().as_secs_f32(),
    ));
    let stage = interruptible(stop, Stage::set(settings, stop)).await?;
    let begun_at = Utc::now();
    let sent = Arc::new(Sent::default());
    let recovery = Arc::new(Recovery::default());
    let ended = Stop::manual();
    let beside = async {
        tokio::join!(
            stage.processes.watch(&ended),
            quiet::show_progress(&stage, &sent, &screen, season.webhooks.len(), &ended),
            async {
                // Before single servers platforms find ingests that do not answer, too.
                if settings.cluster.is_some() {
                    stage.load_balancer.watch(&ended).await;
                }
            }
        );
    };
    let playing = async {
        let shown = (&sent, &recovery, &screen);
        let times = interruptible(stop, play(settings, &stage, &season, &faults, shown, stop)).await;
        ended.stop();
        times
    };
    let (went, ()) = tokio::join!(playing, beside);
    if let Some(end) = sent.end() {
        season.end_at(end);
    }
    let went = went?;
    screen.progress("checking the results");
    let seen = Seen::since(begun_at, &stage.prometheus, &settings.logs.join("dashboards")).await?;
    let bad = results(settings, &stage, &season, went, seen, (&sent, &recovery))
        .await?
        .show(&screen)?;
    let folder = settings.logs.display();
    ensure!(
        bad == 0,
        "{bad} bad numbers are not 0; what was found is in {folder}/findings.txt"
    );
    Ok(())
}

/// The faults of a run with single servers.
fn faults(settings: &Settings, screen: &Screen) -> Vec<Planned> {
    if settings.cluster.is_some() {
        return Vec::new();
    }
    let (quiet, end) = settings.faults();
    let mut faults = plan::draw(settings.seed, quiet, end);
    if settings.disk.is_none() {
        faults.retain(|one| one.fault != Fault::PostgresDiskIsFull);
        screen.progress("left out, as it needs root and the right to mount: a full disk");
    }
    faults
}

/// What was played, and what a night in a cluster has shown besides.
#[derive(Default)]
struct Past {
    played: Vec<Played>,
    stretches: Vec<Stretch>,
    findings: Vec<(&'static str, Vec<String>)>,
}

async fn results<'a>(
    settings: &'a Settings,
    stage: &Stage,
    season: &'a bookings::Season,
    (times, past): (Times, Past),
    seen: Seen,
    (sent, recovery): (&'a Sent, &Recovery),
) -> anyhow::Result<Results<'a>> {
    let stops = match past.stretches.as_slice() {
        [] => Vec::new(),
        stretches => {
            let moments = Moments::gather(stage, sent).await?;
            chronicle::write(&settings.logs, stretches)?;
            stretches.iter().map(|stretch| moments.judge(stretch)).collect()
        }
    };
    // Before the desk empties them.
    let dead_events = broker::topology::verify(&stage.broker).await?.dead_events;
    let ledger = stage.desk.ledger().await?;
    let broken_rules = stage.desk.broken_rules().await?;
    let evidence = Evidence::gather(stage, past.played.clone()).await?;
    Ok(Results {
        settings,
        season,
        faults: past.played.iter().map(|one| one.fault).collect(),
        stops,
        night: past.findings,
        times,
        sent,
        recovery: recovery.measured(),
        letters: evidence.letters.len(),
        findings: results::judge(season, &evidence),
        ledger,
        broken_rules,
        dead_events,
        deserters: stage.processes.deserters(),
        seen,
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
) -> anyhow::Result<(Times, Past)> {
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
        let past = match &settings.cluster {
            None => Past {
                played: player.play(faults, begin.instant).await?,
                ..Past::default()
            },
            Some(members) => {
                let past = night(settings, members, &waiting, screen, sent).await?;
                sent.end_at(begin.instant.elapsed());
                past
            }
        };
        screen.progress("the last fault is over");
        let caught_up = waiting.until_caught_up(sent, settings.rate).await;
        anyhow::Ok((caught_up, past))
    };
    let sending = async {
        traffic::send_all(stage, season.webhooks.clone(), begin, sent, stop).await;
        screen.progress("everything was accepted");
        anyhow::Ok(Instant::now())
    };
    let ((caught_up, past), accepted_at) = tokio::try_join!(faults, sending)?;
    let is_quiet = waiting.until_quiet(sent.accepted()).await.is_some();
    let times = Times {
        traffic: accepted_at - begin.instant,
        caught_up,
        quiet: is_quiet.then(|| accepted_at.elapsed()),
    };
    Ok((times, past))
}

async fn night(
    settings: &Settings,
    members: &Members,
    waiting: &Waiting<'_>,
    screen: &Screen,
    sent: &Sent,
) -> anyhow::Result<Past> {
    let mut night = Night::new(settings, members, waiting, screen, sent);
    night.play().await?;
    let mut findings = night.findings;
    // Without load a stretch says nothing.
    let is_over = Utc::now() > night.begun_at + TimeDelta::from_std(settings.traffic())?;
    findings.push((
        "parts of the night without load",
        vec!["the night was longer than its load".to_owned(); usize::from(is_over)],
    ));
    Ok(Past {
        played: night.played,
        stretches: night.stretches,
        findings,
    })
}

/// What is under way ends with the stop, and everything is cleaned up on the way out.
async fn interruptible<T>(stop: &Stop, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        () = stop.stopped() => bail!("interrupted"),
    }
}
