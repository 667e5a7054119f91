//! Reads a TOML file key by key. An error is noted with its line, and reading goes on.
//!
//! Notes name keys and never repeat values.

use std::cell::RefCell;
use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use domain::spelling;
use toml::de::{DeTable, DeValue};

use crate::finding::Severity;

/// Keys that are as much alike are probably the same.
const SIMILAR: f64 = 0.7;

/// Something that is wrong or unwise in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) line: usize,
    pub(crate) severity: Severity,
    pub(crate) text: String,
}

/// A table, and which of its keys were read.
pub(crate) struct Table<'d> {
    /// The key of the table; empty for the whole file.
    path: String,
    line: usize,
    entries: &'d DeTable<'d>,
    asked: RefCell<Vec<&'static str>>,
    notes: &'d Notes,
}

/// A value, with its key and line.
#[derive(Clone)]
pub(crate) struct Entry<'d> {
    path: String,
    line: usize,
    value: &'d DeValue<'d>,
    notes: &'d Notes,
}

struct Notes {
    /// Where each line but the last one ends.
    breaks: Vec<usize>,
    notes: RefCell<Vec<Note>>,
}

/// Reads a whole file. Returns nothing if an error was noted.
pub(crate) fn read<T>(text: &str, interpret: impl FnOnce(&Table<'_>) -> Option<T>) -> (Option<T>, Vec<Note>) {
    let (root, syntax_errors) = DeTable::parse_recoverable(text);
    let notes = Notes {
        breaks: text.match_indices('\n').map(|(at, _)| at).collect(),
        notes: RefCell::default(),
    };
    for error in syntax_errors {
        let line = notes.line_of(error.span().unwrap_or_default());
        notes.add(line, Severity::Error, format!("not TOML: {}", error.message()));
    }
    let mut found = None;
    if notes.notes.borrow().is_empty() {
        let table = Table {
            path: String::new(),
            line: 1,
            entries: root.get_ref(),
            asked: RefCell::default(),
            notes: &notes,
        };
        found = interpret(&table);
        table.refuse_unknown_keys();
    }
    let mut notes = notes.notes.into_inner();
    notes.sort_by_key(|note| note.line);
    notes.dedup();
    let refused = notes.iter().any(|note| note.severity == Severity::Error);
    (found.filter(|_| !refused), notes)
}

impl<'d> Table<'d> {
    /// Reads a key that may be missing.
    pub(crate) fn optional<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Entry<'d>) -> Option<T>,
    ) -> Option<T> {
        self.asked.borrow_mut().push(key);
        let (name, value) = self.entries.iter().find(|(name, _)| *name.get_ref() == key)?;
        read(&self.entry(name.get_ref(), name.span(), value.get_ref()))
    }

    /// Reads a key that must be present.
    pub(crate) fn required<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Entry<'d>) -> Option<T>,
    ) -> Option<T> {
        if !self.entries.keys().any(|name| *name.get_ref() == key) {
            self.note(
                Severity::Error,
                format_args!("{} is missing", joined(&self.path, key)),
            );
        }
        self.optional(key, read)
    }

    /// All entries of a table whose keys the file chooses.
    pub(crate) fn entries(&self) -> Vec<(&'d str, Entry<'d>)> {
        let entries = self.entries.iter();
        entries
            .map(|(name, value)| {
                let key: &'d str = name.get_ref();
                (key, self.entry(key, name.span(), value.get_ref()))
            })
            .collect()
    }

    /// Notes each key that was not read, with the one that it resembles.
    pub(crate) fn refuse_unknown_keys(&self) {
        let asked = self.asked.borrow();
        for (key, entry) in self.entries() {
            if asked.contains(&key) {
                continue;
            }
            let nearest = spelling::by_likeness(key, asked.iter().copied());
            match nearest.first().filter(|(_, likeness)| *likeness >= SIMILAR) {
                Some((meant, _)) => {
                    entry.refuse::<()>(format_args!("is not a known key; did you mean {meant}?"))
                }
                None => entry.refuse("is not a known key"),
            };
        }
    }

    pub(crate) fn note(&self, severity: Severity, text: impl fmt::Display) {
        self.notes.add(self.line, severity, text.to_string());
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.notes
            .notes
            .borrow()
            .iter()
            .any(|note| note.severity == Severity::Error)
    }

    fn entry(&self, key: &str, span: Range<usize>, value: &'d DeValue<'d>) -> Entry<'d> {
        Entry {
            path: joined(&self.path, key),
            line: self.notes.line_of(span),
            value,
            notes: self.notes,
        }
    }
}

impl<'d> Entry<'d> {
    /// A text, which may be empty.
    pub(crate) fn text(&self) -> Option<&'d str> {
        self.value
            .as_str()
            .or_else(|| self.refuse("must be a text in quotes"))
    }

    /// A text that is not blank.
    pub(crate) fn filled_text(&self) -> Option<&'d str> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.refuse("is empty")
        } else {
            Some(text)
        }
    }

    /// A text that `parse` accepts; its error is a clause about the text, such as `is not a duration`.
    pub(crate) fn parsed<T, E: fmt::Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        parse(self.text()?).map_err(|error| self.refuse::<()>(error)).ok()
    }

    pub(crate) fn duration(&self) -> Option<Duration> {
        self.parsed(domain::duration::parse)
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        self.value
            .as_bool()
            .or_else(|| self.refuse("must be true or false"))
    }

    pub(crate) fn count(&self) -> Option<NonZeroU32> {
        let number = self.value.as_integer();
        let number = number.and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok());
        number
            .and_then(NonZeroU32::new)
            .or_else(|| self.refuse("must be a whole number of at least 1"))
    }

    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        let Some(array) = self.value.as_array() else {
            return self.refuse("must be a list in brackets");
        };
        let item = |(index, value): (usize, &'d toml::Spanned<DeValue<'d>>)| Self {
            path: format!("{}[{index}]", self.path),
            line: self.notes.line_of(value.span()),
            value: value.get_ref(),
            notes: self.notes,
        };
        Some(array.iter().enumerate().map(item).collect())
    }

    /// Reads each item of a list; `None` if any of them has an error.
    pub(crate) fn each<T>(&self, read: impl Fn(&Self) -> Option<T>) -> Option<Vec<T>> {
        // All items are read, so that every error is noted.
        let items: Vec<Option<T>> = self.items()?.iter().map(read).collect();
        items.into_iter().collect()
    }

    /// A table, read by `interpret`, which knows all of its keys.
    pub(crate) fn table<T>(&self, interpret: impl FnOnce(&Table<'d>) -> Option<T>) -> Option<T> {
        let table = self.open_table()?;
        let found = interpret(&table);
        table.refuse_unknown_keys();
        found
    }

    /// A table whose keys the file chooses.
    pub(crate) fn open_table(&self) -> Option<Table<'d>> {
        let Some(entries) = self.value.as_table() else {
            return self.refuse("must be a table");
        };
        let (path, line, notes) = (self.path.clone(), self.line, self.notes);
        Some(Table {
            path,
            line,
            entries,
            asked: RefCell::default(),
            notes,
        })
    }

    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// The key, as notes name it.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Notes an error; the text is a clause about this entry.
    pub(crate) fn refuse<T>(&self, clause: impl fmt::Display) -> Option<T> {
        self.notes
            .add(self.line, Severity::Error, format!("{} {clause}", self.path));
        None
    }

    /// Notes a warning; the text is a clause about this entry.
    pub(crate) fn warn(&self, clause: impl fmt::Display) {
        self.notes
            .add(self.line, Severity::Warning, format!("{} {clause}", self.path));
    }
}

impl Notes {
    fn add(&self, line: usize, severity: Severity, text: String) {
        self.notes.borrow_mut().push(Note { line, severity, text });
    }

    fn line_of(&self, span: Range<usize>) -> usize {
        self.breaks.partition_point(|at| *at < span.start) + 1
    }
}

// An unusual key may be a value in the wrong place, so it is not repeated.
fn joined(path: &str, key: &str) -> String {
    let ordinary = key.len() <= 64
        && key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let key = if ordinary { key } else { "(a key)" };
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
