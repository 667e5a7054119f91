//! The filter of a request, and the addresses that carry it on.

use std::borrow::Cow;

use store::letters::Filter;
use url::form_urlencoded;

use crate::actions::letters::filter;
use crate::web::problem::Problem;
use crate::web::visitor::Visitor;

/// What a page's address may have beside a filter.
const OTHERS: [&str; 5] = ["done", "refused", "after", "before", "newest"];

/// A filter within the resorts of the member who asks.
pub(super) struct Asked {
    pub(super) filter: Filter,
}

impl Asked {
    /// Reads the query of an address, or the same text in a form.
    pub(super) fn read(visitor: &Visitor, query: &str) -> Result<Self, Problem> {
        let filter = filter::parse(query, &OTHERS)
            .map_err(|wrong| Problem::Invalid(format!("This filter cannot be used: {wrong}.")))?;
        Ok(Self::of(visitor, filter))
    }

    pub(super) fn of(visitor: &Visitor, filter: Filter) -> Self {
        let within = visitor.access().scope.clone();
        Self {
            filter: Filter { within, ..filter },
        }
    }

    /// For forms.
    pub(super) fn text(&self) -> String {
        filter::write(&self.filter)
    }

    /// The value of one of the filter's keys; empty: not asked for.
    pub(super) fn value(&self, key: &str) -> String {
        let found = filter::pairs(&self.filter).into_iter();
        let found = found.filter(|(known, _)| *known == key);
        found.map(|(_, value)| value).next().unwrap_or_default()
    }

    /// The address of a page within this filter.
    pub(super) fn at(&self, path: &str) -> String {
        self.with(path, &[])
    }

    /// As [`at`](Self::at), with more.
    pub(super) fn with(&self, path: &str, more: &[(&str, &str)]) -> String {
        let of_filter = filter::pairs(&self.filter)
            .into_iter()
            .filter(|(key, _)| *key != "guest");
        let of_filter = of_filter.map(|(key, value)| (key, Cow::from(value)));
        let more = more.iter().map(|(key, value)| (*key, Cow::from(*value)));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(of_filter.chain(more));
        match query.finish() {
            empty if empty.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }
}

/// Whether a form has sent fields that nobody filled in.
pub(super) fn has_empty_fields(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(_, value)| value.is_empty())
}
