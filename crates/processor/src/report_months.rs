//! Counts the months of the owner's report, in the processor that exports the figures: at least once an hour, and where that is quick,
//! within seconds, so that the desk's page is as young as it can cheaply be.
//!
//! A month becomes final 14 days after its end: one row, written once. A processor that dies before it leaves the month to the next
//! hour, and two that freeze the same month write it once. Until then each count replaces the one before, for the desk's page. A call
//! that broke a rule is a defect, and raises an alert.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ids::ResortId;
use domain::report::{Breaches, Figures, Month};
use domain::resort::Resort;
use store::report::{self, ResortMonth, present};
use store::{StoreError, pool};

use crate::context::Context;

/// Counting takes at most so small a part of the time, 1 %.
const PART: u32 = 100;
const SHORTEST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// When this process counts next, and of how many calls that broke a rule it has told.
#[derive(Default)]
pub(crate) struct ReportMonths {
    next_at: Option<Instant>,
    told: BTreeMap<(ResortId, Month), u64>,
}

impl ReportMonths {
    /// Counts, unless it is too early for that.
    pub(crate) async fn count_if_due(&mut self, context: &Context) {
        let begun_at = Instant::now();
        if self.next_at.is_some_and(|at| begun_at < at) {
            return;
        }
        let mut pause = Duration::ZERO;
        let files = context.files.current();
        for resort in files.resorts() {
            if let Err(error) = self.count(context, resort).await {
                log::warn!(resort = resort.id.as_str(), event = "month_not_counted", error = service::chain(&error);
                    "cannot count a month of the report; it is tried again in an hour");
                pause = LONGEST_PAUSE;
            }
        }
        let took = begun_at.elapsed();
        self.next_at = Some(begun_at + took + pause_after(took).max(pause));
    }

    async fn count(&mut self, context: &Context, resort: &Resort) -> Result<(), StoreError> {
        freeze_all(context, resort).await?;
        for (month, figures) in count_present(context, resort).await? {
            self.tell(&resort.id, month, &figures.breaches);
        }
        Ok(())
    }

    /// One line where more calls broke a rule than this process has told of.
    fn tell(&mut self, resort: &ResortId, month: Month, breaches: &Breaches) {
        let total = breaches.total().unwrap_or_default();
        let told = self.told.entry((resort.clone(), month)).or_default();
        if total <= *told {
            return;
        }
        *told = total;
        let rules: Vec<&str> = breaches.iter().map(|(rule, _)| rule).collect();
        log::error!(resort = resort.as_str(), month = month.to_string(), rules = rules.join(" "), calls = total, alert = "rule_broken";
            "calls to guests broke a rule: `desk report` names them");
    }
}

fn pause_after(took: Duration) -> Duration {
    took.saturating_mul(PART).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// All months of a resort that are over: after an update to this version, also those before it.
async fn freeze_all(context: &Context, resort: &Resort) -> Result<(), StoreError> {
    while let Some(month) = next(context, resort).await? {
        let of = of(resort, month);
        let ring = Arc::clone(&context.ring);
        let freezing = context
            .store
            .run(move |connection| report::freeze(connection, &ring, &of));
        if freezing.await? {
            log::info!(resort = resort.id.as_str(), month = month.to_string(); "a month of the report is final");
        }
    }
    Ok(())
}

async fn next(context: &Context, resort: &Resort) -> Result<Option<Month>, StoreError> {
    let (id, zone) = (resort.id.clone(), resort.time_zone);
    let finding = context.store.run(move |connection| {
        let now = pool::clock(connection)?;
        report::next_to_freeze(connection, &id, zone, now)
    });
    finding.await
}

/// The present month, and the one before until it is final.
async fn count_present(context: &Context, resort: &Resort) -> Result<Vec<(Month, Figures)>, StoreError> {
    let zone = resort.time_zone;
    let now = context.store.run(pool::clock).await?;
    let month = Month::at(now, zone);
    let before = Some(month.previous()).filter(|before| before.freezes_at(zone) > now);
    let mut counted = Vec::new();
    for month in before.into_iter().chain([month]) {
        let of = of(resort, month);
        let ring = Arc::clone(&context.ring);
        let counting = context
            .store
            .run(move |connection| present::count(connection, &ring, &of));
        counted.push((month, counting.await?));
    }
    Ok(counted)
}

fn of(resort: &Resort, month: Month) -> ResortMonth {
    ResortMonth {
        resort: resort.id.clone(),
        zone: resort.time_zone,
        month,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quick_to_count_is_counted_often_and_everything_within_the_hour() {
        let pause = |took_ms| pause_after(Duration::from_millis(took_ms)).as_secs();

        assert_eq!([0, 50, 500, 6_000, 60_000].map(pause), [10, 10, 50, 600, 3_600]);
    }
}
