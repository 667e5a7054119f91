//! A template as Meta approved it, compared with what a resort's file says of it.
//!
//! WhatsApp refuses a message whose parameters do not fit its template, for each guest again. The comparison finds that
//! before a guest waits for the message.

use std::collections::BTreeSet;

use crate::resort::{Template, Variables};
use crate::template_text::TemplateText;

/// A template of a business account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedTemplate {
    pub name: String,
    /// Meta's code: `en_US`, `de`.
    pub language_code: String,
    /// As Meta writes it: `APPROVED`, `PAUSED`, `REJECTED`, …
    pub status: String,
    /// As Meta writes it: `MARKETING`, `UTILITY`, `AUTHENTICATION`.
    pub category: String,
    pub header: Header,
    /// The names of the body's variables, or their numbers, each once.
    pub body: BTreeSet<String>,
    /// In their order; the first is button 0.
    pub buttons: Vec<Button>,
    /// Types of further components, such as `CAROUSEL`.
    pub other_components: Vec<String>,
    /// How long WhatsApp tries to deliver a message, in seconds; `None`: 30 days.
    pub time_to_live: Option<i64>,
    /// Its words, for people: [`compare`] does not need them.
    pub text: TemplateText,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    None,
    /// The names or numbers of its variables.
    Text(BTreeSet<String>),
    /// Its format: `IMAGE`, `VIDEO`, `DOCUMENT`, `LOCATION`.
    Media(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Button {
    Url {
        has_variable: bool,
    },
    /// It needs a parameter that we never send; the text is its type: `COPY_CODE`, `FLOW`, …
    NeedsParameter(String),
    QuickReply,
    /// Needs nothing.
    Plain,
}

/// What the file uses the template for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Marketing,
    Utility,
    /// The fallback for every kind of message.
    Fallback,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Header,
    Body,
}

/// One difference between the file and the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// The template is not approved; its status.
    Status(String),
    /// The template's category is not that of its purpose.
    Category(String),
    /// The numbers of variables.
    Count {
        place: Place,
        file: usize,
        account: usize,
    },
    /// The account names the variables and the file numbers them, or the other way round.
    Form { place: Place, account_names: bool },
    /// Names that the file lacks, and names that the account does not know.
    Names {
        place: Place,
        missing: Vec<String>,
        unknown: Vec<String>,
    },
    /// The header is no text; its format.
    MediaHeader(String),
    /// The file has `button_url`, and button 0 has no URL with a variable.
    NoButton,
    /// The URL of button 0 has a variable, and the file has no `button_url`.
    ButtonUrlMissing,
    /// The button with this index needs a parameter that is never sent.
    Button { index: usize, kind: String },
    /// The file names a payload for the button with this index, which is no quick reply.
    Reply { index: usize },
    /// The template has a component that is never filled in.
    Component(String),
    /// A marketing template without a time to live.
    NoTimeToLive,
}

/// Every difference between a template of the file and the same one in the account.
pub fn compare(file: &Template, purpose: Purpose, account: &ApprovedTemplate) -> Vec<Mismatch> {
    let mut found = Vec::new();
    if account.status != "APPROVED" {
        found.push(Mismatch::Status(account.status.clone()));
    }
    if !fits(purpose, &account.category) {
        found.push(Mismatch::Category(account.category.clone()));
    }
    match &account.header {
        Header::None => found.extend(variables(Place::Header, &file.header, &BTreeSet::new())),
        Header::Text(known) => found.extend(variables(Place::Header, &file.header, known)),
        Header::Media(format) => found.push(Mismatch::MediaHeader(format.clone())),
    }
    found.extend(variables(Place::Body, &file.body, &account.body));
    found.extend(buttons(file, account));
    let others = account.other_components.iter().cloned();
    found.extend(others.map(Mismatch::Component));
    if purpose == Purpose::Marketing && account.category == "MARKETING" && account.time_to_live.is_none() {
        found.push(Mismatch::NoTimeToLive);
    }
    found
}

fn fits(purpose: Purpose, category: &str) -> bool {
    match purpose {
        Purpose::Marketing => category == "MARKETING",
        // The fallback also stands in for confirmations.
        Purpose::Utility | Purpose::Fallback => category == "UTILITY",
    }
}

fn variables(place: Place, file: &Variables, account: &BTreeSet<String>) -> Option<Mismatch> {
    let count = Mismatch::Count {
        place,
        file: file.count(),
        account: account.len(),
    };
    if file.count() == 0 || account.is_empty() {
        return (file.count() != account.len()).then_some(count);
    }
    let is_number = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    let account_names = !account.iter().all(is_number);
    match file {
        Variables::Positional(_) if account_names => Some(Mismatch::Form { place, account_names }),
        Variables::Named(_) if !account_names => Some(Mismatch::Form { place, account_names }),
        Variables::Positional(given) => (given.len() != account.len()).then_some(count),
        Variables::Named(given) => {
            let missing: Vec<_> = account
                .iter()
                .filter(|name| !given.contains_key(*name))
                .cloned()
                .collect();
            let unknown: Vec<_> = given
                .keys()
                .filter(|name| !account.contains(*name))
                .cloned()
                .collect();
            let differ = !missing.is_empty() || !unknown.is_empty();
            differ.then_some(Mismatch::Names {
                place,
                missing,
                unknown,
            })
        }
    }
}

fn buttons(file: &Template, account: &ApprovedTemplate) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let first_takes_url = account.buttons.first() == Some(&Button::Url { has_variable: true });
    match (file.button_url.is_some(), first_takes_url) {
        (true, false) => found.push(Mismatch::NoButton),
        (false, true) => found.push(Mismatch::ButtonUrlMissing),
        _ => {}
    }
    for (index, button) in account.buttons.iter().enumerate() {
        let kind = match button {
            Button::NeedsParameter(kind) => kind.as_str(),
            Button::Url { has_variable: true } if index > 0 => "URL",
            Button::Url { .. } | Button::QuickReply | Button::Plain => continue,
        };
        found.push(Mismatch::Button {
            index,
            kind: kind.to_owned(),
        });
    }
    let first_reply = usize::from(file.button_url.is_some());
    let expected = (first_reply..).take(file.replies.len());
    let wrong = expected.filter(|index| account.buttons.get(*index) != Some(&Button::QuickReply));
    found.extend(wrong.map(|index| Mismatch::Reply { index }));
    found
}

/// The variables in a template's text, `{{1}}` or `{{first_name}}`, each once.
pub fn variables_of(text: &str) -> BTreeSet<String> {
    let after_braces = text.split("{{").skip(1);
    let names = after_braces.filter_map(|rest| rest.split_once("}}"));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resort::{Value, Variable};

    fn variable() -> Variable {
        Variable {
            value: Value::ResortName,
            or_else: None,
        }
    }

    fn positional(count: usize) -> Variables {
        Variables::Positional(vec![variable(); count])
    }

    fn named(names: &[&str]) -> Variables {
        let named = names.iter().map(|name| ((*name).to_owned(), variable()));
        Variables::Named(named.collect())
    }

    fn file() -> Template {
        Template {
            name: "booking_reminder_1".to_owned(),
            language_code: "en_US".to_owned(),
            header: positional(1),
            body: positional(2),
            button_url: Some(variable()),
            replies: Vec::new(),
        }
    }

    fn account() -> ApprovedTemplate {
        ApprovedTemplate {
            name: "booking_reminder_1".to_owned(),
            language_code: "en_US".to_owned(),
            status: "APPROVED".to_owned(),
            category: "MARKETING".to_owned(),
            header: Header::Text(variables_of("{{1}}")),
            body: variables_of("Hi {{1}}, {{2}} waits. Yes, {{1}}, you."),
            buttons: vec![Button::Url { has_variable: true }, Button::QuickReply],
            other_components: Vec::new(),
            time_to_live: Some(86_400),
            text: TemplateText::default(),
        }
    }

    /// Checks the differences between a changed file or account and the other one unchanged.
    fn check(change: impl Fn(&mut Template, &mut ApprovedTemplate), expected: &[Mismatch]) {
        let (mut file, mut account) = (file(), account());
        change(&mut file, &mut account);

        assert_eq!(compare(&file, Purpose::Marketing, &account), expected);
    }

    #[test]
    fn a_template_that_fits_has_no_differences() {
        check(|_, _| {}, &[]);
        check(
            |file, account| {
                file.body = named(&["first_name", "place"]);
                file.header = named(&["place"]);
                account.body = variables_of("Hi {{first_name}}, {{place}} waits.");
                account.header = Header::Text(variables_of("{{place}}"));
            },
            &[],
        );
        check(
            |file, account| {
                (file.header, file.button_url) = (positional(0), None);
                (account.header, account.buttons) = (Header::None, vec![Button::Url { has_variable: false }]);
            },
            &[],
        );
    }

    #[test]
    fn variables_are_compared_by_their_number_their_form_and_their_names() {
        let count = |place, file, account| Mismatch::Count { place, file, account };
        check(|file, _| file.body = positional(1), &[count(Place::Body, 1, 2)]);
        check(
            |file, _| file.header = positional(0),
            &[count(Place::Header, 0, 1)],
        );
        check(
            |_, account| account.header = Header::None,
            &[count(Place::Header, 1, 0)],
        );
        check(
            |file, _| file.body = named(&["a", "b"]),
            &[Mismatch::Form {
                place: Place::Body,
                account_names: false,
            }],
        );
        check(
            |_, account| account.body = variables_of("{{first_name}} {{place}}"),
            &[Mismatch::Form {
                place: Place::Body,
                account_names: true,
            }],
        );
        check(
            |file, account| {
                file.body = named(&["first_name", "hotel"]);
                account.body = variables_of("{{first_name}} {{place}}");
            },
            &[Mismatch::Names {
                place: Place::Body,
                missing: vec!["place".to_owned()],
                unknown: vec!["hotel".to_owned()],
            }],
        );
        check(
            |_, account| account.header = Header::Media("IMAGE".to_owned()),
            &[Mismatch::MediaHeader("IMAGE".to_owned())],
        );
    }

    #[test]
    fn buttons_take_what_the_file_gives_and_nothing_else() {
        check(
            |_, account| account.buttons = vec![Button::Plain],
            &[Mismatch::NoButton],
        );
        check(|file, _| file.button_url = None, &[Mismatch::ButtonUrlMissing]);
        check(|file, _| file.replies = vec!["fine".to_owned()], &[]);
        check(
            |file, _| file.replies = vec!["fine".to_owned(), "help".to_owned()],
            &[Mismatch::Reply { index: 2 }],
        );
        let button = |index, kind: &str| Mismatch::Button {
            index,
            kind: kind.to_owned(),
        };
        check(
            |_, account| account.buttons.push(Button::Url { has_variable: true }),
            &[button(2, "URL")],
        );
        check(
            |_, account| account.buttons[1] = Button::NeedsParameter("COPY_CODE".to_owned()),
            &[button(1, "COPY_CODE")],
        );
        check(
            |_, account| account.other_components = vec!["CAROUSEL".to_owned()],
            &[Mismatch::Component("CAROUSEL".to_owned())],
        );
    }

    #[test]
    fn status_category_and_time_to_live_are_judged_by_the_purpose() {
        check(
            |_, account| account.status = "PAUSED".to_owned(),
            &[Mismatch::Status("PAUSED".to_owned())],
        );
        check(
            |_, account| account.category = "UTILITY".to_owned(),
            &[Mismatch::Category("UTILITY".to_owned())],
        );
        check(
            |_, account| account.time_to_live = None,
            &[Mismatch::NoTimeToLive],
        );
        let utility = ApprovedTemplate {
            category: "UTILITY".to_owned(),
            time_to_live: None,
            ..account()
        };
        for (purpose, account, expected) in [
            (Purpose::Utility, &utility, vec![]),
            (Purpose::Fallback, &utility, vec![]),
            (
                Purpose::Utility,
                &account(),
                vec![Mismatch::Category("MARKETING".to_owned())],
            ),
        ] {
            assert_eq!(compare(&file(), purpose, account), expected, "{purpose:?}");
        }
    }
}
