//! Meta's news of accounts, numbers and templates as log lines, written once: after the commit of the transaction that
//! applied them. A line written inside the transaction would repeat with each retry and for each known duplicate.

use whatsapp::notification::{Account, Assessment, Number, Restriction, Template};

/// One piece of news for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    Template(Template),
    Number(Number),
    Account(Account),
}

impl Notice {
    /// Writes one line into the log; bad news is an alert.
    pub(crate) fn log(&self) {
        match self {
            Self::Template(template) => log_template(template),
            Self::Number(number) => log_number(number),
            Self::Account(account) => log_account(account),
        }
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
