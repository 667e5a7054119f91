//! Notes the moments of the resorts' files, and has existing bookings planned with those that are new or gone.

use std::sync::Arc;
use std::time::Duration;

use domain::resort::Resort;
use service::{Stop, crash, periodic};
use store::moments::{self, Progress};
use store::{Connection, StoreError};

use crate::context::Context;

/// Bookings a second: other timers must not wait behind a moment that concerns a million.
const AT_ONCE: i64 = 500;

pub(crate) async fn run(context: Arc<Context>, stop: Stop) {
    periodic::run(&stop, Duration::from_secs(1), || step(&context)).await;
}

pub(crate) async fn step(context: &Context) {
    match try_to_step(context).await {
        Ok(Some(progress)) => report(&progress),
        Ok(None) => {}
        Err(error) => {
            log::debug!(error = service::chain(&error); "cannot look which moments are new or gone");
        }
    }
}

async fn try_to_step(context: &Context) -> Result<Option<Progress>, StoreError> {
    let files = context.files.current();
    let work = move |connection: &mut Connection| {
        let resorts: Vec<&Resort> = files.resorts().map(AsRef::as_ref).collect();
        moments::note(connection, &resorts)?;
        let progress = moments::advance(connection, AT_ONCE)?;
        if progress.is_some() {
            crash::point("processor.moments.written");
        }
        Ok(progress)
    };
    let progress = context.store.transaction(work).await?;
    if progress.is_some() {
        crash::point("processor.moments.committed");
    }
    Ok(progress)
}

fn report(progress: &Progress) {
    let (resort, moment) = (progress.resort.as_str(), progress.name.as_str());
    let what = match (progress.is_removed, progress.is_done) {
        (false, false) => "existing bookings are being planned with a new moment",
        (false, true) => "every existing booking is planned with the new moment",
        (true, false) => "the unsent messages of a moment that its file has no more are being withdrawn",
        (true, true) => "no unsent message is left of a moment that its file has no more",
    };
    log::info!(resort = resort, moment = moment, bookings = progress.bookings, event = "moment_planned"; "{what}");
}
