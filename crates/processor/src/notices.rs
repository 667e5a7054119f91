//! Meta's news of accounts, numbers and templates, and guests' answers, as log lines, written once: after the commit of the transaction that
//! applied them. A line written inside the transaction would repeat with each retry and for each known duplicate.

use domain::ids::{BookingKey, NumberId};
use domain::message::MomentName;
use whatsapp::notification::{Account, Assessment, Number, Restriction, Template};

/// One piece of news for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    Template(Template),
    Number(Number),
    Account(Account),
    Answered(Answered),
    /// A guest wrote to this business number, and nobody's words of theirs waited before.
    Waiting(NumberId),
}

/// A guest answered the question of a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) booking: BookingKey,
    pub(crate) moment: MomentName,
    /// The reply, where the resort's file has it.
    pub(crate) choice: Option<String>,
    /// Whether the file says that this reply wants a person.
    pub(crate) needs_person: bool,
}

impl Notice {
    /// Writes one line into the log; bad news is an alert.
    pub(crate) fn log(&self) {
        match self {
            Self::Template(template) => log_template(template),
            Self::Number(number) => log_number(number),
            Self::Account(account) => log_account(account),
            Self::Answered(answered) => log_answer(answered),
            Self::Waiting(number) => log::warn!(number = number.as_str(), alert = "guest_waits";
                "a guest wrote and waits for an answer; their reminders are paused"),
        }
    }
}

fn log_answer(answered: &Answered) {
    let (booking, moment) = (answered.booking.to_string(), answered.moment.as_str());
    let choice = answered.choice.as_deref().unwrap_or("unknown");
    if answered.needs_person {
        log::error!("booking.id" = booking, moment = moment, choice = choice, alert = "guest_needs_person";
            "a guest's answer to a question wants a person");
    } else {
        log::info!("booking.id" = booking, moment = moment, choice = choice, event = "question_answered";
            "a guest answered a question");
    }
}

fn log_template(template: &Template) {
    let Template {
        name,
        language,
        reason,
        account,
        ..
    } = template;
    let news = template.news();
    match template.assessment() {
        Assessment::Bad => {
            log::error!(template = name, language = language, news = news, reason = reason, account = account,
            alert = "template_problem"; "WhatsApp reports a problem with a template")
        }
        assessment => {
            log::info!(template = name, language = language, news = news, reason = reason, account = account,
            verdict = assessment.as_str(), event = "template_changed"; "WhatsApp reports a change of a template")
        }
    }
}

fn log_number(number: &Number) {
    let Number {
        display_number,
        event,
        limit,
        account,
        ..
    } = number;
    match number.assessment() {
        Assessment::Bad => {
            log::error!(number = display_number, news = event, limit = limit, account = account,
            alert = "number_problem"; "WhatsApp reports a problem with a business number")
        }
        assessment => log::info!(number = display_number, news = event, limit = limit, account = account,
            verdict = assessment.as_str(), event = "number_changed"; "WhatsApp reports a change of a business number"),
    }
}

fn log_account(account: &Account) {
    let Account {
        account: id,
        event,
        reason,
        restrictions,
        ..
    } = account;
    let restricted: Vec<String> = restrictions.iter().map(restriction).collect();
    let restricted = restricted.join(", ");
    match account.assessment() {
        Assessment::Bad => log::error!(account = id, news = event, reason = reason, restricted = restricted,
            alert = "account_problem"; "WhatsApp reports a problem with the business account"),
        assessment => log::info!(account = id, news = event, reason = reason, restricted = restricted,
            verdict = assessment.as_str(), event = "account_changed"; "WhatsApp reports a change of the business account"),
    }
}

fn restriction(restriction: &Restriction) -> String {
    match restriction.until {
        Some(until) => format!("{} until {}", restriction.name, until.to_rfc3339()),
        None => restriction.name.clone(),
    }
}
