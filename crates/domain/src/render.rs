//! Writes a message: chooses the template or text and its language, and fills in the values.
//!
//! Dates and money are written in the language of the chosen template.

mod format;
mod link;
pub(crate) mod staff_answer;
#[cfg(test)]
mod tests;
mod untrusted_text;

use std::collections::BTreeMap;
use std::fmt;

use crate::facts::Facts;
use crate::ids::BookingId;
use crate::message::{ContentChoice, MessageKind, MomentName, Reason};
use crate::moment::QuickReply;
use crate::resort::{Language, Resort, Template, Value, Variable, Variables};

/// What WhatsApp is asked to show. Personal data: `Debug` shows the template's name only.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    Template {
        name: String,
        language_code: String,
        /// At most one parameter.
        header: Parameters,
        body: Parameters,
        /// The text after the approved URL of button 0, percent-encoded.
        button_url: Option<String>,
        /// What WhatsApp sends back when the guest presses a quick reply ([`QuickReply`]), in the order of the
        /// buttons; they follow the URL's.
        replies: Vec<String>,
    },
    /// Free text, allowed only inside the guest's 24-hour window.
    Text(String),
}

#[derive(Clone, PartialEq, Eq)]
pub enum Parameters {
    Positional(Vec<String>),
    /// By Meta's parameter name.
    Named(Vec<(String, String)>),
}

impl Content {
    /// The template and its language, `booking_reminder_1/en_US`; `None` for free text.
    pub fn template(&self) -> Option<String> {
        match self {
            Self::Template {
                name, language_code, ..
            } => Some(format!("{name}/{language_code}")),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Template {
                name, language_code, ..
            } => write!(f, "template {name} ({language_code})"),
            Self::Text(_) => f.write_str("text"),
        }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// Whether the guest wrote to this number within the last 24 hours, so that free text is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceWindow {
    Open,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoContent {
    /// The message is skipped, for this reason.
    Skip(Reason),
    /// Neither the kind nor the fallback has content for this guest. The message waits, with an alert.
    TemplateMissing,
}

/// What a message is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub kind: MessageKind,
    pub booking: &'a BookingId,
    pub facts: &'a Facts,
    pub resort: &'a Resort,
}

/// Writes a message, or says why that is not possible.
pub fn content(
    subject: Subject<'_>,
    turn: ContentChoice,
    window: ServiceWindow,
) -> Result<Content, NoContent> {
    let (resort, kind) = (subject.resort, subject.kind);
    let guest = subject.facts.language_tag();
    if kind == MessageKind::StopConfirmation {
        return answer_to_stop(subject, guest.as_ref(), window);
    }
    if let (ContentChoice::Template, Some((language, template))) =
        (turn, resort.template(kind, guest.as_ref()))
    {
        return fill(subject, language, template);
    }
    if let (ServiceWindow::Open, Some((language, text))) =
        (window, resort.fallback_text(kind, guest.as_ref()))
    {
        return fill_text(subject, language, text);
    }
    match resort.fallback_template(guest.as_ref()) {
        Some((language, template)) => fill(subject, language, template),
        None => Err(NoContent::TemplateMissing),
    }
}

/// Free text or nothing: a guest who opts out must not get a template for that.
fn answer_to_stop(
    subject: Subject<'_>,
    guest: Option<&Language>,
    window: ServiceWindow,
) -> Result<Content, NoContent> {
    match window {
        ServiceWindow::Open => {
            let (language, text) = subject.resort.stop_text(guest);
            fill_text(subject, &language, text)
        }
        ServiceWindow::Closed => Err(NoContent::Skip(Reason::WindowClosed)),
    }
}

/// Whether no value is missing for a message of this kind, whether the guest's window is open or not.
pub(crate) fn is_complete(subject: Subject<'_>) -> bool {
    [ServiceWindow::Open, ServiceWindow::Closed]
        .into_iter()
        .all(|window| {
            let content = content(subject, ContentChoice::Template, window);
            !matches!(content, Err(NoContent::Skip(Reason::MissingValue)))
        })
}

fn fill(subject: Subject<'_>, language: &Language, template: &Template) -> Result<Content, NoContent> {
    // Dates follow the template's own language: Meta's template of a `de` entry may be `de_AT`.
    let written_in = Language::parse(&template.language_code).unwrap_or_else(|| language.clone());
    let write = |variable: &Variable| {
        let text = text_of(subject, &written_in, &variable.value).or_else(|| variable.or_else.clone());
        text.map(|text| one_line(&text))
            .filter(|text| !text.is_empty())
            .ok_or(NoContent::Skip(Reason::MissingValue))
    };
    let header = parameters(&template.header, write)?;
    let body = parameters(&template.body, write)?;
    let button_url = template
        .button_url
        .as_ref()
        .map(write)
        .transpose()?
        .map(|suffix| link::encode(&suffix));
    let (name, language_code) = (template.name.clone(), template.language_code.clone());
    let replies = match subject.kind {
        MessageKind::Moment(moment) => quick_replies(moment, template),
        _ => Vec::new(),
    };
    Ok(Content::Template {
        name,
        language_code,
        header,
        body,
        button_url,
        replies,
    })
}

fn quick_replies(moment: MomentName, template: &Template) -> Vec<String> {
    let reply = |payload: &String| QuickReply {
        moment,
        payload: payload.clone(),
    };
    template
        .replies
        .iter()
        .map(|one| reply(one).to_string())
        .collect()
}

fn parameters(
    variables: &Variables,
    write: impl Fn(&Variable) -> Result<String, NoContent>,
) -> Result<Parameters, NoContent> {
    Ok(match variables {
        Variables::Positional(variables) => {
            Parameters::Positional(variables.iter().map(write).collect::<Result<_, _>>()?)
        }
        Variables::Named(variables) => Parameters::Named(
            variables
                .iter()
                .map(|(name, variable)| write(variable).map(|text| (name.clone(), text)))
                .collect::<Result<_, _>>()?,
        ),
    })
}

fn fill_text(subject: Subject<'_>, language: &Language, text: &str) -> Result<Content, NoContent> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else {
            break;
        };
        let found = Value::parse(name.trim()).and_then(|wanted| text_of(subject, language, &wanted));
        filled.push_str(before);
        filled.push_str(&one_line(&found.ok_or(NoContent::Skip(Reason::MissingValue))?));
        rest = tail;
    }
    filled.push_str(rest);
    Ok(Content::Text(filled))
}

/// The text of a value, or `None` if the facts or the resort do not have it.
///
/// A text that a guest or a platform wrote counts as missing if WhatsApp would show a part of it as a link. The
/// resort's own values are trusted; the host of the booking's link was checked when the event arrived.
pub(crate) fn text_of(subject: Subject<'_>, language: &Language, wanted: &Value) -> Option<String> {
    let (facts, resort) = (subject.facts, subject.resort);
    let name = || facts.name.as_ref().map(|fact| fact.value.reveal());
    let url = || facts.resume_url.as_ref().map(|fact| fact.value.reveal());
    let (check_in, check_out) = facts.dates();
    match wanted {
        Value::GuestName => name().and_then(untrusted_text::without_links),
        Value::GuestFirstName => name()
            .and_then(|name| name.split_whitespace().next())
            .and_then(untrusted_text::without_links),
        Value::ResortName => Some(resort.name.clone()),
        Value::Own(key) => resort.values.get(key).cloned(),
        Value::BookingId => untrusted_text::without_links(subject.booking.as_str()),
        Value::ResumeUrl => url().map(str::to_owned),
        Value::ResumePath => url().and_then(link::path_of),
        Value::CheckIn => check_in.and_then(|day| format::date(day, language)),
        Value::CheckOut => check_out.and_then(|day| format::date(day, language)),
        Value::Nights => {
            let nights = check_out?.signed_duration_since(check_in?).num_days();
            (nights > 0).then(|| nights.to_string())
        }
        Value::Guests => facts.guests.as_ref().map(|fact| fact.value.to_string()),
        Value::Room => facts
            .room
            .as_ref()
            .and_then(|fact| untrusted_text::without_links(&fact.value)),
        Value::Total => facts
            .total
            .as_ref()
            .and_then(|fact| format::money(&fact.value, language)),
    }
}

/// Turns every run of blanks, line breaks and tabs into one blank: WhatsApp refuses other text in a template's
/// parameters (Meta, template components).
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The values that a text names in braces; `Err` holds the first unknown name.
pub fn placeholders(text: &str) -> Result<Vec<Value>, String> {
    let mut found = BTreeMap::new();
    for piece in text.split('{').skip(1) {
        let name = piece
            .split_once('}')
            .map(|(name, _)| name.trim())
            .ok_or_else(|| piece.to_owned())?;
        found.insert(
            name.to_owned(),
            Value::parse(name).ok_or_else(|| name.to_owned())?,
        );
    }
    Ok(found.into_values().collect())
}
