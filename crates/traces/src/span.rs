//! A finished piece of work.

use chrono::{DateTime, Utc};
use domain::trace::TraceContext;

/// A span that `cause` caused, or the first of a new trace. Its ids are drawn here, and nowhere in `domain`.
pub fn next(cause: Option<TraceContext>) -> TraceContext {
    match cause {
        Some(cause) => cause.child(rand::random()),
        None => TraceContext::begin(rand::random(), rand::random()),
    }
}

/// A finished piece of work in a trace. Nothing in it may be personal.
#[derive(Debug, Clone)]
pub struct Span {
    /// One of few: what differs from case to case is an attribute.
    pub name: String,
    pub kind: Kind,
    pub context: TraceContext,
    /// The span that caused it, where that is of the same trace.
    pub parent: Option<TraceContext>,
    /// A span of another trace that it follows from.
    pub link: Option<TraceContext>,
    pub began_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    /// Whether it ended with a fault of ours, or of the server that it called.
    pub has_failed: bool,
    pub attributes: Vec<(&'static str, Value)>,
}

/// Which side of a call or queue it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Internal,
    Server,
    Client,
    Consumer,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(i64),
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}
