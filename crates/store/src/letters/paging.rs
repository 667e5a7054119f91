//! Letters in pages, by the time of their death: by key, so that a page is as fast as the first one.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::{PgConnection, RunQueryDsl};
use domain::ids::LetterId;

use super::filter::Conditions;
use super::reading::{COLUMNS, Row};
use super::{Filter, Letter};
use crate::error::StoreError;

/// Where a letter stands among all: by its death, then by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub died_at: DateTime<Utc>,
    pub id: LetterId,
}

impl Place {
    pub const fn of(letter: &Letter) -> Self {
        Self {
            died_at: letter.died_at,
            id: letter.id,
        }
    }
}

/// `1764428400000000-12`: microseconds since 1970, and the id.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.died_at.timestamp_micros(), self.id)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no place among the letters")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (micros, id) = text.rsplit_once('-').ok_or(NoPlace)?;
        let micros = micros.parse().map_err(|_| NoPlace)?;
        Ok(Self {
            died_at: DateTime::from_timestamp_micros(micros).ok_or(NoPlace)?,
            id: id.parse().map(LetterId).map_err(|_| NoPlace)?,
        })
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    #[default]
    Oldest,
    Newest,
    /// The page that follows this letter.
    NewerThan(Place),
    /// The page that precedes it.
    OlderThan(Place),
}

/// Letters, the oldest first.
#[derive(Debug, Clone)]
pub struct Page {
    pub letters: Vec<Letter>,
    /// The page of [`Start::OlderThan`] this is not empty.
    pub older: Option<Place>,
    /// The page of [`Start::NewerThan`] this is not empty.
    pub newer: Option<Place>,
}

/// At most so many of a filter's letters.
pub fn page(
    connection: &mut PgConnection,
    filter: &Filter,
    from: Start,
    most: usize,
) -> Result<Page, StoreError> {
    let mut letters = some(connection, filter, from, most.saturating_add(1))?;
    let has_more = letters.len() > most;
    letters.truncate(most);
    let backwards = matches!(from, Start::Newest | Start::OlderThan(_));
    if backwards {
        letters.reverse();
    }
    let (first, last) = (letters.first().map(Place::of), letters.last().map(Place::of));
    let mut exists = |from| some(connection, filter, from, 1).map(|found| !found.is_empty());
    let (older, newer) = match (from, first, last) {
        (Start::Oldest, _, last) => (None, last.filter(|_| has_more)),
        (Start::Newest, first, _) => (first.filter(|_| has_more), None),
        (Start::NewerThan(place), None, _) => {
            let before = Start::OlderThan(Place {
                id: LetterId(place.id.0.saturating_add(1)),
                ..place
            });
            (exists(before)?.then_some(place), None)
        }
        (Start::OlderThan(place), None, _) => {
            let behind = Start::NewerThan(Place {
                id: LetterId(place.id.0.saturating_sub(1)),
                ..place
            });
            (None, exists(behind)?.then_some(place))
        }
        (Start::NewerThan(_), Some(first), last) => {
            let is_older = exists(Start::OlderThan(first))?;
            (Some(first).filter(|_| is_older), last.filter(|_| has_more))
        }
        (Start::OlderThan(_), first, Some(last)) => {
            let is_newer = exists(Start::NewerThan(last))?;
            (first.filter(|_| has_more), Some(last).filter(|_| is_newer))
        }
        (Start::OlderThan(_), Some(first), None) => (Some(first), None),
    };
    Ok(Page {
        letters,
        older,
        newer,
    })
}

/// The letters just before and just behind a place, among those of a filter: the older and the newer one.
pub fn neighbours(
    connection: &mut PgConnection,
    filter: &Filter,
    place: Place,
) -> Result<(Option<LetterId>, Option<LetterId>), StoreError> {
    let older = some(connection, filter, Start::OlderThan(place), 1)?;
    let newer = some(connection, filter, Start::NewerThan(place), 1)?;
    let id = |found: Vec<Letter>| found.first().map(|letter| letter.id);
    Ok((id(older), id(newer)))
}

/// In the direction of `from`.
fn some(
    connection: &mut PgConnection,
    filter: &Filter,
    from: Start,
    most: usize,
) -> Result<Vec<Letter>, StoreError> {
    let mut conditions = Conditions::of(filter);
    let direction = match from {
        Start::Oldest => "",
        Start::Newest => "DESC",
        Start::NewerThan(place) => {
            conditions.newer_than(place);
            ""
        }
        Start::OlderThan(place) => {
            conditions.older_than(place);
            "DESC"
        }
    };
    let rest = format!("ORDER BY l.died_at {direction}, l.id {direction} LIMIT {most}");
    let rows: Vec<Row> = conditions
        .statement(COLUMNS, &rest)
        .load(connection)
        .map_err(StoreError::query("read a page of letters"))?;
    rows.into_iter().map(Row::into_domain).collect()
}
