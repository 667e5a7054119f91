//! A call of an endpoint for messages, and how it is answered.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::graph::GraphError;
use crate::request::Endpoint;

/// One call of an endpoint for messages.
pub(crate) struct Call<'a> {
    pub(crate) path: &'a str,
    pub(crate) version: &'a str,
    pub(crate) number: &'a str,
    pub(crate) endpoint: Endpoint,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// How a call is answered, and when.
pub(crate) struct Outcome {
    pub(crate) answer: Answer,
    pub(crate) after: Duration,
    /// The answer waits until this is sent or dropped.
    pub(crate) first_report: Option<oneshot::Receiver<()>>,
}

pub(crate) enum Answer {
    Taken { contact: Value, message: Value },
    Refused(GraphError),
    Garbage { status: u16, body: String },
    Cut,
}
