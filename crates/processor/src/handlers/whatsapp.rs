//! What WhatsApp notifies: how far messages came, and what guests answer.

use chrono::{DateTime, Utc};
use domain::after_call::Scope;
use domain::ids::NumberId;
use domain::message::life::Report;
use domain::phone_number::PhoneNumber;
use domain::wish::{Answers, Wish, wish_in};
use store::guests::GuestKey;
use whatsapp::error_codes;
use whatsapp::notification::{
    Account, Choice, Inbound, Number, Preference, ReportedStatus, Status, Template, Verdict,
};

use super::{Context, Handled, Notified};
use crate::notices::Notice;
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
        failure: status
            .error
            .as_ref()
            .map(|error| error_codes::failure(error.code)),
    });
    Handled::Applied
}

/// Opens the guest's 24-hour window, unless they were erased since; a message that is a stop word alone opts out.
pub(super) fn process_inbound_message(
    work: &mut Work,
    context: &Context<'_>,
    inbound: &Inbound,
    arrived: &Notified<'_>,
) -> Handled {
    let (Some(number), Some(from)) = (&inbound.number, &inbound.from) else {
        return Handled::Ignored;
    };
    let at = inbound.at.unwrap_or(arrived.received_at).min(arrived.received_at);
    if inbound.opens_window() && arrived.erased_at.is_none() {
        work.written
            .push((number.clone(), context.policies.phone_hash(from), at));
    }
    if let Some(wish) = wish_in(&inbound.said(), Answers::Other) {
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

/// A template was judged: what waits for it may try at once, if the news is good.
pub(super) fn process_template(work: &mut Work, template: &Template) -> Handled {
    work.notices.push(Notice::Template(template.clone()));
    match &template.language {
        Some(language) => {
            let name = format!("{}/{language}", template.name);
            hope(work, Scope::Template, Some(name), template.verdict())
        }
        None => Handled::Ignored,
    }
}

/// News of a business number. WhatsApp names it otherwise than our files do, so all numbers may try at once.
pub(super) fn process_number(work: &mut Work, number: &Number) -> Handled {
    work.notices.push(Notice::Number(number.clone()));
    hope(work, Scope::Number, None, number.verdict())
}

/// News of the business account.
pub(super) fn process_account(work: &mut Work, account: &Account) -> Handled {
    work.notices.push(Notice::Account(account.clone()));
    hope(work, Scope::Account, None, account.verdict())
}

fn hope(work: &mut Work, scope: Scope, template: Option<String>, verdict: Verdict) -> Handled {
    if verdict != Verdict::Good {
        return Handled::Ignored;
    }
    work.better.push((scope, template));
    Handled::Applied
}
