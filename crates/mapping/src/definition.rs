//! A mapping as a file writes it, and what is wrong or unwise in it as a whole.

use std::collections::BTreeMap;

use domain::event::EventType;
use domain::ids::ResortId;

use crate::expression::Expression;
use crate::field::Field;
use crate::when::{Row, Target};

/// The content of `[map]`: a preset's, a file's, or both together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Definition {
    /// The list with one event in each element; the body is one event where it is left out.
    pub each: Option<Expression>,
    /// What the rows look at.
    pub event: Vec<Expression>,
    /// In order; the first row that matches counts.
    pub when: Vec<Row>,
    pub fields: BTreeMap<Field, Expression>,
}

/// Which resort an event belongs to.
#[derive(Debug, Clone, PartialEq)]
pub enum ResortOf {
    /// The source speaks for this one only.
    One(ResortId),
    /// The expression gives our id.
    Expression(Expression),
    /// The expression gives the platform's id of the property.
    Property {
        expression: Expression,
        resorts: BTreeMap<String, ResortId>,
    },
}

impl Definition {
    /// This definition with the keys of `other` in place of its own.
    pub fn overridden_by(mut self, other: Self) -> Self {
        if other.each.is_some() {
            self.each = other.each;
        }
        if !other.event.is_empty() {
            self.event = other.event;
        }
        if !other.when.is_empty() {
            self.when = other.when;
        }
        // They are two answers to one question.
        if other.fields.contains_key(&Field::Resort) {
            self.fields.remove(&Field::Property);
        }
        if other.fields.contains_key(&Field::Property) {
            self.fields.remove(&Field::Resort);
        }
        self.fields.extend(other.fields);
        self
    }

    /// The event types that its rows can give.
    pub fn event_types(&self) -> Vec<EventType> {
        let known = EventType::ALL.iter().copied();
        known
            .filter(|known| self.when.iter().any(|row| row.target == Target::Event(*known)))
            .collect()
    }

    /// Whether any expression looks at the request's headers.
    pub fn reads_headers(&self) -> bool {
        let of_all = self.each.iter().chain(&self.event).chain(self.fields.values());
        of_all.into_iter().any(Expression::reads_headers)
    }

    /// Whether a row asks the platform for more.
    pub fn fetches(&self) -> bool {
        self.when.iter().any(|row| row.target == Target::Fetch)
    }

    /// The rows, counted from 0, that can never count, each with the earlier row that takes everything it matches. A row
    /// `fetch` takes nothing for good.
    pub fn idle_rows(&self) -> Vec<(usize, usize)> {
        let rows = self.when.iter().enumerate();
        rows.filter_map(|(index, row)| {
            let earlier = self.when.iter().take(index);
            let covering = earlier
                .enumerate()
                .find(|(_, earlier)| earlier.target != Target::Fetch && earlier.covers(row));
            covering.map(|(by, _)| (index, by))
        })
        .collect()
    }
}
