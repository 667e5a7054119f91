//! Bookings that wait since their resort's file could not be read: woken as soon as it can be, and counted.
//!
//! Runs beside the timers, which wake these bookings once a minute only. A mended file shows in what goes out within seconds.

use std::sync::Arc;
use std::time::Duration;

use service::{Stop, periodic};
use store::{StoreError, bookings};

use crate::shared::Shared;

/// How many are woken at once: other timers do not wait behind a resort that comes back with thousands.
const AT_ONCE: i64 = 500;

/// Looks every second until the stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(1), || async {
        if let Err(error) = look(&shared).await {
            log::debug!(error = service::chain(&error); "cannot look which bookings wait for their resort's file");
        }
    })
    .await;
}

async fn look(shared: &Shared) -> Result<(), StoreError> {
    let files = shared.settings.current();
    let work = move |connection: &mut store::Connection| {
        let readable: Vec<&str> = files.resorts().map(|resort| resort.id.as_str()).collect();
        let woken = bookings::wake_of_resorts(connection, &readable, AT_ONCE)?;
        Ok((woken, bookings::count_without_resort(connection)?))
    };
    let (woken, waiting) = shared.store.transaction(work).await?;
    shared.counters.without_resort.set(waiting);
    if woken > 0 {
        log::info!(bookings = woken; "bookings are planned again: their resort's file can be read");
    }
    Ok(())
}
