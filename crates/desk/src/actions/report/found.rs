//! What the tables say of a month.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use crypto::key_ring::KeyRing;
use domain::ids::ResortId;
use domain::report::{Figures, Month};
use domain::resort::Resort;
use store::report::breaches::{self, BrokenRule};
use store::report::{self, Frozen, ResortMonth, present};
use store::{Connection, StoreError, pool};

use super::Reading;

/// How many months before the shown one the page compares.
const EARLIER: usize = 11;
/// How many calls that broke a rule are named.
const MOST_BROKEN: i64 = 50;
/// `processor` counts at least every hour.
const COUNTED_WITHIN: TimeDelta = TimeDelta::hours(2);

/// A resort's figures, and whether they are final.
pub(super) struct Read {
    pub(super) resort: Arc<Resort>,
    pub(super) figures: Figures,
    pub(super) frozen_at: Option<DateTime<Utc>>,
    pub(super) counted_at: Option<DateTime<Utc>>,
}

/// What was read of a month.
pub(super) struct Found {
    pub(super) month: Month,
    pub(super) resorts: Vec<Read>,
    /// The final months up to the shown one.
    pub(super) frozen: Vec<Frozen>,
    pub(super) broken: Vec<BrokenRule>,
}

/// What is final as it was frozen, the rest as it was counted or as it is now.
pub(super) fn find(
    connection: &mut Connection,
    ring: &KeyRing,
    resorts: Vec<Arc<Resort>>,
    (asked, reading): (Option<Month>, Reading),
) -> Result<Found, StoreError> {
    let now = pool::clock(connection)?;
    let zone = match resorts.as_slice() {
        [only] => only.time_zone,
        _ => Tz::UTC,
    };
    let month = asked.unwrap_or_else(|| Month::at(now, zone));
    let ids: Vec<ResortId> = resorts.iter().map(|resort| resort.id.clone()).collect();
    let from = (0..EARLIER).fold(month, |month, _| month.previous());
    let frozen = report::list_frozen(connection, &ids, (from, month))?;
    let counted = match reading {
        Reading::Now => Vec::new(),
        Reading::AsCounted => present::list(connection, &ids, month, now - COUNTED_WITHIN)?,
    };
    let (mut found, mut broken) = (Vec::new(), Vec::new());
    for resort in resorts {
        let of = ResortMonth {
            resort: resort.id.clone(),
            zone: resort.time_zone,
            month,
        };
        let is_it = |frozen: &&Frozen| frozen.resort == resort.id && frozen.month == month;
        let frozen = frozen.iter().find(is_it);
        let counted = counted.iter().find(|counted| counted.resort == resort.id);
        let figures = match (frozen, counted) {
            (Some(frozen), _) => frozen.figures.clone(),
            (None, Some(counted)) => counted.figures.clone(),
            (None, None) => report::compute(connection, ring, &of)?,
        };
        // A final month names none: they are looked for where there are some.
        if figures.breaches.total().is_some_and(|total| total > 0) {
            broken.extend(breaches::list(connection, &of, MOST_BROKEN)?);
        }
        found.push(Read {
            resort,
            figures,
            frozen_at: frozen.map(|frozen| frozen.frozen_at),
            counted_at: counted.map(|counted| counted.counted_at),
        });
    }
    Ok(Found {
        month,
        resorts: found,
        frozen,
        broken,
    })
}
