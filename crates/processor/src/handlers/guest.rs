//! A guest's wish, told by the platform.

use domain::consent::ConsentChange;
use store::guests::GuestKey;

use super::{Arrived, Context, Handled};
use crate::work::{Told, Work};

/// No more reminders and review requests from this resort.
pub(super) fn process_guest_opted_out(
    work: &mut Work,
    context: &Context<'_>,
    arrived: &Arrived<'_>,
) -> Handled {
    wish(work, context, arrived, ConsentChange::Stop)
}

/// They are welcome again.
pub(super) fn process_guest_opted_in(
    work: &mut Work,
    context: &Context<'_>,
    arrived: &Arrived<'_>,
) -> Handled {
    wish(work, context, arrived, ConsentChange::Start)
}

fn wish(work: &mut Work, context: &Context<'_>, arrived: &Arrived<'_>, wish: ConsentChange) -> Handled {
    let event = arrived.event;
    let country = context.planner.resort(&event.resort).map(|resort| resort.country);
    let Some(phone) = event.phone_number(country) else {
        return Handled::Ignored;
    };
    let guest = GuestKey {
        phone_hash: context.planner.phone_hash(&phone),
        resort: event.resort.clone(),
    };
    work.wishes.push(Told {
        event: event.key.to_string(),
        guest,
        wish,
        at: event.occurred_at.min(arrived.received_at),
        is_erased: arrived.erased_at.is_some(),
    });
    Handled::Applied
}
