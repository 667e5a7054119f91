//! Which letters a person asks for, and the statements that find them.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bytea, Nullable, Text, Timestamptz};
use domain::dead_letter::{DeadLetterReason, LetterKind, LetterState};
use domain::ids::{LetterId, ResortId, SourceId, StaffName};
use domain::staff::Scope;

use super::Place;
use crate::prepared::{self, Prepared};

pub use domain::dead_letter::Standing;

/// Letters to which everything applies that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// How they stand; `None`: anyhow.
    pub standing: Option<Standing>,
    pub kind: Option<LetterKind>,
    pub reason: Option<DeadLetterReason>,
    pub resort: Option<AtResort>,
    /// The resorts of the member who asks: letters of others, and of none, are not found.
    pub within: Scope,
    /// Letters of this source's events.
    pub source: Option<SourceId>,
    /// Letters that died at least so long ago.
    pub older: Option<Duration>,
    /// Letters that died less long ago.
    pub younger: Option<Duration>,
    /// The time by which ages are judged; `None`: now.
    pub as_of: Option<DateTime<Utc>>,
    pub assignee: Option<Assignee>,
    /// A booking's, an event's or a message's id, in full.
    pub id: Option<String>,
    /// Keyed hash of the number, or of another name, of the guest.
    pub guest: Option<[u8; 32]>,
    /// Only these letters; empty: any.
    pub letters: BTreeSet<LetterId>,
}

/// The resort that a letter belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtResort {
    One(ResortId),
    /// What a platform sent could not be read so far that it named a resort.
    None,
}

/// Who takes care of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignee {
    Nobody,
    Member(StaffName),
}

impl Assignee {
    pub fn name(&self) -> Option<&StaffName> {
        match self {
            Self::Nobody => None,
            Self::Member(name) => Some(name),
        }
    }
}

/// A value that a condition compares with.
enum Value {
    Text(String),
    Texts(Vec<String>),
    Bytes(Vec<u8>),
    Numbers(Vec<i64>),
    Number(i64),
    Time(DateTime<Utc>),
    Asked(Option<DateTime<Utc>>),
}

/// Conditions on `letters l`, in SQL, with the values of their parameters.
pub(super) struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    pub(super) fn of(filter: &Filter) -> Self {
        let mut all = Self {
            text: "true".to_owned(),
            values: Vec::new(),
        };
        all.of_standing(filter.standing);
        if let Some(kind) = filter.kind {
            all.add("l.kind = ?", [Value::Text(kind.to_string())]);
        }
        if let Some(reason) = filter.reason {
            all.add("l.reason = ?", [Value::Text(reason.to_string())]);
        }
        match &filter.resort {
            None => {}
            Some(AtResort::None) => all.add("l.resort IS NULL", []),
            Some(AtResort::One(resort)) => all.add("l.resort = ?", [Value::Text(resort.to_string())]),
        }
        if let Scope::Resorts(resorts) = &filter.within {
            let resorts = resorts.iter().map(ToString::to_string).collect();
            all.add("l.resort = ANY(?)", [Value::Texts(resorts)]);
        }
        if let Some(source) = &filter.source {
            let of_source = "l.kind = 'events' AND split_part(l.amqp_id, '/', 1) = ?";
            all.add(of_source, [Value::Text(source.to_string())]);
        }
        for (age, condition) in [
            (
                filter.older,
                "l.died_at <= coalesce(?, now()) - ? * interval '1 second'",
            ),
            (
                filter.younger,
                "l.died_at > coalesce(?, now()) - ? * interval '1 second'",
            ),
        ] {
            if let Some(age) = age {
                let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
                all.add(condition, [Value::Asked(filter.as_of), Value::Number(seconds)]);
            }
        }
        match &filter.assignee {
            None => {}
            Some(Assignee::Nobody) => all.add("l.assigned_to IS NULL", []),
            Some(Assignee::Member(name)) => all.add("l.assigned_to = ?", [Value::Text(name.to_string())]),
        }
        if !filter.letters.is_empty() {
            let ids = filter.letters.iter().map(|id| id.0).collect();
            all.add("l.id = ANY(?)", [Value::Numbers(ids)]);
        }
        all.of_search(filter);
        all
    }

    /// States are written out: the indexes of open letters are partial.
    fn of_standing(&mut self, standing: Option<Standing>) {
        let state = match standing {
            None => return,
            Some(Standing::Ended) => {
                self.add(&format!("l.state <> '{}'", LetterState::Open), []);
                return;
            }
            Some(Standing::Open) => LetterState::Open,
            Some(Standing::Retried) => LetterState::Retried,
            Some(Standing::Settled) => LetterState::Settled,
            Some(Standing::Closed) => LetterState::Closed,
        };
        self.add(&format!("l.state = '{state}'"), []);
    }

    /// Each part of these unions has an index of its own.
    fn of_search(&mut self, filter: &Filter) {
        if let Some(id) = &filter.id {
            let text = || Value::Text(id.clone());
            self.add(
                "l.id IN (SELECT f.id FROM letters f WHERE f.booking = ? \
                 UNION SELECT f.id FROM letters f WHERE substr(f.amqp_id, strpos(f.amqp_id, '/') + 1) = ?)",
                [text(), text()],
            );
        }
        if let Some(hash) = &filter.guest {
            let bytes = || Value::Bytes(hash.to_vec());
            self.add(
                "l.id IN (SELECT f.id FROM letters f WHERE f.phone_hash = ? \
                 UNION SELECT f.id FROM letters f WHERE f.name_hashes @> ARRAY[?] \
                 UNION SELECT f.id FROM bookings b JOIN letters f ON f.booking = b.id AND f.resort = b.resort \
                 WHERE b.phone_hash = ?)",
                [bytes(), bytes(), bytes()],
            );
        }
    }

    /// Letters that a member has taken.
    pub(super) fn taken(&mut self) {
        self.add("l.assigned_to IS NOT NULL", []);
    }

    /// Letters with greater ids.
    pub(super) fn after(&mut self, id: LetterId) {
        self.add("l.id > ?", [Value::Number(id.0)]);
    }

    pub(super) fn newer_than(&mut self, place: Place) {
        let place = [Value::Time(place.died_at), Value::Number(place.id.0)];
        self.add("(l.died_at, l.id) > (?, ?)", place);
    }

    pub(super) fn older_than(&mut self, place: Place) {
        let place = [Value::Time(place.died_at), Value::Number(place.id.0)];
        self.add("(l.died_at, l.id) < (?, ?)", place);
    }

    /// Each `?` of the condition is the next value.
    fn add(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(" AND ");
        let mut parts = condition.split('?');
        self.text.push_str(parts.next().unwrap_or_default());
        for (part, value) in parts.zip(values) {
            self.values.push(value);
            self.text.push_str(&format!("${}{part}", self.values.len()));
        }
    }

    /// `SELECT … FROM letters l WHERE … ORDER BY …`
    pub(super) fn statement(self, selected: &str, rest: &str) -> Prepared<'static> {
        let text = format!("SELECT {selected} FROM letters l WHERE {} {rest}", self.text);
        let statement = prepared::sql(text);
        self.values
            .into_iter()
            .fold(statement, |statement, value| match value {
                Value::Text(text) => statement.bind::<Text, _>(text),
                Value::Texts(texts) => statement.bind::<Array<Text>, _>(texts),
                Value::Bytes(bytes) => statement.bind::<Bytea, _>(bytes),
                Value::Numbers(numbers) => statement.bind::<Array<BigInt>, _>(numbers),
                Value::Number(number) => statement.bind::<BigInt, _>(number),
                Value::Time(time) => statement.bind::<Timestamptz, _>(time),
                Value::Asked(time) => statement.bind::<Nullable<Timestamptz>, _>(time),
            })
    }
}
