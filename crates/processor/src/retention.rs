//! What was held long enough is taken away, in small steps with pauses, from the oldest on: raw events, letters, guests.
//!
//! How long that is stands in each resort's file. Any number of processors may do this at once.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::ids::BookingKey;
use service::{Stop, crash};
use store::guest_data::retention::{self, Cursor, RetentionPolicy};
use store::{Fault, StoreError};

use crate::shared::Shared;

/// How many rows a step looks at.
const AT_ONCE: i64 = 500;
/// The pause between two steps: there is other work to do.
const STEP_EVERY: Duration = Duration::from_millis(500);
/// The pause after everything was looked at.
const WALK_EVERY: Duration = Duration::from_secs(600);

/// Walks through everything that is old, again and again, until the stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: Stop) {
    let mut failures = 0_u32;
    while !stop.is_stopped() {
        let pause = match walk(&shared, &stop).await {
            Ok(()) => {
                failures = 0;
                WALK_EVERY
            }
            Err(error) => {
                failures += 1;
                shared.postgres_failed("take away what was held long enough", &error, failures)
            }
        };
        wait(&stop, pause).await;
    }
}

async fn wait(stop: &Stop, pause: Duration) {
    tokio::select! {
        () = stop.stopped() => {}
        () = tokio::time::sleep(pause) => {}
    }
}

async fn walk(shared: &Shared, stop: &Stop) -> Result<(), StoreError> {
    empty_raw_events(shared, stop).await?;
    empty_letters(shared, stop).await?;
    forget_names(shared, stop).await?;
    erase_guests(shared, stop).await
}

/// What the files that can be read say now.
fn terms(shared: &Shared) -> Vec<RetentionPolicy> {
    let settings = shared.settings.current();
    let length = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
    let terms = settings.resorts().map(|resort| RetentionPolicy {
        resort: resort.id.clone(),
        raw_events: length(resort.retention.raw_events),
        guests: length(resort.retention.guests),
    });
    terms.collect()
}

async fn empty_raw_events(shared: &Shared, stop: &Stop) -> Result<(), StoreError> {
    let mut place = Some(Cursor::default());
    while let Some(after) = place.take().filter(|_| !stop.is_stopped()) {
        let terms = terms(shared);
        let work = move |c: &mut store::Connection| {
            let step = retention::empty_raw_events(c, &terms, &after, AT_ONCE)?;
            crash::point("processor.old_events.written");
            Ok(step)
        };
        let step = shared.store.transaction(work).await?;
        crash::point("processor.old_events.committed");
        tell(shared, "raw_events", step.over.len());
        place = step.next;
        if place.is_some() {
            wait(stop, STEP_EVERY).await;
        }
    }
    Ok(())
}

async fn empty_letters(shared: &Shared, stop: &Stop) -> Result<(), StoreError> {
    while !stop.is_stopped() {
        let terms = terms(shared);
        let work = move |c: &mut store::Connection| {
            let emptied = retention::empty_letters(c, &terms, AT_ONCE)?;
            crash::point("processor.old_letters.written");
            Ok(emptied)
        };
        let emptied = shared.store.transaction(work).await?;
        crash::point("processor.old_letters.committed");
        tell(shared, "letters", emptied);
        if emptied == 0 {
            break;
        }
        wait(stop, STEP_EVERY).await;
    }
    Ok(())
}

/// Names are looked for without a lock, and a step that a crash undoes is taken again.
async fn forget_names(shared: &Shared, stop: &Stop) -> Result<(), StoreError> {
    while !stop.is_stopped() {
        let terms = terms(shared);
        let work = move |c: &mut store::Connection| retention::forget_orphaned_names(c, &terms, AT_ONCE);
        let forgotten = shared.store.run(work).await?;
        tell(shared, "guest_names", forgotten);
        if forgotten == 0 {
            break;
        }
        wait(stop, STEP_EVERY).await;
    }
    Ok(())
}

async fn erase_guests(shared: &Shared, stop: &Stop) -> Result<(), StoreError> {
    let mut place = Some(Cursor::default());
    while let Some(after) = place.take().filter(|_| !stop.is_stopped()) {
        let terms = terms(shared);
        let work = move |c: &mut store::Connection| retention::list_old_guests(c, &terms, &after, AT_ONCE);
        let step = shared.store.run(work).await?;
        for key in step.over {
            if stop.is_stopped() {
                return Ok(());
            }
            erase_guest(shared, key).await?;
        }
        place = step.next;
        if place.is_some() {
            wait(stop, STEP_EVERY).await;
        }
    }
    Ok(())
}

/// One guest in one transaction: what arrives for the resort waits for it.
async fn erase_guest(shared: &Shared, key: BookingKey) -> Result<(), StoreError> {
    let (terms, planner, erased) = (terms(shared), shared.planner(), key.clone());
    let work = move |connection: &mut store::Connection| {
        let erased = retention::erase_old_guest(connection, &planner, &terms, &key)?;
        crash::point("processor.old_guests.written");
        Ok(erased)
    };
    let erasing = shared.store.transaction(work).await;
    let erasing = erasing.inspect(|_| crash::point("processor.old_guests.committed"));
    let done = match erasing {
        Err(error) if error.fault() != Fault::Outage => {
            // One that cannot be read, or is in somebody's hands, is not in the way of the others.
            log::error!("booking.id" = erased.to_string(), error = service::chain(&error);
                "guest not erased though their time is over; tried again in ten minutes");
            None
        }
        done => done?,
    };
    if let Some(done) = done {
        log::info!("booking.id" = erased.to_string(), bookings = done.bookings.len(), "raw_events" = done.events,
            letters = done.letters; "guest erased: their time is over");
        shared
            .counters
            .removed
            .with_label_values(&["guests"])
            .inc_by(u64::try_from(done.bookings.len()).unwrap_or_default());
        shared.report_planned(&done.planned, "retention");
    }
    Ok(())
}

fn tell(shared: &Shared, what: &str, count: usize) {
    if count > 0 {
        log::info!(of = what, count = count; "emptied: their time is over");
        let counter = shared.counters.removed.with_label_values(&[what]);
        counter.inc_by(u64::try_from(count).unwrap_or_default());
    }
}
