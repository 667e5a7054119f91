//! Reads the templates and texts of a resort, and the values that fill them.

use std::collections::BTreeMap;

use domain::message::MessageKind;
use domain::render;
use domain::resort::{Language, Template, Value, Variable, Variables};

use super::language_of;
use crate::document::{Entry, Table};

/// The `[values]` of the same file.
pub(super) type Own = BTreeMap<String, String>;
pub(super) type ByLanguage<T> = BTreeMap<Language, T>;

/// The content for kinds without a template of their own.
#[derive(Default)]
pub(super) struct Fallback {
    pub(super) templates: ByLanguage<Template>,
    pub(super) texts: BTreeMap<MessageKind, ByLanguage<String>>,
}

/// `[templates.<kind>.<language>]`
pub(super) fn all(section: &Entry<'_>, own: &Own) -> Option<BTreeMap<MessageKind, ByLanguage<Template>>> {
    by_kind(section, &[], |entry| by_own_language(entry, own))
}

/// The built-in kinds that a file may configure.
pub(super) fn built_in() -> impl Iterator<Item = MessageKind> {
    let kinds = MessageKind::BUILT_IN.iter().copied();
    kinds.filter(|kind| kind.has_templates())
}

/// Reads a table whose keys are the built-in kinds and these moments.
pub(super) fn by_kind<T>(
    section: &Entry<'_>,
    moments: &[MessageKind],
    read: impl Fn(&Entry<'_>) -> Option<T>,
) -> Option<BTreeMap<MessageKind, T>> {
    let mut found = BTreeMap::new();
    for (key, entry) in section.open_table()?.entries() {
        let mut kinds = built_in().chain(moments.iter().copied());
        match kinds.find(|kind| kind.as_str() == key) {
            Some(kind) => found.extend(read(&entry).map(|value| (kind, value))),
            None => drop(entry.refuse::<()>("is not a known key")),
        }
    }
    Some(found)
}

/// `[stop]`
pub(super) fn stop(section: &Table<'_>, own: &Own) -> Option<ByLanguage<String>> {
    section.optional("text", |entry| texts(entry, own))
}

/// `[fallback]`
pub(super) fn fallback(section: &Table<'_>, own: &Own, moments: &[MessageKind]) -> Option<Fallback> {
    let templates = section
        .optional("template", |entry| by_own_language(entry, own))
        .unwrap_or_default();
    let texts = section
        .optional("text", |entry| by_kind(entry, moments, |entry| texts(entry, own)))
        .unwrap_or_default();
    Some(Fallback { templates, texts })
}

/// The templates of one kind, `<language> = { name = …, body = … }`.
pub(super) fn by_own_language(section: &Entry<'_>, own: &Own) -> Option<ByLanguage<Template>> {
    by_language(section, |key, entry| {
        entry.table(|table| template(key, table, own))
    })
}

fn texts(section: &Entry<'_>, own: &Own) -> Option<ByLanguage<String>> {
    by_language(section, |_, entry| text(entry, own))
}

fn by_language<T>(
    section: &Entry<'_>,
    read: impl Fn(&str, &Entry<'_>) -> Option<T>,
) -> Option<ByLanguage<T>> {
    let mut found = BTreeMap::new();
    for (key, entry) in section.open_table()?.entries() {
        let (language, content) = (language_of(&entry, key), read(key, &entry));
        if let (Some(language), Some(content)) = (language, content)
            && found.insert(language, content).is_some()
        {
            return entry.refuse("is the same language as another key here");
        }
    }
    Some(found)
}

fn template(key: &str, table: &Table<'_>, own: &Own) -> Option<Template> {
    let name = table.required("name", Entry::filled_text);
    // Meta writes its codes with an underscore.
    let language_code = table
        .optional("language", Entry::filled_text)
        .map_or_else(|| key.replace('-', "_"), str::to_owned);
    let body = table
        .optional("body", |entry| variables(entry, own))
        .unwrap_or_else(none);
    let header = table
        .optional("header", |entry| header(entry, &body, own))
        .unwrap_or_else(none);
    let button_url = table.optional("button_url", |entry| variable(entry, own));
    Some(Template {
        name: name?.to_owned(),
        language_code,
        header,
        body,
        button_url,
        replies: Vec::new(),
    })
}

fn none() -> Variables {
    Variables::Positional(Vec::new())
}

fn header(entry: &Entry<'_>, body: &Variables, own: &Own) -> Option<Variables> {
    let header = variables(entry, own)?;
    if header.count() > 1 {
        return entry.refuse("holds more than one variable");
    }
    // Meta approves templates with names or with numbers throughout, and answers a mixture with 132012.
    match (&header, body) {
        _ if header.count() == 0 || body.count() == 0 => Some(header),
        (Variables::Positional(_), Variables::Named(_)) => {
            entry.refuse("mixes positions with the body's names: name the header's variable too")
        }
        (Variables::Named(_), Variables::Positional(_)) => {
            entry.refuse("mixes a name with the body's positions: write both as lists, or name both")
        }
        _ => Some(header),
    }
}

fn variables(entry: &Entry<'_>, own: &Own) -> Option<Variables> {
    if !entry.is_table() {
        return entry.each(|item| variable(item, own)).map(Variables::Positional);
    }
    let read = |(name, entry): (&str, Entry<'_>)| {
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            return entry.refuse("is a number, not a name: write variables with numbers as a list");
        }
        Some((name.to_owned(), variable(&entry, own)?))
    };
    Some(Variables::Named(
        entry
            .open_table()?
            .entries()
            .into_iter()
            .filter_map(read)
            .collect(),
    ))
}

fn variable(entry: &Entry<'_>, own: &Own) -> Option<Variable> {
    if !entry.is_table() {
        return Some(Variable {
            value: value(entry, own)?,
            or_else: None,
        });
    }
    entry.table(|table| {
        let named = table.required("value", |entry| value(entry, own));
        let or_else = table.optional("else", Entry::filled_text).map(str::to_owned);
        Some(Variable {
            value: named?,
            or_else,
        })
    })
}

fn value(entry: &Entry<'_>, own: &Own) -> Option<Value> {
    let value = entry.parsed(|text| Value::parse(text).ok_or("is not a value such as guest.first_name"))?;
    known(entry, own, &value).then_some(value)
}

fn text(entry: &Entry<'_>, own: &Own) -> Option<String> {
    let text = entry.filled_text()?;
    let Ok(values) = render::placeholders(text) else {
        return entry.refuse("holds a placeholder that is not a value such as {resort.name}");
    };
    values
        .iter()
        .all(|value| known(entry, own, value))
        .then(|| text.to_owned())
}

pub(super) fn known(entry: &Entry<'_>, own: &Own, value: &Value) -> bool {
    let known = !matches!(value, Value::Own(name) if !own.contains_key(name));
    if !known {
        entry.refuse::<()>("names a value that [values] does not have");
    }
    known
}
