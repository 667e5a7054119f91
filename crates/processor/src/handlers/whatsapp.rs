//! What WhatsApp notifies: delivery statuses, guests' messages, and news of accounts, numbers and templates.

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

use super::Notified;
use crate::effects::{Effects, GuestAct, GuestUpdate};
use crate::notices::Notice;

/// The status of a message of ours. A status that we do not know changes nothing.
pub(super) fn process_status(status: &Status, received_at: DateTime<Utc>) -> Effects {
    let ReportedStatus::Known(reported) = &status.status else {
        return Effects::default();
    };
    let report = Report {
        callback: status.call(),
        whatsapp_id: status.id.clone(),
        status: *reported,
        at: status.at.unwrap_or(received_at).min(received_at),
        failure: status
            .error
            .as_ref()
            .map(|error| error_codes::failure(error.code)),
        names: status.names(),
    };
    Effects {
        reports: vec![report],
        ..Effects::default()
    }
}

/// Opens the guest's 24-hour window, unless they were erased since, and may stop or start marketing. A message in a group
/// does neither. A change of the guest's number or user id takes the stops along.
pub(super) fn process_inbound_message(inbound: &Inbound, arrived: &Notified<'_>) -> Effects {
    let new_names = inbound.new_names();
    let act = if inbound.is_to_us() {
        GuestAct::Wrote(Box::new(inbound.clone()))
    } else if !inbound.in_group && !new_names.is_empty() {
        GuestAct::Renamed(new_names)
    } else {
        return Effects::default();
    };
    let writer = (inbound.names(), inbound.answers.clone(), inbound.at);
    guest_update(arrived, inbound.number.as_ref(), writer, act)
}

/// The guest used WhatsApp's own switch for marketing messages.
pub(super) fn process_preference(preference: &Preference, arrived: &Notified<'_>) -> Effects {
    let act = match &preference.choice {
        Choice::Stop => GuestAct::Chose(ConsentChange::Stop),
        Choice::Resume => GuestAct::Chose(ConsentChange::Start),
        Choice::Other(_) => return Effects::default(),
    };
    let writer = (preference.names(), None, preference.at);
    guest_update(arrived, preference.number.as_ref(), writer, act)
}

/// The writer's names, the message that they answer, and when.
type Writer = (Vec<GuestName>, Option<WhatsAppMessageId>, Option<DateTime<Utc>>);

fn guest_update(
    arrived: &Notified<'_>,
    number: Option<&NumberId>,
    (names, answers, at): Writer,
    act: GuestAct,
) -> Effects {
    let Some(number) = number.filter(|_| !names.is_empty() || answers.is_some()) else {
        return Effects::default();
    };
    let update = GuestUpdate {
        event: arrived.key.clone(),
        number: number.clone(),
        names,
        answers,
        at: at.unwrap_or(arrived.received_at).min(arrived.received_at),
        act,
        is_erased: arrived.erased_at.is_some(),
    };
    Effects {
        guest_updates: vec![update],
        ..Effects::default()
    }
}

/// A template was judged: what waits for it may try at once, if the news is good.
pub(super) fn process_template(template: &Template) -> Effects {
    let mut effects = Effects::of_notice(Notice::Template(template.clone()));
    if let (Some(language), Assessment::Good) = (&template.language, template.assessment()) {
        let name = format!("{}/{language}", template.name);
        effects.recovered.push((Scope::Template, Some(name)));
    }
    effects
}

/// News of a business number. WhatsApp names it by its display number, our files by its id, so all numbers may try at once.
pub(super) fn process_number(number: &Number) -> Effects {
    let notice = Notice::Number(number.clone());
    news(notice, Scope::Number, number.assessment())
}

/// News of the business account.
pub(super) fn process_account(account: &Account) -> Effects {
    let notice = Notice::Account(account.clone());
    news(notice, Scope::Account, account.assessment())
}

fn news(notice: Notice, scope: Scope, assessment: Assessment) -> Effects {
    let mut effects = Effects::of_notice(notice);
    if assessment == Assessment::Good {
        effects.recovered.push((scope, None));
    }
    effects
}
