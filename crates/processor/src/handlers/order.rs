//! The order's events: a reservation and its stay.
//!
//! Each function only collects the facts of its event. What follows from them is decided in `domain::plan`, and the head
//! of each function names it.

use super::Arrived;
use crate::effects::Effects;

/// The plan then withdraws the reminders of this booking, of its cart and of the guest's other carts, asks for the
/// confirmation and tracks the arrival.
pub(super) fn process_reservation_confirmed(arrived: &Arrived<'_>) -> Effects {
    learn(arrived)
}

/// The plan then moves the stay and its timers; no second confirmation follows.
pub(super) fn process_reservation_modified(arrived: &Arrived<'_>) -> Effects {
    learn(arrived)
}

/// The plan then withdraws everything still to come, until a later confirmation begins a new round.
pub(super) fn process_reservation_cancelled(arrived: &Arrived<'_>) -> Effects {
    learn(arrived)
}

/// The plan then ends the tracking of the arrival and sets the review timer.
pub(super) fn process_guest_checked_in(arrived: &Arrived<'_>) -> Effects {
    learn(arrived)
}

/// The plan then counts the review timer from the actual check-out.
pub(super) fn process_guest_checked_out(arrived: &Arrived<'_>) -> Effects {
    learn(arrived)
}

/// Every order's event has the same effects: facts of its booking and of the cart that it grew from, and the guest's other
/// carts may be superfluous now, or wanted again.
fn learn(arrived: &Arrived<'_>) -> Effects {
    let Some(booking) = arrived.booking() else {
        return Effects::default();
    };
    let mut effects = Effects::of_facts(booking.clone(), arrived.facts());
    if let Some((cart, facts)) = arrived.cart() {
        effects.add(Effects::of_facts(cart, facts));
    }
    effects.reservations.insert(booking);
    effects
}
