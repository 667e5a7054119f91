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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.cause)
    }
}
