//! What WhatsApp notifies: delivery statuses, guests' messages, and news of accounts, numbers and templates.

use chrono::{DateTime, Utc};
use domain::after_call::Scope;
use domain::consent::ConsentChange;
use domain::guest::GuestName;
use domain::ids::{NumberId, WhatsAppMessageId};
use domain::message_record::Report;
use store::template_categories::CategoryReport;
use whatsapp::error_codes;
use whatsapp::notification::{
    self, Account, Assessment, Choice, Inbound, Number, Preference, ReportedStatus, Status, Template,
    TemplateChange,
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
        pricing: status.pricing.clone(),
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
    let (at, at_latest) = notification::happened(at, arrived.received_at);
    let update = GuestUpdate {
        event: arrived.key.clone(),
        number: number.clone(),
        names,
        answers,
        at,
        at_latest,
        act,
        is_erased: arrived.erased_at.is_some(),
    };
    Effects {
        guest_updates: vec![update],
        ..Effects::default()
    }
}

/// A template was judged: what waits for it may try at once, if the news is good. A new category is learnt once it is in
/// force.
pub(super) fn process_template(template: &Template, received_at: DateTime<Utc>) -> Effects {
    let mut effects = Effects::of_notice(Notice::Template(template.clone()));
    let Some(key) = template.key() else {
        return effects;
    };
    if template.assessment() == Assessment::Good {
        effects.recovered.push((Scope::Template, Some(key.clone())));
    }
    if let (TemplateChange::Category(category), false) = (&template.change, template.is_announced) {
        effects.categories.push(CategoryReport {
            template: key,
            account: template.account.clone().unwrap_or_default(),
            at: template.at.unwrap_or(received_at).min(received_at),
            category: category.clone(),
        });
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
