//! The order's events: a reservation and its stay.

use super::{Arrived, Handled};
use crate::work::Work;

/// Withdraws the reminders of this booking, of its cart and of the guest's other carts; the confirmation is wanted and
/// the arrival tracked.
pub(super) fn process_reservation_confirmed(work: &mut Work, arrived: &Arrived<'_>) -> Handled {
    learn(work, arrived)
}

/// Moves the stay and its timers; no second confirmation follows.
pub(super) fn process_reservation_modified(work: &mut Work, arrived: &Arrived<'_>) -> Handled {
    learn(work, arrived)
}

/// Withdraws everything still to come, until a later confirmation begins a new round.
pub(super) fn process_reservation_cancelled(work: &mut Work, arrived: &Arrived<'_>) -> Handled {
    learn(work, arrived)
}

/// Ends the tracking of the arrival and sets the review timer.
pub(super) fn process_guest_checked_in(work: &mut Work, arrived: &Arrived<'_>) -> Handled {
    learn(work, arrived)
}

/// Counts the review timer from the actual check-out.
pub(super) fn process_guest_checked_out(work: &mut Work, arrived: &Arrived<'_>) -> Handled {
    learn(work, arrived)
}

/// Every order's event says the same three things: facts of its booking, of the cart that it grew from, and that the
/// guest's other carts may have become superfluous or wanted again.
fn learn(work: &mut Work, arrived: &Arrived<'_>) -> Handled {
    let Some(booking) = arrived.booking() else {
        return Handled::Ignored;
    };
    if let Some((cart, facts)) = arrived.cart() {
        work.learn(cart, facts);
    }
    work.learn(booking.clone(), arrived.facts());
    work.reservations.insert(booking);
    Handled::Applied
}
