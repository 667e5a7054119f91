//! What a check found: what is wrong, what will happen, what to do.

use domain::resort::Language;
use serde::Serialize;
use settings::ResortLines;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    Ok,
    Warning,
    Error,
}

impl Severity {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A finding, with the place in the resort's file that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FindingView {
    pub(crate) resort: String,
    pub(crate) file: String,
    pub(crate) line: usize,
    #[serde(flatten)]
    pub(crate) finding: Finding,
}

/// Texts are sentences without their full stop, and repeat no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// `token`, `number`, `callback`, `account`, `reports`, `templates`, or `file`.
    pub(crate) check: &'static str,
    pub(crate) severity: Severity,
    /// What is so.
    pub(crate) text: String,
    /// What will happen; empty where nothing is wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) effect: String,
    /// What to do; empty where there is nothing to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) remedy: String,
    #[serde(skip)]
    pub(crate) place: Place,
}

/// A place in a resort's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Key(&'static str),
    /// A template in a table of templates by language.
    Template {
        table: String,
        language: Language,
    },
}

impl Place {
    pub(crate) fn line(&self, lines: &ResortLines) -> usize {
        match self {
            Self::Key(key) => lines.of_key(key),
            Self::Template { table, language } => lines.of_template(table, language),
        }
    }
}

pub(crate) const TOKEN: Place = Place::Key("whatsapp.access_token");
pub(crate) const NUMBER: Place = Place::Key("whatsapp.phone_number_id");
pub(crate) const ACCOUNT: Place = Place::Key("whatsapp.business_account_id");

impl Finding {
    pub(crate) fn ok(check: &'static str, place: Place, text: impl Into<String>) -> Self {
        Self {
            check,
            severity: Severity::Ok,
            text: text.into(),
            effect: String::new(),
            remedy: String::new(),
            place,
        }
    }

    pub(crate) fn warning(check: &'static str, place: Place, text: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::ok(check, place, text)
        }
    }

    pub(crate) fn error(check: &'static str, place: Place, text: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            ..Self::ok(check, place, text)
        }
    }

    pub(crate) fn then(self, effect: impl Into<String>) -> Self {
        Self {
            effect: effect.into(),
            ..self
        }
    }

    pub(crate) fn so(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: remedy.into(),
            ..self
        }
    }
}
