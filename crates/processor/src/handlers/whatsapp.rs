//! What WhatsApp notifies: how far messages came, and what guests answer.

use chrono::{DateTime, Utc};
use domain::after_call::Scope;
use domain::consent::ConsentChange;
use domain::guest::GuestName;
use domain::ids::{NumberId, WhatsAppMessageId};
use domain::message_record::Report;
use whatsapp::error_codes;
use whatsapp::notification::{
    Account, Assessment, Choice, Inbound, Number, Preference, ReportedStatus, Status, Template,
};

use super::{Handled, Notified};
use crate::notices::Notice;
use crate::work::Work;
use crate::writers::{Act, Heard};

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
        names: status.names(),
    });
    Handled::Applied
}

/// Opens the guest's 24-hour window, unless they were erased since, and may stop or start marketing. A message in a group
/// does neither. A change of the guest's number or user id takes the stops along.
pub(super) fn process_inbound_message(work: &mut Work, inbound: &Inbound, arrived: &Notified<'_>) -> Handled {
    let new_names = inbound.new_names();
    let act = if inbound.is_to_us() {
        Act::Wrote(Box::new(inbound.clone()))
    } else if !inbound.in_group && !new_names.is_empty() {
        Act::Renamed(new_names)
    } else {
        return Handled::Ignored;
    };
    let (names, answers) = (inbound.names(), inbound.answers.clone());
    hear(
        work,
        arrived,
        inbound.number.as_ref(),
        (names, answers, inbound.at),
        act,
    )
}

/// The guest used WhatsApp's own switch for marketing messages.
pub(super) fn process_preference(
    work: &mut Work,
    preference: &Preference,
    arrived: &Notified<'_>,
) -> Handled {
    let act = match &preference.choice {
        Choice::Stop => Act::Chose(ConsentChange::Stop),
        Choice::Resume => Act::Chose(ConsentChange::Start),
        Choice::Other(_) => return Handled::Ignored,
    };
    let told = (preference.names(), None, preference.at);
    hear(work, arrived, preference.number.as_ref(), told, act)
}

/// Who it is, what they answer, and when.
type Told = (Vec<GuestName>, Option<WhatsAppMessageId>, Option<DateTime<Utc>>);

fn hear(
    work: &mut Work,
    arrived: &Notified<'_>,
    number: Option<&NumberId>,
    (names, answers, at): Told,
    act: Act,
) -> Handled {
    let Some(number) = number.filter(|_| !names.is_empty() || answers.is_some()) else {
        return Handled::Ignored;
    };
    work.heard.push(Heard {
        event: arrived.key.clone(),
        number: number.clone(),
        names,
        answers,
        at: at.unwrap_or(arrived.received_at).min(arrived.received_at),
        act,
        is_erased: arrived.erased_at.is_some(),
    });
    Handled::Applied
}

/// A template was judged: what waits for it may try at once, if the news is good.
pub(super) fn process_template(work: &mut Work, template: &Template) -> Handled {
    work.notices.push(Notice::Template(template.clone()));
    match &template.language {
        Some(language) => {
            let name = format!("{}/{language}", template.name);
            hope(work, Scope::Template, Some(name), template.assessment())
        }
        None => Handled::Ignored,
    }
}

/// News of a business number. WhatsApp names it otherwise than our files do, so all numbers may try at once.
pub(super) fn process_number(work: &mut Work, number: &Number) -> Handled {
    work.notices.push(Notice::Number(number.clone()));
    hope(work, Scope::Number, None, number.assessment())
}

/// News of the business account.
pub(super) fn process_account(work: &mut Work, account: &Account) -> Handled {
    work.notices.push(Notice::Account(account.clone()));
    hope(work, Scope::Account, None, account.assessment())
}

fn hope(work: &mut Work, scope: Scope, template: Option<String>, assessment: Assessment) -> Handled {
    if assessment != Assessment::Good {
        return Handled::Ignored;
    }
    work.better.push((scope, template));
    Handled::Applied
}
