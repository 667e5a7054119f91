//! Retention: deletes the personal data of raw events, dead letters, names and guests when their time is over.
//!
//! Each resort's file says how long that is. A walk goes from the oldest on, in small steps with pauses, because events and
//! timers need Postgres too. Any number of processors may walk at once.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::ids::BookingKey;
use service::{Stop, crash};
use store::guest_data::retention::{self, Cursor, RetentionPolicy};
use store::{Connection, Fault, StoreError, claims, raised_alerts, source_reports};

use crate::context::Context;
use crate::telemetry;

/// How many rows a step looks at.
const AT_ONCE: i64 = 500;
const STEP_EVERY: Duration = Duration::from_millis(500);
const WALK_EVERY: Duration = Duration::from_secs(600);

pub(crate) struct Retention {
    pub(crate) context: Arc<Context>,
    pub(crate) stop: Stop,
}

impl Retention {
    pub(crate) async fn run(self) {
        let mut failures = 0_u32;
        while !self.stop.is_stopped() {
            let pause = match self.walk().await {
                Ok(()) => {
                    failures = 0;
                    WALK_EVERY
                }
                Err(error) => {
                    failures += 1;
                    self.context.postgres_failed("retention", &error, failures)
                }
            };
            self.wait(pause).await;
        }
    }

    async fn wait(&self, pause: Duration) {
        tokio::select! {
            () = self.stop.stopped() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }

    /// Looks at everything once.
    pub(crate) async fn walk(&self) -> Result<(), StoreError> {
        self.empty_raw_events().await?;
        self.empty_dead_letters().await?;
        self.delete_answers().await?;
        self.delete_names().await?;
        self.delete_source_reports().await?;
        self.forget_reminded().await?;
        self.erase_guests().await
    }

    /// What the files that can be read say now.
    fn policies(&self) -> Vec<RetentionPolicy> {
        let files = self.context.files.current();
        let length = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        let policies = files.resorts().map(|resort| RetentionPolicy {
            resort: resort.id.clone(),
            raw_events: length(resort.retention.raw_events),
            conversations: length(resort.retention.conversations),
            guests: length(resort.retention.guests),
        });
        policies.collect()
    }

    async fn empty_raw_events(&self) -> Result<(), StoreError> {
        let mut cursor = Some(Cursor::default());
        while let Some(after) = cursor.take().filter(|_| !self.stop.is_stopped()) {
            let policies = self.policies();
            let work = move |c: &mut Connection| {
                let step = retention::empty_raw_events(c, &policies, &after, AT_ONCE)?;
                crash::point("processor.old_events.written");
                Ok(step)
            };
            let step = self.context.store.transaction(work).await?;
            crash::point("processor.old_events.committed");
            self.report("raw_events", step.over.len());
            cursor = step.next;
            if cursor.is_some() {
                self.wait(STEP_EVERY).await;
            }
        }
        Ok(())
    }

    async fn empty_dead_letters(&self) -> Result<(), StoreError> {
        while !self.stop.is_stopped() {
            let policies = self.policies();
            let work = move |c: &mut Connection| {
                let emptied = retention::empty_letters(c, &policies, AT_ONCE)?;
                crash::point("processor.old_letters.written");
                Ok(emptied)
            };
            let emptied = self.context.store.transaction(work).await?;
            crash::point("processor.old_letters.committed");
            self.report("letters", emptied);
            if emptied == 0 {
                break;
            }
            self.wait(STEP_EVERY).await;
        }
        Ok(())
    }

    /// What staff answered guests. A step that a crash undoes is repeated.
    async fn delete_answers(&self) -> Result<(), StoreError> {
        while !self.stop.is_stopped() {
            let policies = self.policies();
            let work = move |c: &mut Connection| retention::forget_answers(c, &policies, AT_ONCE);
            let deleted = self.context.store.run(work).await?;
            self.report("answers", deleted);
            if deleted == 0 {
                break;
            }
            self.wait(STEP_EVERY).await;
        }
        Ok(())
    }

    /// Takes no lock: a step that a crash undoes is repeated.
    async fn delete_names(&self) -> Result<(), StoreError> {
        while !self.stop.is_stopped() {
            let policies = self.policies();
            let work = move |c: &mut Connection| retention::forget_orphaned_names(c, &policies, AT_ONCE);
            let deleted = self.context.store.run(work).await?;
            self.report("guest_names", deleted);
            if deleted == 0 {
                break;
            }
            self.wait(STEP_EVERY).await;
        }
        Ok(())
    }

    /// What sources were answered a day ago, and alerts of a week ago; nothing in them is personal.
    async fn delete_source_reports(&self) -> Result<(), StoreError> {
        let deleted = self.context.store.run(source_reports::delete_old).await?;
        self.report("source_reports", deleted);
        let deleted = self.context.store.run(raised_alerts::delete_old).await?;
        self.report("raised_alerts", deleted);
        Ok(())
    }

    /// Who was reminded a day ago. A step that a crash undoes is repeated.
    async fn forget_reminded(&self) -> Result<(), StoreError> {
        while !self.stop.is_stopped() {
            let work = move |c: &mut Connection| claims::forget_reminded(c, AT_ONCE);
            let deleted = self.context.store.run(work).await?;
            self.report("reminded", deleted);
            if deleted == 0 {
                break;
            }
            self.wait(STEP_EVERY).await;
        }
        Ok(())
    }

    async fn erase_guests(&self) -> Result<(), StoreError> {
        let mut cursor = Some(Cursor::default());
        while let Some(after) = cursor.take().filter(|_| !self.stop.is_stopped()) {
            let policies = self.policies();
            let work = move |c: &mut Connection| retention::list_old_guests(c, &policies, &after, AT_ONCE);
            let step = self.context.store.run(work).await?;
            for key in step.over {
                if self.stop.is_stopped() {
                    return Ok(());
                }
                self.erase_guest(key).await?;
            }
            cursor = step.next;
            if cursor.is_some() {
                self.wait(STEP_EVERY).await;
            }
        }
        Ok(())
    }

    /// One guest in one transaction, because arriving events of the resort wait for it.
    async fn erase_guest(&self, key: BookingKey) -> Result<(), StoreError> {
        let (policies, planner, booking) = (self.policies(), self.context.planner(), key.to_string());
        let work = move |connection: &mut Connection| {
            let erased = retention::erase_old_guest(connection, &planner, &policies, &key)?;
            crash::point("processor.old_guests.written");
            Ok(erased)
        };
        let erased = match self.context.store.transaction(work).await {
            // A guest whose rows are locked or damaged must not keep the others from being erased.
            Err(error) if error.fault() != Fault::Outage => {
                log::error!("booking.id" = booking, error = service::chain(&error), event = "guest_not_erased";
                    "guest not erased though their time is over; trying again in ten minutes");
                return Ok(());
            }
            erased => erased?,
        };
        crash::point("processor.old_guests.committed");
        if let Some(erased) = erased {
            log::info!("booking.id" = booking, bookings = erased.bookings.len(), "raw_events" = erased.events,
                letters = erased.letters, event = "guest_erased"; "guest erased: their time is over");
            self.count("guests", erased.bookings.len());
            telemetry::planned(&self.context.metrics, &erased.planned, "retention");
        }
        Ok(())
    }

    fn report(&self, of: &str, count: usize) {
        if count > 0 {
            log::info!(of = of, count = count, event = "retention_purged"; "retention: purged");
            self.count(of, count);
        }
    }

    fn count(&self, of: &str, count: usize) {
        let counter = self.context.metrics.purged.with_label_values(&[of]);
        counter.inc_by(u64::try_from(count).unwrap_or_default());
    }
}
