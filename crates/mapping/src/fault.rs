//! Why a field could not be filled.

use std::fmt;

use crate::check::{FieldError, FieldProblem};

/// One thing that is wrong with a request; it names the field and never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The field's key in `[map]`: `guest.phone`, `each`, `event`.
    pub field: &'static str,
    pub cause: Cause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The value is not what the field takes.
    Value(FieldProblem),
    /// The expression cannot be evaluated with this request: a filter that does not take such a value.
    Failed,
    /// The expression takes more steps or bytes than it may.
    TooCostly,
    /// More elements than one request may have.
    TooMany,
}

/// A fault of one of a request's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementFault {
    /// The event's place, counted from 0; `None` where the request has one event, or none that could be told apart.
    pub element: Option<usize>,
    pub fault: Fault,
}

impl Fault {
    pub(crate) fn new(field: &'static str, cause: Cause) -> Self {
        Self { field, cause }
    }
}

impl From<FieldError> for Fault {
    fn from(error: FieldError) -> Self {
        Self::new(error.field, Cause::Value(error.problem))
    }
}

impl From<FieldProblem> for Cause {
    fn from(problem: FieldProblem) -> Self {
        Self::Value(problem)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Value(problem) => problem.as_str(),
            Self::Failed => "the expression fails",
            Self::TooCostly => "the expression takes too many steps",
            Self::TooMany => "too many elements",
        })
    }
}

impl fmt::Display for ElementFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element {
            Some(element) => write!(f, "element {element}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.cause)
    }
}
