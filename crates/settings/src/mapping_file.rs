//! Reads what a source's file says about its platform's own payloads: `platform`, `[map]`, `[properties]`, `[fetch]`.

mod trial;

use std::collections::BTreeMap;

use domain::ids::ResortId;
use mapping::{Definition, Expression, Field, Mapping, ResortOf, Row, Target, presets};

use crate::document::{self, Entry, Table};
use crate::fetch::{self, FetchFile, FetchKeys};

/// A source that speaks our own format may say so.
const OWN_FORMAT: &str = "json";

/// What a file says; nothing of it in a file whose source speaks our format.
#[derive(Default)]
pub(crate) struct Mapped {
    pub(crate) mapping: Option<Mapping>,
    pub(crate) fetch: Option<FetchFile>,
    /// The resorts of `[properties]`, with their lines.
    pub(crate) properties: Vec<(usize, ResortId)>,
}

/// What a preset or a file brings.
#[derive(Default)]
struct Keys {
    definition: Definition,
    fetch: FetchKeys,
}

/// Reads all that concerns the mapping; `resorts` are those that the source speaks for, `None`: all.
pub(crate) fn read(file: &Table<'_>, resorts: Option<&[(usize, ResortId)]>) -> Mapped {
    let platform = file.optional("platform", |entry| Some((entry.clone(), preset(entry)?)));
    let name = platform.as_ref().and_then(|(entry, _)| entry.filled_text());
    let mut fields = Vec::new();
    let own = file.optional("map", |entry| {
        let own =
            entry.table(|table| definition(table, &mut |field, entry| fields.push((field, entry.clone()))));
        Some((entry.clone(), own?))
    });
    let properties = file.optional("properties", |entry| Some((entry.clone(), properties(entry)?)));
    let fetch = file.optional("fetch", |entry| Some((entry.clone(), entry.table(fetch::keys)?)));
    let entry = own.as_ref().map(|(entry, _)| entry);
    let entry = entry.or(platform.as_ref().map(|(entry, _)| entry)).cloned();
    let speaks_our_format = platform.as_ref().is_some_and(|(_, preset)| preset.is_none()) && own.is_none();
    let Some(entry) = entry.filter(|_| !speaks_our_format) else {
        for entry in properties
            .iter()
            .map(|(entry, _)| entry)
            .chain(fetch.iter().map(|(entry, _)| entry))
        {
            entry.refuse::<()>("has no meaning without platform or [map]");
        }
        return Mapped::default();
    };
    let preset = platform.and_then(|(_, preset)| preset).unwrap_or_default();
    let (definition, changed) = match own {
        Some((_, own)) => (preset.definition.overridden_by(own), name),
        None => (preset.definition, None),
    };
    let fetch = fetch.and_then(|(entry, keys)| preset.fetch.overridden_by(keys).finish(&entry));
    let properties = properties.map(|(_, properties)| properties);
    // What is missing because it could not be read was noted there.
    let is_readable = (!file.has_errors()).then_some(());
    if let (Some(()), Some(platform)) = (is_readable, changed) {
        trial::run(platform, &definition, &entry, &fields);
    }
    let mapping = is_readable
        .and_then(|()| check(&definition, &entry))
        .and_then(|()| resort_of(&definition, resorts, properties.as_deref(), &entry))
        .map(|resort| Mapping {
            can_fetch: fetch.is_some(),
            definition,
            resort,
        });
    Mapped {
        mapping,
        fetch,
        properties: properties
            .unwrap_or_default()
            .into_iter()
            .map(|(line, _, resort)| (line, resort))
            .collect(),
    }
}

/// Reads the keys of `[map]`, which are also a preset's. Each field is shown with where it stands.
fn definition<'d>(table: &Table<'d>, show: &mut dyn FnMut(Field, &Entry<'d>)) -> Option<Definition> {
    let each = table.optional("each", expression);
    let event = table
        .optional("event", |entry| entry.each(expression))
        .unwrap_or_default();
    let when = table
        .optional("when", |entry| entry.each(row))
        .unwrap_or_default();
    let mut fields = BTreeMap::new();
    let mut add = |field, expression, entry: &Entry<'d>| {
        show(field, entry);
        fields.insert(field, expression);
    };
    read_fields(table, "", &mut add);
    for name in ["booking", "guest"] {
        table.optional(name, |entry| {
            entry.table(|table| {
                read_fields(table, name, &mut add);
                if name == "booking" {
                    table.optional("total", |entry| {
                        entry.table(|table| {
                            read_fields(table, "booking.total", &mut add);
                            Some(())
                        })
                    });
                }
                Some(())
            })
        });
    }
    Some(Definition {
        each,
        event,
        when,
        fields,
    })
}

/// The fields whose keys stand in this table.
fn read_fields<'d>(table: &Table<'d>, path: &str, add: &mut dyn FnMut(Field, Expression, &Entry<'d>)) {
    for field in Field::ALL {
        let (of, key) = field.path().rsplit_once('.').unwrap_or(("", field.path()));
        if of == path {
            table.optional(key, |entry| {
                add(*field, expression(entry)?, entry);
                Some(())
            });
        }
    }
}

fn expression(entry: &Entry<'_>) -> Option<Expression> {
    let expression = entry.parsed(Expression::compile)?;
    match expression.unknown_name() {
        Some(error) => entry.refuse(format_args!("names what does not exist: {error}")),
        None => Some(expression),
    }
}

fn row(entry: &Entry<'_>) -> Option<Row> {
    let items = entry.items()?;
    let Some((target, patterns)) = items.split_last() else {
        return entry.refuse("is empty");
    };
    let target = target.parsed(Target::parse);
    let patterns: Vec<_> = patterns
        .iter()
        .map(|pattern| pattern.filled_text().map(str::to_owned))
        .collect();
    Some(Row {
        patterns: patterns.into_iter().collect::<Option<_>>()?,
        target: target?,
    })
}

/// The preset that `platform` names; `Some(None)` for our own format.
fn preset(entry: &Entry<'_>) -> Option<Option<Keys>> {
    let name = entry.filled_text()?;
    if name == OWN_FORMAT {
        return Some(None);
    }
    let Some(preset) = presets::find(name) else {
        let known: Vec<_> = presets::ALL.iter().map(|preset| preset.name).collect();
        return entry.refuse(format_args!(
            "is none of {OWN_FORMAT}, {}; for another platform leave it out and write [map]",
            known.join(", ")
        ));
    };
    match read_preset(preset) {
        Ok(keys) => Some(Some(keys)),
        Err(error) => entry.refuse(format_args!("has a broken preset: {error}")),
    }
}

fn read_preset(preset: presets::Preset) -> Result<Keys, String> {
    let (keys, notes) = document::read(preset.toml, |table| {
        Some(Keys {
            definition: definition(table, &mut |_, _| {})?,
            fetch: table
                .optional("fetch", |entry| entry.table(fetch::keys))
                .unwrap_or_default(),
        })
    });
    keys.ok_or_else(|| {
        let notes = notes
            .iter()
            .map(|note| format!("line {}: {}", note.line, note.text));
        notes.collect::<Vec<_>>().join("; ")
    })
}

/// The mapping of a preset alone, for people who look at it.
///
/// # Errors
/// What is wrong with the preset, a defect.
pub fn definition_of(preset: presets::Preset) -> Result<Definition, String> {
    read_preset(preset).map(|keys| keys.definition)
}

/// Notes what is wrong with a mapping as a whole.
fn check(definition: &Definition, entry: &Entry<'_>) -> Option<()> {
    let columns = definition.event.len();
    if columns == 0 || definition.when.is_empty() {
        return entry.refuse("needs event, what the rows look at, and when, the rows");
    }
    let mut is_good = true;
    for (index, row) in definition.when.iter().enumerate() {
        if row.patterns.len() != columns {
            let has = row.patterns.len();
            entry.refuse::<()>(format_args!(
                "has {columns} expressions in event, but row {} of when has {has} patterns before its type",
                index + 1
            ));
            is_good = false;
        }
    }
    for (idle, by) in definition.idle_rows() {
        entry.warn(format_args!(
            "has a row in when that never counts: row {} matches everything that row {} does",
            by + 1,
            idle + 1
        ));
    }
    if !definition.fields.contains_key(&Field::OccurredAt) {
        entry.warn("has no occurred_at: a late redelivery may overwrite newer facts");
    }
    if !definition.fields.contains_key(&Field::BookingId) {
        entry.refuse::<()>("needs booking.id");
        is_good = false;
    }
    is_good.then_some(())
}

/// `[properties]`: the platform's id of a property, and the resort.
fn properties(entry: &Entry<'_>) -> Option<Vec<(usize, String, ResortId)>> {
    let table = entry.open_table()?;
    let entries = table.entries();
    let read = entries.iter().map(|(name, resort)| {
        let id = resort.parsed(ResortId::parse)?;
        Some((resort.line(), (*name).to_owned(), id))
    });
    let read: Vec<_> = read.collect();
    read.into_iter().collect()
}

/// Which resort the events of a source belong to, from what its file says.
fn resort_of(
    definition: &Definition,
    resorts: Option<&[(usize, ResortId)]>,
    properties: Option<&[(usize, String, ResortId)]>,
    entry: &Entry<'_>,
) -> Option<ResortOf> {
    if let Some(expression) = definition.fields.get(&Field::Resort) {
        return Some(ResortOf::Expression(expression.clone()));
    }
    match (definition.fields.get(&Field::Property), properties, resorts) {
        (Some(expression), Some(properties), _) => Some(ResortOf::Property {
            expression: expression.clone(),
            resorts: properties
                .iter()
                .map(|(_, name, resort)| (name.clone(), resort.clone()))
                .collect(),
        }),
        (None, Some(_), _) => entry.refuse("has no property, which [properties] needs"),
        (_, None, Some([(_, only)])) => Some(ResortOf::One(only.clone())),
        (_, None, _) => entry.refuse(
            "cannot tell which resort an event belongs to: add [properties] with the platform's ids, \
             or name exactly one resort in resorts",
        ),
    }
}

#[cfg(test)]
mod tests;
