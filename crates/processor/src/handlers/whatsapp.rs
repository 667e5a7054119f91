//! What WhatsApp notifies: how far messages came, and what guests answer.

use chrono::{DateTime, Utc};
use domain::guest::{Wish, wish_in};
use domain::ids::NumberId;
use domain::phone_number::PhoneNumber;
use store::guests::GuestKey;
use store::results::Report;
use whatsapp::notification::{Choice, Inbound, Preference, ReportedStatus, Status};

use super::{Context, Handled};
use crate::work::Work;

/// How far a message came. A status that we do not know changes nothing.
pub(super) fn process_status(work: &mut Work, status: &Status, received_at: DateTime<Utc>) -> Handled {
    let ReportedStatus::Known(reported) = &status.status else {
        return Handled::Ignored;
    };
    work.reports.push(Report {
        callback: status.call(),
        whatsapp_id: status.id.clone(),
        status: *reported,
        at: status.at.unwrap_or(received_at).min(received_at),
        error_code: status.error.as_ref().map(|error| error.code),
    });
    Handled::Applied
}

/// Opens the guest's 24-hour window; a message that is a stop word alone opts out.
pub(super) fn process_inbound_message(
    work: &mut Work,
    context: &Context<'_>,
    inbound: &Inbound,
    received_at: DateTime<Utc>,
) -> Handled {
    let (Some(number), Some(from)) = (&inbound.number, &inbound.from) else {
        return Handled::Ignored;
    };
    let at = inbound.at.unwrap_or(received_at).min(received_at);
    if inbound.opens_window() {
        work.written
            .push((number.clone(), context.policies.phone_hash(from), at));
    }
    let said = [&inbound.text, &inbound.payload].into_iter().flatten();
    if let Some(wish) = said.filter_map(|text| wish_in(text)).next() {
        remember_wish(work, context, (number, from), wish, at);
    }
    Handled::Applied
}

/// The guest used WhatsApp's own switch for marketing messages.
pub(super) fn process_preference(
    work: &mut Work,
    context: &Context<'_>,
    preference: &Preference,
    received_at: DateTime<Utc>,
) -> Handled {
    let wish = match &preference.choice {
        Choice::Stop => Wish::Stop,
        Choice::Resume => Wish::Start,
        Choice::Other(_) => return Handled::Ignored,
    };
    let (Some(number), Some(from)) = (&preference.number, &preference.from) else {
        return Handled::Ignored;
    };
    let at = preference.at.unwrap_or(received_at).min(received_at);
    remember_wish(work, context, (number, from), wish, at);
    Handled::Applied
}

/// A wish towards a number is one towards every resort that sends from it.
fn remember_wish(
    work: &mut Work,
    context: &Context<'_>,
    (number, from): (&NumberId, &PhoneNumber),
    wish: Wish,
    at: DateTime<Utc>,
) {
    let phone_hash = context.policies.phone_hash(from);
    for resort in (context.resorts_of_number)(number) {
        work.wishes.push((GuestKey { phone_hash, resort }, wish, at));
    }
}
