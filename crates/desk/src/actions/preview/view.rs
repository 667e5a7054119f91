//! What a preview shows: the filled message, its lengths, the cut, and what WhatsApp would refuse.

use domain::approved_template::ApprovedTemplate;
use domain::message::{ContentChoice, MessageKind};
use domain::moment::Category;
use domain::preview::{self, LINES_BEFORE_CUT};
use domain::render::{Content, NoContent, Parameters};
use domain::resort::Resort;
use domain::template_text::{Filled, FilledText, Misfit, Part};
use serde::Serialize;

use super::{PreviewedGuest, Wanted, Words, content};

/// The preview of one message to one guest, as commands print it.
#[derive(Serialize)]
pub(crate) struct PreviewView {
    pub(crate) resort: String,
    pub(crate) kind: MessageKind,
    /// A sample guest, or `booking`.
    pub(crate) guest: &'static str,
    /// The guest's.
    pub(crate) language: Option<String>,
    /// Name and language of the template; `None`: free text, or nothing is sent.
    pub(crate) template: Option<String>,
    /// By the resort's file.
    pub(crate) category: &'static str,
    /// Of the template in the account.
    pub(crate) status: Option<String>,
    /// The kind has no template for the guest, or the fallback was asked for.
    pub(crate) is_fallback: bool,
    /// Why the guest gets nothing.
    pub(crate) not_sent: Option<&'static str>,
    /// `None`: the template's words are not known.
    pub(crate) message: Option<MessageView>,
    pub(crate) why_no_text: Option<String>,
    /// Place and value of each parameter, in order: `body 1`, `body first_name`, `button`.
    pub(crate) parameters: Vec<(String, String)>,
    /// What makes WhatsApp refuse the message.
    pub(crate) problems: Vec<String>,
    /// What became of it, where it was sent to a test number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sent: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct MessageView {
    header: Option<String>,
    body: String,
    pub(crate) footer: Option<String>,
    pub(crate) buttons: Vec<ButtonView>,
    /// The body on a phone.
    pub(crate) lines: usize,
    /// "Read more" follows this line.
    pub(crate) cut_after: Option<usize>,
    pub(crate) lengths: Vec<LengthView>,
    /// With the places of the values, for a terminal.
    #[serde(skip)]
    pub(crate) shown: Filled,
}

#[derive(Serialize)]
pub(crate) struct ButtonView {
    pub(crate) label: String,
    pub(crate) url: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct LengthView {
    pub(crate) part: &'static str,
    pub(crate) count: usize,
    pub(crate) max: usize,
}

impl PreviewView {
    pub(crate) fn of(resort: &Resort, wanted: Wanted, guest: &PreviewedGuest, words: &Words) -> Self {
        let kind = wanted.kind;
        let language = guest.facts.language_tag();
        let has_own =
            wanted.content == ContentChoice::Template && resort.template(kind, language.as_ref()).is_some();
        let is_marketing = resort.is_marketing(kind);
        let category = if is_marketing {
            Category::Marketing
        } else {
            Category::Utility
        };
        let mut view = Self {
            resort: resort.id.to_string(),
            kind,
            guest: guest.name,
            is_fallback: kind.has_templates() && !has_own,
            language: language.map(|language| language.as_str().to_owned()),
            template: None,
            category: category.as_str(),
            status: None,
            not_sent: None,
            message: None,
            why_no_text: None,
            parameters: Vec::new(),
            problems: Vec::new(),
            sent: None,
        };
        match content(resort, wanted, guest) {
            Err(NoContent::Skip(reason)) => view.not_sent = Some(reason.as_str()),
            Err(NoContent::TemplateMissing) => view.not_sent = Some("template_missing"),
            Ok(content) => view.fill(&content, words, is_marketing),
        }
        view
    }

    fn fill(&mut self, content: &Content, words: &Words, is_marketing: bool) {
        let Content::Template {
            name,
            language_code,
            header,
            body,
            button_url,
            ..
        } = content
        else {
            if let Content::Text(text) = content {
                let filled = Filled {
                    body: FilledText::of(text),
                    ..Filled::default()
                };
                self.message = Some(MessageView::of(filled, is_marketing));
            }
            return;
        };
        self.template = content.template();
        self.parameters = [parameters("header", header), parameters("body", body)].concat();
        self.parameters.extend(
            button_url
                .iter()
                .map(|suffix| ("button".to_owned(), suffix.clone())),
        );
        let known = match words {
            Words::Unknown(reason) => {
                self.why_no_text = Some(reason.clone());
                return;
            }
            Words::Known(known) => known,
        };
        let is_it = |one: &&ApprovedTemplate| one.name == *name && one.language_code == *language_code;
        let Some(approved) = known.iter().find(is_it) else {
            self.why_no_text = Some("the account does not have it".to_owned());
            self.problems.push(
                "the account has no such template in this language: WhatsApp refuses it (132001)".to_owned(),
            );
            return;
        };
        if approved.status != "APPROVED" {
            self.problems.push(format!(
                "its status is {}, not APPROVED: WhatsApp may refuse it",
                approved.status
            ));
        }
        self.status = Some(approved.status.clone());
        let filled = approved.text.fill(content);
        self.problems.extend(filled.misfits.iter().map(misfit));
        let too_long = preview::lengths(&filled)
            .into_iter()
            .filter(preview::Length::is_too_long);
        self.problems.extend(too_long.map(|length| {
            let preview::Length { part, count, max } = length;
            format!("the {part} has {count} characters, and WhatsApp takes {max} (132005)")
        }));
        self.message = Some(MessageView::of(filled, is_marketing));
    }
}

impl MessageView {
    fn of(filled: Filled, is_marketing: bool) -> Self {
        let lines = preview::lines(&filled.body).len();
        let buttons = filled.buttons.iter().map(|button| ButtonView {
            label: button.label.clone(),
            url: button.url.clone(),
        });
        let lengths = preview::lengths(&filled).into_iter().map(|length| LengthView {
            part: length.part,
            count: length.count,
            max: length.max,
        });
        Self {
            header: filled.header.as_ref().map(FilledText::plain),
            body: filled.body.plain(),
            footer: filled.footer.clone(),
            buttons: buttons.collect(),
            lines,
            cut_after: (is_marketing && lines > LINES_BEFORE_CUT).then_some(LINES_BEFORE_CUT),
            lengths: lengths.collect(),
            shown: filled,
        }
    }
}

fn parameters(part: &str, parameters: &Parameters) -> Vec<(String, String)> {
    match parameters {
        Parameters::Positional(values) => {
            let numbered = (1..).zip(values);
            numbered
                .map(|(number, value)| (format!("{part} {number}"), value.clone()))
                .collect()
        }
        Parameters::Named(values) => {
            let named = values.iter();
            named
                .map(|(name, value)| (format!("{part} {name}"), value.clone()))
                .collect()
        }
    }
}

fn misfit(misfit: &Misfit) -> String {
    let named = |part: &Part| match part {
        Part::Header => "header",
        Part::Body => "body",
        Part::Button => "button",
    };
    match misfit {
        Misfit::NoValue { part, variable } => format!(
            "the {} has {{{{{variable}}}}}, and the file gives no value for it (132000)",
            named(part)
        ),
        Misfit::NoVariable { part, values } => format!(
            "the file gives {values} values to the {} that it has no variable for (132000)",
            named(part)
        ),
    }
}
