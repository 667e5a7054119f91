//! Looks once an hour, in the processor that exports the figures, for calls that broke a rule, and raises an alert where there are more
//! than before. There should never be one: each is a defect.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::ResortId;
use domain::report::{Breaches, Month};
use domain::resort::Resort;
use store::report::ResortMonth;
use store::report::breaches;
use store::{StoreError, pool};

use crate::context::Context;

const EVERY: Duration = Duration::from_hours(1);
/// The month before is looked at again for so long, since its last hour has not been seen yet.
const LOOKS_BACK: TimeDelta = TimeDelta::hours(2);

/// When this process last looked, and how many calls it has told of.
#[derive(Default)]
pub(crate) struct BreachWatch {
    looked_at: Option<Instant>,
    told: BTreeMap<(ResortId, Month), u64>,
}

impl BreachWatch {
    /// Looks unless that was done within the hour.
    pub(crate) async fn look_if_due(&mut self, context: &Context) {
        let is_recent = |at: Instant| at.elapsed() < EVERY;
        if self.looked_at.is_some_and(is_recent) {
            return;
        }
        self.looked_at = Some(Instant::now());
        let files = context.files.current();
        for resort in files.resorts() {
            match count(context, resort).await {
                Ok(found) => found
                    .iter()
                    .for_each(|(month, breaches)| self.tell(&resort.id, *month, breaches)),
                Err(error) => {
                    log::warn!(resort = resort.id.as_str(), event = "breaches_not_counted", error = service::chain(&error);
                        "cannot count calls that broke a rule; it is tried again in an hour");
                }
            }
        }
    }

    /// One line where there are more than this process has told of.
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

async fn count(context: &Context, resort: &Resort) -> Result<Vec<(Month, Breaches)>, StoreError> {
    let (id, zone) = (resort.id.clone(), resort.time_zone);
    let counting = context.store.run(move |connection| {
        let now: DateTime<Utc> = pool::clock(connection)?;
        let months = BTreeSet::from([Month::at(now - LOOKS_BACK, zone), Month::at(now, zone)]);
        let counted = months.into_iter().map(|month| {
            let of = ResortMonth {
                resort: id.clone(),
                zone,
                month,
            };
            Ok((month, breaches::count(connection, &of)?))
        });
        counted.collect()
    });
    counting.await
}
