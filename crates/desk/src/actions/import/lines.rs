//! The lines of an import, one after the other: silent, and with ids that no other line has.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::io;

use domain::event::Event;

use crate::actions::event_file::{EventReader, Problem, Read};

/// The lines of one file.
pub(crate) struct Lines<'r, L> {
    reader: &'r EventReader<'r>,
    lines: L,
    /// Counted from 1; the last one that was read.
    number: usize,
    /// By the hash of an id: the first line that has it, and the hash of its event.
    ids: HashMap<u64, (usize, u64)>,
    hasher: RandomState,
}

/// A line that is not blank.
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) read: Read,
    /// Events that an earlier line has, word for word.
    pub(crate) repeated: usize,
}

/// What an earlier line has under an event's id.
enum Earlier {
    Nothing,
    TheSame,
    /// Another event, in this line.
    Other(usize),
}

impl<'r, L: Iterator<Item = io::Result<Vec<u8>>>> Lines<'r, L> {
    pub(crate) fn new(reader: &'r EventReader<'r>, lines: L) -> Self {
        Self {
            reader,
            lines,
            number: 0,
            ids: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let Some(text) = self.lines.next().transpose()? else {
                return Ok(None);
            };
            self.number += 1;
            if text.trim_ascii().is_empty() {
                continue;
            }
            let Read {
                events,
                mut problems,
                ignored,
            } = self.reader.read_line(self.number, &text);
            let (mut good, mut repeated) = (Vec::new(), 0);
            for event in events {
                match self.earlier(&event) {
                    Earlier::Nothing => good.push(silent(event)),
                    Earlier::TheSame => repeated += 1,
                    Earlier::Other(line) => problems.push(Problem {
                        line: self.number,
                        field: Some("id"),
                        problem: format!("line {line} has it, with another content"),
                    }),
                }
            }
            let read = Read {
                events: good,
                problems,
                ignored,
            };
            let number = self.number;
            return Ok(Some(Line {
                number,
                read,
                repeated,
            }));
        }
    }

    /// An export may repeat the booking's id as the event's, and all but the first would be taken for duplicates.
    fn earlier(&mut self, event: &Event) -> Earlier {
        let content = serde_json::to_string(event).unwrap_or_default();
        let content = self.hasher.hash_one(content);
        match self.ids.entry(self.hasher.hash_one(event.key.id.as_str())) {
            Entry::Vacant(entry) => {
                entry.insert((self.number, content));
                Earlier::Nothing
            }
            Entry::Occupied(entry) => match *entry.get() {
                (_, first) if first == content => Earlier::TheSame,
                (line, _) => Earlier::Other(line),
            },
        }
    }
}

/// Whatever the line says: an import sends nothing for what is past.
fn silent(event: Event) -> Event {
    Event {
        notify: false,
        imported: true,
        ..event
    }
}
