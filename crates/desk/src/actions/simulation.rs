//! What guests would get: a file's events played through `domain::simulation`. The file is the person's own, so values are
//! shown; nothing is logged, stored or sent.

mod view;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use domain::local_time;
use domain::resort::Resort;
use domain::simulation::World;
use foreign_json::Charset;
use serde_json::Value as Json;

use super::event_file::{EventReader, Read};
pub(crate) use view::{BookingView, MessageView, Simulation, Stand, local};

/// Reads a whole file: an array of events, or one value a line.
pub(crate) fn read(reader: &EventReader<'_>, bytes: &[u8]) -> Read {
    match foreign_json::read(bytes, Charset::UTF_8).map(|read| read.value) {
        Ok(Json::Array(values)) if !reader.is_mapped() => {
            let numbered = values.into_iter().enumerate();
            all(numbered.map(|(index, value)| reader.read(index + 1, value)))
        }
        Ok(value) => reader.read(1, value),
        Err(_) => {
            let lines = bytes.split(|byte| *byte == b'\n').enumerate();
            let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
            all(lines.map(|(index, line)| reader.read_line(index + 1, line)))
        }
    }
}

fn all(reads: impl Iterator<Item = Read>) -> Read {
    reads.fold(Read::default(), |mut sum, read| {
        sum.events.extend(read.events);
        sum.problems.extend(read.problems);
        sum.ignored += read.ignored;
        sum
    })
}

/// Reads a file at a path; `-` is stdin, whose bytes are given.
pub(crate) fn bytes_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// An instant with its offset, or a time at the resort: `2026-12-24 18:00`.
pub(crate) fn instant(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let forms = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
    let local = forms
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    Some(local_time::instant(local.date(), local.time(), zone))
}

/// Plays the events of this resort, each arriving when it happened, and looks at the bookings at these times.
pub(crate) fn run(resort: Arc<Resort>, read: Read, mut looks: Vec<DateTime<Utc>>) -> Simulation {
    let Read {
        mut events,
        problems,
        ignored,
    } = read;
    events.sort_by_key(|event| event.occurred_at);
    looks.sort_unstable();
    let begins_at = events
        .first()
        .map_or(DateTime::UNIX_EPOCH, |event| event.occurred_at);
    let mut world = World::new(Arc::clone(&resort), begins_at, DateTime::UNIX_EPOCH);
    let mut stands = Vec::new();
    let mut waiting = events.iter().peekable();
    for at in looks {
        while let Some(event) = waiting.next_if(|event| event.occurred_at <= at) {
            world.hear(event, event.occurred_at);
        }
        world.run_until(at);
        stands.push(Stand::of(&world, &resort, at));
    }
    for event in waiting {
        world.hear(event, event.occurred_at);
    }
    world.run_out();
    Simulation {
        resort: resort.id.to_string(),
        time_zone: resort.time_zone.name().to_owned(),
        hold_out: (!resort.hold_out.is_none()).then(|| resort.hold_out.to_string()),
        events: events.len(),
        ignored,
        bookings: view::bookings(&world, &resort),
        at: stands,
        problems,
    }
}
