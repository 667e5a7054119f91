//! The scripted answer to a message.

use std::time::Duration;

use serde::Deserialize;

use crate::graph::GraphError;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// A Graph API error code.
    #[serde(default)]
    error: Option<i64>,
    /// The status of an error or a body.
    #[serde(default)]
    http: Option<u16>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    subcode: Option<i64>,
    #[serde(default)]
    transient: Option<bool>,
    #[serde(default)]
    retry_after: Option<u64>,
    /// A body that is not Graph's JSON.
    #[serde(default)]
    body: Option<String>,
    /// Cuts the connection instead of answering.
    #[serde(default)]
    cut: bool,
    /// Whether the message is accepted although `body` or `cut` hides it.
    #[serde(default)]
    accepted: Option<bool>,
    #[serde(default)]
    message_status: Option<String>,
    /// The delay of the answer, or of the cut.
    #[serde(default)]
    after_ms: u64,
}

#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Taken {
        message_status: Option<String>,
    },
    Refused(GraphError),
    /// An answer that is not Graph's JSON.
    Garbage {
        status: u16,
        body: String,
        accepted: bool,
    },
    Cut {
        accepted: bool,
    },
}

impl Default for Reply {
    fn default() -> Self {
        Self::Taken { message_status: None }
    }
}

impl Script {
    pub(super) fn check(&self) -> Result<(), String> {
        let hides = self.body.is_some() || self.cut || (self.http.is_some() && self.error.is_none());
        let ways = [
            self.error.is_some(),
            self.body.is_some(),
            self.cut,
            self.message_status.is_some(),
        ];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return Err("answer: error, body, cut and message_status exclude each other".to_owned());
        }
        if self.error.is_none()
            && (self.details.is_some()
                || self.subcode.is_some()
                || self.transient.is_some()
                || self.retry_after.is_some())
        {
            return Err("answer: details, subcode, transient and retry_after belong to an error".to_owned());
        }
        if self.accepted.is_some() && !hides {
            return Err("answer.accepted: belongs to body, http or cut".to_owned());
        }
        if self.http.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err("answer.http: is between 200 and 599".to_owned());
        }
        Ok(())
    }

    pub(super) fn after(&self) -> Duration {
        Duration::from_millis(self.after_ms)
    }

    pub(super) fn reply(&self) -> Reply {
        if self.cut {
            return Reply::Cut {
                accepted: self.accepted.unwrap_or(false),
            };
        }
        if let Some(code) = self.error {
            return Reply::Refused(self.error(code));
        }
        if self.body.is_some() || self.http.is_some() {
            let status = self.http.unwrap_or(200);
            let accepted = self.accepted.unwrap_or((200..300).contains(&status));
            return Reply::Garbage {
                status,
                body: self.body.clone().unwrap_or_default(),
                accepted,
            };
        }
        Reply::Taken {
            message_status: self.message_status.clone(),
        }
    }

    fn error(&self, code: i64) -> GraphError {
        let usual = GraphError::new(code);
        GraphError {
            status: self.http.unwrap_or(usual.status),
            details: self.details.clone().or(usual.details),
            subcode: self.subcode.or(usual.subcode),
            is_transient: self.transient.unwrap_or(usual.is_transient),
            retry_after_seconds: self.retry_after,
            ..usual
        }
    }
}
