//! Hold maintenance: each second this sender lets messages go whose hold or other reason for waiting is over.
//!
//! Holds themselves are laid with the results of calls ([`crate::record`]) and obeyed by every claim.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use service::{Stop, crash, periodic};
use store::StoreError;
use store::claims;
use store::holds::{self, Released};

use crate::context::Sender;
use crate::telemetry;

/// The numbers' rate limits spread what is let go at once.
const RELEASED_AT_ONCE: i64 = 500;
/// Damaged bookings that are tried again each second.
const TRIED_AT_ONCE: i64 = 20;
/// Generations of the files count from 1.
const NO_FILES: u64 = 0;

/// What this sender knows from one round to the next.
pub(crate) struct Maintenance {
    /// The generation of the files by which messages without a template were tried last.
    tried_files: AtomicU64,
}

impl Maintenance {
    pub(crate) fn new() -> Self {
        Self {
            tried_files: AtomicU64::new(NO_FILES),
        }
    }
}

/// What one round of hold maintenance found and did.
pub(crate) struct MaintenanceRound {
    /// Messages whose resort's file or booking can be read again.
    pub(crate) mended: usize,
    pub(crate) released: Released,
}

impl MaintenanceRound {
    pub(crate) fn has_changed_messages(&self) -> bool {
        let released = &self.released;
        self.mended + released.freed + released.probes + released.expired > 0 || !released.lifted.is_empty()
    }
}

/// Runs until the stop.
pub(crate) async fn run(sender: Arc<Sender>, stop: Stop) {
    let maintenance = Maintenance::new();
    periodic::run(&stop, Duration::from_secs(1), || async {
        if let Err(error) = maintain(&sender, &maintenance).await {
            log::warn!(error = service::chain(&error), event = "hold_maintenance_failed";
                "hold maintenance failed; it is tried again in 1 s, and holds that are over last until then");
        }
    })
    .await;
}

pub(crate) async fn maintain(sender: &Sender, maintenance: &Maintenance) -> Result<(), StoreError> {
    let round = commit(sender, maintenance).await?;
    if round.has_changed_messages() {
        sender.probes.forget_holds();
    }
    sender.guest_rates.forget_idle();
    sender
        .metrics
        .messages
        .name_moments(sender.files.current().resorts());
    telemetry::maintained(round.mended, &round.released);
    Ok(())
}

async fn commit(sender: &Sender, maintenance: &Maintenance) -> Result<MaintenanceRound, StoreError> {
    let files = sender.files.current();
    let generation = files.generation();
    let files_changed = maintenance.tried_files.load(Ordering::Relaxed) != generation
        || sender.held_by_old_files.swap(false, Ordering::AcqRel);
    let ring = Arc::clone(&sender.ring);
    let committing = sender.store.transaction(move |connection| {
        if files_changed {
            holds::retry_without_template(connection)?;
        }
        let readable: Vec<&str> = files.resorts().map(|resort| resort.id.as_str()).collect();
        let of_resorts = claims::retry_of_resorts(connection, &readable, RELEASED_AT_ONCE)?;
        let of_bookings = claims::retry_of_mended_bookings(connection, &ring, TRIED_AT_ONCE)?;
        let round = MaintenanceRound {
            mended: of_resorts + of_bookings,
            released: holds::release(connection, RELEASED_AT_ONCE)?,
        };
        if round.has_changed_messages() {
            crash::point("sender.holds.written");
        }
        Ok(round)
    });
    let round = committing.await.inspect_err(|_| {
        // Rolled back: the next round must try those messages again.
        sender.held_by_old_files.fetch_or(files_changed, Ordering::AcqRel);
    })?;
    if round.has_changed_messages() {
        crash::point("sender.holds.committed");
    }
    maintenance.tried_files.store(generation, Ordering::Relaxed);
    Ok(round)
}
