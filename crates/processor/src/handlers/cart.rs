//! The cart's events: a guest who is booking, and one who drifted away.

use super::{Arrived, Handled};
use crate::work::Work;

/// Logs the booking; the first reminder's timer follows from the activity, and repeated activity moves it.
pub(super) fn process_booking_started(work: &mut Work, arrived: &Arrived<'_>) -> Handled {
    learn(work, arrived)
}

/// The booking counts as abandoned, and the first reminder is wanted at once.
pub(super) fn process_booking_abandoned(work: &mut Work, arrived: &Arrived<'_>) -> Handled {
    learn(work, arrived)
}

fn learn(work: &mut Work, arrived: &Arrived<'_>) -> Handled {
    let Some(booking) = arrived.booking() else {
        return Handled::Ignored;
    };
    work.learn(booking, arrived.facts());
    Handled::Applied
}
