//! Makes the months of the owner's report final, each 14 days after its end: once an hour, by the processor that exports the figures.
//!
//! A month is one row, written once; a processor that dies before it leaves the month to the next hour, and two that freeze the same
//! month write it once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::report::Month;
use domain::resort::Resort;
use store::report::{self, ResortMonth};
use store::{StoreError, pool};

use crate::context::Context;

const EVERY: Duration = Duration::from_hours(1);

/// When this process last looked for months that are over.
#[derive(Default)]
pub(crate) struct ReportMonths {
    looked_at: Option<Instant>,
}

impl ReportMonths {
    /// Freezes what is over, unless that was done within the hour.
    pub(crate) async fn freeze_if_due(&mut self, context: &Context) {
        let is_recent = |at: Instant| at.elapsed() < EVERY;
        if self.looked_at.is_some_and(is_recent) {
            return;
        }
        self.looked_at = Some(Instant::now());
        let files = context.files.current();
        for resort in files.resorts() {
            if let Err(error) = freeze_all(context, resort).await {
                log::warn!(resort = resort.id.as_str(), event = "month_not_frozen", error = service::chain(&error);
                    "cannot make a month of the report final; it is tried again in an hour");
            }
        }
    }
}

/// All months of a resort that are over: after an update to this version, also those before it.
async fn freeze_all(context: &Context, resort: &Resort) -> Result<(), StoreError> {
    while let Some(month) = next(context, resort).await? {
        let of = ResortMonth {
            resort: resort.id.clone(),
            zone: resort.time_zone,
            month,
        };
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
