//! The cart's events: a guest began to book, and a guest stopped before the end.

use super::Arrived;
use crate::effects::Effects;

/// The plan derives the first reminder's timer from the activity, and repeated activity moves it.
pub(super) fn process_booking_started(arrived: &Arrived<'_>) -> Effects {
    learn(arrived)
}

/// The booking then counts as abandoned in the plan, and the first reminder is wanted at once.
pub(super) fn process_booking_abandoned(arrived: &Arrived<'_>) -> Effects {
    learn(arrived)
}

fn learn(arrived: &Arrived<'_>) -> Effects {
    let Some(booking) = arrived.booking() else {
        return Effects::default();
    };
    Effects::of_facts(booking, arrived.facts())
}
