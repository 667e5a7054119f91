//! Looks after holds: lets go what is held no longer, tells of them, and keeps the senders' shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::after_call::Scope;
use domain::dead_letter::DeadLetterReason;
use domain::hold::{self, Cause, NewHold};
use service::{Stop, crash, periodic};
use store::StoreError;
use store::claims;
use store::holds::{self, Hold, Laid, Released};
use store::results::Outcome;
use store::senders::{self, Sender as Running};
use uuid::Uuid;
use whatsapp::error_codes;

use crate::send::Sender;

/// Let go at once at most; the numbers' pace does the rest.
const RELEASED_AT_ONCE: i64 = 500;
/// Damaged bookings that are tried again with each look.
const TRIED_AT_ONCE: i64 = 20;
/// Generations of the files count from 1.
const NO_FILES: u64 = 0;

/// What one look found.
struct Found {
    /// Messages whose resort's file or booking can be read again.
    mended: usize,
    running: u32,
    released: Released,
    holds: Vec<(Hold, i64)>,
    without_template: i64,
}

/// Looks every second until the stop.
pub(crate) async fn run(sender: Arc<Sender>, stop: Stop) {
    let (id, name) = (Uuid::now_v7(), service::process_name());
    let tried_files = AtomicU64::new(NO_FILES);
    periodic::run(&stop, Duration::from_secs(1), || async {
        let running = Running {
            id,
            name: name.clone(),
            unreachable: sender.reach.unreachable(),
        };
        match look(&sender, running, &tried_files).await {
            Ok(found) => use_found(&sender, &found),
            Err(error) => log::warn!(error = service::chain(&error); "could not look after holds"),
        }
    })
    .await;
    let left = sender
        .store
        .run(move |connection| senders::leave(connection, id))
        .await;
    if let Err(error) = left {
        log::debug!(error = service::chain(&error); "the other senders will notice in 5 s that this one is gone");
    }
}

/// Says that this sender runs, lets go what is held no longer, and counts. What the resorts' files had nothing for is
/// tried again when they have changed; what could not be read, as soon as it can be.
async fn look(sender: &Sender, running: Running, tried_files: &AtomicU64) -> Result<Found, StoreError> {
    let files = sender.settings.current();
    let generation = files.generation();
    let have_changed = tried_files.load(Ordering::Relaxed) != generation
        || sender.judged_by_old_files.swap(false, Ordering::AcqRel);
    let ring = Arc::clone(&sender.ring);
    let looking = sender
        .store
        .transaction(move |connection| {
            if have_changed {
                holds::retry_without_template(connection)?;
            }
            let readable: Vec<&str> = files.resorts().map(|resort| resort.id.as_str()).collect();
            let of_resorts = claims::retry_of_resorts(connection, &readable, RELEASED_AT_ONCE)?;
            let of_bookings = claims::retry_of_mended_bookings(connection, &ring, TRIED_AT_ONCE)?;
            let found = Found {
                mended: of_resorts + of_bookings,
                running: senders::beat(connection, &running)?,
                released: holds::release(connection, RELEASED_AT_ONCE)?,
                holds: holds::list(connection)?,
                without_template: holds::count_without_template(connection)?,
            };
            if has_let_go(&found) {
                crash::point("sender.holds.written");
            }
            Ok(found)
        })
        .await;
    let found = looking.inspect_err(|_| {
        sender
            .judged_by_old_files
            .fetch_or(have_changed, Ordering::AcqRel);
    })?;
    if has_let_go(&found) {
        crash::point("sender.holds.committed");
    }
    tried_files.store(generation, Ordering::Relaxed);
    Ok(found)
}

fn use_found(sender: &Sender, found: &Found) {
    sender.pace.share(found.running);
    sender.pace.forget_idle();
    tell_released(found);
    show(sender, &found.holds);
    let missing = DeadLetterReason::TemplateMissing.as_str();
    let held = &sender.metrics.held_messages;
    held.with_label_values(&[missing]).set(found.without_template);
}

fn has_let_go(found: &Found) -> bool {
    let released = &found.released;
    found.mended > 0
        || released.freed > 0
        || released.probes > 0
        || released.expired > 0
        || !released.lifted.is_empty()
}

fn tell_released(found: &Found) {
    let Released {
        freed,
        probes,
        expired,
        lifted,
    } = &found.released;
    for key in lifted {
        log::warn!(hold = key; "the hold is over: WhatsApp does not report what it accepted as failed any more");
    }
    if *freed + *probes + *expired > 0 || found.mended > 0 {
        log::info!(freed = *freed, probes = *probes, expired = *expired, mended = found.mended; "held messages let go");
    }
}

/// Sets the gauges, also of the scopes that hold nothing.
fn show(sender: &Sender, holds: &[(Hold, i64)]) {
    let scopes = Scope::ALL
        .iter()
        .map(|scope| scope.as_str())
        .chain([hold::PAUSED]);
    for scope in scopes {
        let of_scope = || holds.iter().filter(|(hold, _)| hold.scope == scope);
        let waiting = of_scope().map(|(_, messages)| *messages).sum();
        let metrics = &sender.metrics;
        let count = i64::try_from(of_scope().count()).unwrap_or(i64::MAX);
        metrics.holds.with_label_values(&[scope]).set(count);
        metrics.held_messages.with_label_values(&[scope]).set(waiting);
    }
}

/// Tells which holds began, went on or ended with some results: one alert for each that is new.
pub(crate) fn tell(sender: &Sender, outcome: &Outcome) {
    for (hold, laid) in &outcome.laid {
        let (key, scope, code) = (hold.key(), hold.scope.as_str(), hold.cause.to_string());
        match laid {
            Laid::New => {
                sender.metrics.holds_begun.with_label_values(&[scope]).inc();
                tell_begun(hold, &key);
            }
            Laid::Again => {
                log::warn!(hold = key, scope = scope, code = code; "still refused; the hold lasts twice as long");
            }
            Laid::Known => log::debug!(hold = key, scope = scope, code = code; "refused while held"),
        }
    }
    for key in &outcome.lifted {
        log::warn!(hold = key; "the hold is over: WhatsApp accepts again");
    }
}

fn tell_begun(hold: &NewHold, key: &str) {
    let (scope, pause_s) = (hold.scope.as_str(), hold.pause.as_secs());
    match &hold.cause {
        Cause::Code(code) => {
            let title = error_codes::title(*code);
            log::error!(hold = key, scope = scope, code = code, title = title, pause_s = pause_s, heard = hold.reported_in.as_str(), alert = true;
                "sending is on hold: WhatsApp refuses this {scope}; fix the cause, then `desk resume`");
        }
        Cause::NotWhatsApp(seen) => {
            log::error!(hold = key, scope = scope, seen = seen, pause_s = pause_s, alert = true;
                "sending is on hold: something else answers in WhatsApp's place; look at proxies and at WHATSAPP_API_URL, then `desk resume`");
        }
    }
}
