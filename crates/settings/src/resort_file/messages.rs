//! Reads what a resort's file says about messages, wherever it says so.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::message::MessageKind;
use domain::moment::Moment;
use domain::resort::Template;

use super::moments::{self, BuiltIn, OwnMoment};
use super::templates::{self, ByLanguage, Fallback, Own};
use super::{delay, table_or_default};
use crate::document::Table;

/// What the file says about messages: when each kind goes, and with which content.
pub(super) struct Messages {
    pub(super) moments: BTreeMap<MessageKind, Moment>,
    pub(super) templates: BTreeMap<MessageKind, ByLanguage<Template>>,
    pub(super) fallback: Fallback,
    pub(super) stop_texts: ByLanguage<String>,
}

pub(super) fn read(file: &Table<'_>, values: &Own, reminder_2: Option<Duration>) -> Messages {
    let own = file
        .optional("messages", |entry| moments::own(entry, values))
        .unwrap_or_default();
    let expires_after = file.optional("expires_after", |entry| {
        templates::by_kind(entry, &[], |entry| entry.duration())
    });
    let built_in = BuiltIn {
        reminder_2,
        review_after_check_out: delay(file, "review", "after_check_out"),
        expires_after: expires_after.unwrap_or_default(),
    };
    let own_kinds: Vec<MessageKind> = own.iter().map(OwnMoment::kind).collect();
    let mut templates = file
        .optional("templates", |entry| templates::all(entry, values))
        .unwrap_or_default();
    templates.extend(own.iter().filter_map(OwnMoment::templates));
    Messages {
        moments: moments::all(built_in, &own),
        templates,
        fallback: table_or_default(file, "fallback", |section| {
            templates::fallback(section, values, &own_kinds)
        }),
        stop_texts: table_or_default(file, "stop", |section| templates::stop(section, values)),
    }
}

/// Where a resort's file has the templates of a kind, as its keys are written: `templates.reminder_1`.
pub fn templates_table(kind: MessageKind) -> String {
    match kind {
        MessageKind::Moment(name) => format!("messages.{name}.templates"),
        built_in => format!("templates.{built_in}"),
    }
}
