//! A guest's stop or start, reported by the platform.

use domain::consent::ConsentChange;
use store::guests::GuestKey;
use store::planning::Planner;

use super::Arrived;
use crate::effects::{Effects, PlatformConsent};

/// The recorded stop ends reminders and review requests from this resort.
pub(super) fn process_guest_opted_out(planner: &Planner, arrived: &Arrived<'_>) -> Effects {
    consent(planner, arrived, ConsentChange::Stop)
}

/// The recorded start allows reminders and review requests again.
pub(super) fn process_guest_opted_in(planner: &Planner, arrived: &Arrived<'_>) -> Effects {
    consent(planner, arrived, ConsentChange::Start)
}

fn consent(planner: &Planner, arrived: &Arrived<'_>, change: ConsentChange) -> Effects {
    let event = arrived.event;
    let country = planner.resort(&event.resort).map(|resort| resort.country);
    let Some(phone) = event.phone_number(country) else {
        return Effects::default();
    };
    let guest = GuestKey {
        phone_hash: planner.phone_hash(&phone),
        resort: event.resort.clone(),
    };
    let consent = PlatformConsent {
        event: event.key.to_string(),
        guest,
        change,
        at: event.occurred_at.min(arrived.received_at),
        is_erased: arrived.erased_at.is_some(),
    };
    Effects {
        consents: vec![consent],
        ..Effects::default()
    }
}
