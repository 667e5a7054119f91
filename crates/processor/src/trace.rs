//! New spans: chance is drawn here, and nowhere in `domain`.

use domain::trace::TraceContext;

/// A span that another one caused, or the first of a trace.
pub(crate) fn next(cause: Option<TraceContext>) -> TraceContext {
    match cause {
        Some(cause) => cause.child(rand::random()),
        None => TraceContext::begin(rand::random(), rand::random()),
    }
}
