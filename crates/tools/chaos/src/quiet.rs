//! Looking on: how far everything is, and when it has all come to its end.

use std::sync::Arc;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use service::{Stop, periodic};
use tokio::time::{Instant, sleep};

use crate::screen::Screen;
use crate::stage::Stage;
use crate::traffic::Sent;
use crate::whatsapp::REPORTS_OF_EACH;

const TELL_EVERY: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(500);

const SIGHT: &str = "SELECT (SELECT count(*) FROM events WHERE source <> 'whatsapp') AS events, \
     (SELECT count(*) FROM events WHERE event_type = 'whatsapp_status') AS reports, \
     (SELECT count(*) FROM messages WHERE state IN ('queued', 'sending', 'unknown', 'held') OR letter_due) AS open, \
     (SELECT count(*) FROM bookings WHERE wake_at < clock_timestamp() + interval '1 minute') AS timers";

/// What Postgres says of how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
struct Sight {
    #[diesel(sql_type = BigInt)]
    events: i64,
    #[diesel(sql_type = BigInt)]
    reports: i64,
    #[diesel(sql_type = BigInt)]
    open: i64,
    #[diesel(sql_type = BigInt)]
    timers: i64,
}

/// Tells each few seconds how far everything is, until the stop.
pub(crate) async fn show_progress(
    stage: &Arc<Stage>,
    sent: &Arc<Sent>,
    screen: &Screen,
    of: usize,
    stop: &Stop,
) {
    periodic::run(stop, TELL_EVERY, || async {
        let taken = stage.whatsapp.taken().await.unwrap_or_default();
        let applied = match tokio::time::timeout(LOOK_EVERY, look(stage)).await {
            Ok(Ok(sight)) => format!("applied {}, messages under way {}", sight.events, sight.open),
            Ok(Err(_)) | Err(_) => "Postgres does not answer".to_owned(),
        };
        let accepted = sent.accepted();
        screen.progress(&format!(
            "accepted {accepted} of {of}, {applied}, taken by WhatsApp {taken}"
        ));
    })
    .await;
}

/// Waiting for an end, as long as anything moves: a slow machine is none that lost something.
pub(crate) struct Waiting<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) patience: Duration,
    pub(crate) stop: &'a Stop,
}

impl Waiting<'_> {
    /// Waits until all six work and what was accepted is applied but for the last second.
    pub(crate) async fn until_caught_up(&self, sent: &Sent, rate: u32) -> Option<Duration> {
        self.until(async |sight| {
            let behind = i64::try_from(sent.accepted())? - sight.events;
            Ok(behind <= i64::from(rate) && self.stage.all_are_ready().await)
        })
        .await
    }

    /// Waits until nothing is under way any more: every event and every report is applied, every message has its end.
    pub(crate) async fn until_quiet(&self, events: usize) -> Option<Duration> {
        self.until(async |sight| {
            let reports = i64::try_from(self.stage.whatsapp.taken().await? * REPORTS_OF_EACH)?;
            Ok(sight.events >= i64::try_from(events)?
                && sight.reports >= reports
                && sight.open == 0
                && sight.timers == 0
                && self.stage.all_are_ready().await)
        })
        .await
    }

    async fn until(&self, is_reached: impl AsyncFn(Sight) -> anyhow::Result<bool>) -> Option<Duration> {
        let begun_at = Instant::now();
        let (mut last, mut moved_at) = (None, begun_at);
        while moved_at.elapsed() < self.patience && !self.stop.is_stopped() {
            // Who cannot look, because a server is not back yet, looks again.
            if let Ok(sight) = look(self.stage).await {
                if is_reached(sight).await.unwrap_or(false) {
                    return Some(begun_at.elapsed());
                }
                if last.replace(sight) != Some(sight) {
                    moved_at = Instant::now();
                }
            }
            sleep(LOOK_EVERY).await;
        }
        None
    }
}

async fn look(stage: &Stage) -> anyhow::Result<Sight> {
    let found = stage.postgres.list::<Sight>(SIGHT).await?;
    found
        .first()
        .copied()
        .ok_or_else(|| anyhow::anyhow!("Postgres said nothing"))
}
