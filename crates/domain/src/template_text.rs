//! The words of a template, and the words with the values of one message in their places.

use std::fmt;

use crate::approved_template::variables_of;
use crate::render::{Content, Parameters};

/// What Meta approved. A variable is `{{1}}` or `{{first_name}}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateText {
    pub header: Option<String>,
    pub body: String,
    pub footer: Option<String>,
    /// In their order.
    pub buttons: Vec<ButtonText>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ButtonText {
    pub label: String,
    /// `None`: it opens no address.
    pub url: Option<String>,
}

/// A part of a filled text.
///
/// Personal data: it has no `Debug` that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Piece {
    pub text: String,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Words of the template.
    Template,
    /// A value of this message, maybe in another script.
    Value,
}

/// A text whose variables have their values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FilledText(pub Vec<Piece>);

/// The whole message.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Filled {
    pub header: Option<FilledText>,
    pub body: FilledText,
    pub footer: Option<String>,
    pub buttons: Vec<ButtonText>,
    /// Where values and variables do not fit each other; WhatsApp refuses such a message.
    pub misfits: Vec<Misfit>,
}

/// A part of a template that has variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Header,
    Body,
    Button,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// The variable gets no value.
    NoValue { part: Part, variable: String },
    /// So many values have no variable.
    NoVariable { part: Part, values: usize },
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} •••", self.origin)
    }
}

impl fmt::Debug for FilledText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl fmt::Debug for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a filled template with {} misfits", self.misfits.len())
    }
}

impl FilledText {
    /// The text as WhatsApp shows it.
    pub fn plain(&self) -> String {
        self.0.iter().map(|piece| piece.text.as_str()).collect()
    }

    /// A text without variables.
    pub fn of(text: &str) -> Self {
        Self(vec![Piece {
            text: text.to_owned(),
            origin: Origin::Template,
        }])
    }

    /// Its characters, as Meta counts them against its limits.
    pub fn count(&self) -> usize {
        self.0.iter().map(|piece| piece.text.chars().count()).sum()
    }
}

impl TemplateText {
    /// Puts the values of a message into the template; a free text stays as it is.
    pub fn fill(&self, content: &Content) -> Filled {
        let Content::Template {
            header,
            body,
            button_url,
            ..
        } = content
        else {
            return Filled::default();
        };
        let mut misfits = Vec::new();
        let filled_header = fill(self.header.as_deref().unwrap_or_default(), header);
        let filled_body = fill(&self.body, body);
        misfits.extend(filled_header.1.misfits(Part::Header));
        misfits.extend(filled_body.1.misfits(Part::Body));
        // Only the first button gets a value, whatever its variable is called.
        let mut suffix = button_url.as_ref();
        let mut buttons = self.buttons.clone();
        for (index, button) in buttons.iter_mut().enumerate() {
            let Some(url) = &mut button.url else { continue };
            let variable = variables_of(url).pop_first();
            let value = variable.filter(|_| index == 0).zip(suffix);
            let value = value.map(|(variable, value)| (variable, value.clone()));
            suffix = suffix.filter(|_| value.is_none());
            let (filled, used) = fill(url, &Parameters::Named(value.into_iter().collect()));
            *url = filled.plain();
            misfits.extend(used.misfits(Part::Button));
        }
        misfits.extend(suffix.map(|_| Misfit::NoVariable {
            part: Part::Button,
            values: 1,
        }));
        Filled {
            header: self.header.is_some().then_some(filled_header.0),
            body: filled_body.0,
            footer: self.footer.clone(),
            buttons,
            misfits,
        }
    }
}

/// Which variables got no value, and how many values had no variable.
#[derive(Default)]
struct Use {
    without_value: Vec<String>,
    unused: usize,
}

impl Use {
    fn misfits(self, part: Part) -> impl Iterator<Item = Misfit> {
        let unused = (self.unused > 0).then_some(Misfit::NoVariable {
            part,
            values: self.unused,
        });
        let without = self.without_value.into_iter();
        without
            .map(move |variable| Misfit::NoValue { part, variable })
            .chain(unused)
    }
}

fn fill(text: &str, values: &Parameters) -> (FilledText, Use) {
    let (mut pieces, mut used, mut without_value) = (Vec::new(), Vec::new(), Vec::new());
    let mut push = |text: &str, origin| {
        if !text.is_empty() {
            pieces.push(Piece {
                text: text.to_owned(),
                origin,
            });
        }
    };
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{")
        && let Some((name, behind)) = after.split_once("}}")
    {
        push(before, Origin::Template);
        let name = name.trim();
        match values.get(name) {
            Some((place, value)) => {
                push(value, Origin::Value);
                used.push(place);
            }
            None => {
                push(&format!("{{{{{name}}}}}"), Origin::Template);
                if !without_value.contains(&name.to_owned()) {
                    without_value.push(name.to_owned());
                }
            }
        }
        rest = behind;
    }
    push(rest, Origin::Template);
    used.sort_unstable();
    used.dedup();
    let unused = values.count() - used.len();
    let used = Use {
        without_value,
        unused,
    };
    (FilledText(pieces), used)
}

impl Parameters {
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Positional(values) => values.len(),
            Self::Named(values) => values.len(),
        }
    }

    /// The place and the value of a variable.
    fn get(&self, variable: &str) -> Option<(usize, &str)> {
        match self {
            Self::Positional(values) => {
                let place = variable.parse::<usize>().ok()?.checked_sub(1)?;
                values.get(place).map(|value| (place, value.as_str()))
            }
            Self::Named(values) => {
                let mut named = values.iter().enumerate();
                let found = named.find(|(_, (name, _))| name == variable);
                found.map(|(place, (_, value))| (place, value.as_str()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(header: &[&str], body: Parameters, button_url: Option<&str>) -> Content {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Content::Template {
            name: "booking_reminder_1".to_owned(),
            language_code: "en".to_owned(),
            header: Parameters::Positional(own(header)),
            body,
            button_url: button_url.map(str::to_owned),
            replies: Vec::new(),
        }
    }

    fn positional(texts: &[&str]) -> Parameters {
        Parameters::Positional(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    fn text() -> TemplateText {
        let button = |label: &str, url: Option<&str>| ButtonText {
            label: label.to_owned(),
            url: url.map(str::to_owned),
        };
        TemplateText {
            header: Some("News of {{1}}".to_owned()),
            body: "Hi {{1}}, {{2}} waits, {{1}}.".to_owned(),
            footer: Some("Azure Bay".to_owned()),
            buttons: vec![
                button("Go on", Some("https://book.example/{{1}}")),
                button("Stop", None),
            ],
        }
    }

    #[test]
    fn values_take_the_places_of_the_variables() {
        let content = content(
            &["Azure Bay"],
            positional(&["Ada", "your {{1}} room"]),
            Some("r/1"),
        );

        let filled = text().fill(&content);

        assert_eq!(filled.header.unwrap().plain(), "News of Azure Bay");
        assert_eq!(filled.body.plain(), "Hi Ada, your {{1}} room waits, Ada.");
        let origins: Vec<Origin> = filled.body.0.iter().map(|piece| piece.origin).collect();
        assert_eq!(origins[..2], [Origin::Template, Origin::Value]);
        assert_eq!(filled.footer.as_deref(), Some("Azure Bay"));
        assert_eq!(filled.buttons[0].url.as_deref(), Some("https://book.example/r/1"));
        assert_eq!(filled.misfits, []);
    }

    #[test]
    fn named_values_are_found_by_their_names() {
        let named = Parameters::Named(vec![("first_name".to_owned(), "Ada".to_owned())]);
        let text = TemplateText {
            body: "Hi {{first_name}}!".to_owned(),
            ..TemplateText::default()
        };

        let filled = text.fill(&content(&[], named, None));

        assert_eq!(filled.body.plain(), "Hi Ada!");
        assert_eq!(filled.misfits, []);
    }

    #[test]
    fn what_whatsapp_would_refuse_is_named() {
        let no_value = |part, variable: &str| Misfit::NoValue {
            part,
            variable: variable.to_owned(),
        };
        let filled = text().fill(&content(&["a", "b"], positional(&["Ada"]), None));

        assert_eq!(filled.body.plain(), "Hi Ada, {{2}} waits, Ada.");
        assert_eq!(
            filled.misfits,
            [
                Misfit::NoVariable {
                    part: Part::Header,
                    values: 1
                },
                no_value(Part::Body, "2"),
                no_value(Part::Button, "1"),
            ]
        );

        let mut without_url = text();
        without_url.buttons.remove(0);
        let content = content(&["a"], positional(&["Ada", "b"]), Some("r/1"));
        assert_eq!(
            without_url.fill(&content).misfits,
            [Misfit::NoVariable {
                part: Part::Button,
                values: 1
            }]
        );
    }
}
