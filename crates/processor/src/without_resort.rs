//! Plans bookings again as soon as their resort's file can be read.
//!
//! Timers alone would plan them once a minute. So a corrected file takes effect within seconds.

use std::sync::Arc;
use std::time::Duration;

use service::{Stop, periodic};
use store::{Connection, StoreError, bookings};

use crate::context::Context;

/// How many are woken at once: other timers must not wait behind a resort that comes back with thousands.
const AT_ONCE: i64 = 500;

pub(crate) async fn run(context: Arc<Context>, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(1), || wake(&context)).await;
}

pub(crate) async fn wake(context: &Context) {
    if let Err(error) = try_to_wake(context).await {
        log::debug!(error = service::chain(&error); "cannot look which bookings wait for their resort's file");
    }
}

async fn try_to_wake(context: &Context) -> Result<(), StoreError> {
    let files = context.files.current();
    let work = move |connection: &mut Connection| {
        let readable: Vec<&str> = files.resorts().map(|resort| resort.id.as_str()).collect();
        bookings::wake_of_resorts(connection, &readable, AT_ONCE)
    };
    let woken = context.store.transaction(work).await?;
    if woken > 0 {
        log::info!(bookings = woken, event = "resort_file_readable";
            "bookings are planned again: their resort's file can be read");
    }
    Ok(())
}
