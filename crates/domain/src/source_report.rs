//! What `ingest` answered a source in the last seconds: counts and the latest answers, for people. Nothing in it is personal.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How many answers a report names.
pub const LATEST: usize = 20;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Of all requests to the source, also those that were not authentic.
    pub counts: Vec<AnswerCount>,
    /// The latest answers to authentic requests, oldest first.
    pub answers: Vec<SourceAnswer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerCount {
    pub status: u16,
    /// `accepted`, `ignored`, `unmappable`, or the name of a problem.
    pub answer: String,
    /// As the log says it: the fields that are wrong, or why it is ignored or refused.
    pub reason: Option<String>,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceAnswer {
    pub at: DateTime<Utc>,
    pub status: u16,
    pub answer: String,
    pub reason: Option<String>,
    pub event_type: Option<String>,
    /// `request.id` in the log of `ingest`, and in the answer.
    pub request_id: String,
}
