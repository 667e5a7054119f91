//! What a good request is answered with.

use actix_web::HttpResponse;
use domain::event::Event;
use mapping::{Ignored, own_format};
use serde_json::{Value, json};

use crate::request_log::Entry;

/// Always a 200.
pub(crate) enum Answer {
    /// Published, and confirmed by RabbitMQ.
    Accepted { event_ids: Vec<String> },
    /// Authentic, and nothing to act on.
    Ignored { reason: &'static str },
    /// Authentic and not mappable: a dead letter asks a person, and the platform has nothing to repeat.
    Unmappable,
    /// The text with which Slack's kind of handshake wants to be answered.
    Challenge(String),
    /// What the request would be.
    DryRun(Vec<Value>),
}

impl Answer {
    /// The platform tries the address.
    pub(crate) const PING: Self = Self::Ignored {
        reason: Ignored::Ping.as_str(),
    };
    /// An event in our own format whose type this version does not know.
    pub(crate) const IGNORED_TYPE: Self = Self::Ignored {
        reason: "the event's type is not handled here",
    };

    pub(crate) fn dry_run_of(event: &Event) -> Self {
        Self::DryRun(vec![json!({ "event": own_format::write(event) })])
    }

    pub(crate) fn response(self, entry: &mut Entry) -> HttpResponse {
        entry.answered(match &self {
            Self::Accepted { .. } => "accepted",
            Self::Ignored { .. } => "ignored",
            Self::Unmappable => "unmappable",
            Self::Challenge(_) => "challenge",
            Self::DryRun(_) => "dry_run",
        });
        let body = match self {
            Self::Accepted { event_ids } => match event_ids.as_slice() {
                [event_id] => json!({ "status": "accepted", "event_id": event_id }),
                _ => json!({ "status": "accepted", "event_ids": event_ids }),
            },
            Self::Ignored { reason } => {
                entry.reason.get_or_insert_with(|| reason.to_owned());
                json!({ "status": "ignored", "reason": reason })
            }
            Self::Unmappable => json!({ "status": "accepted", "reason": "unmappable" }),
            Self::Challenge(challenge) => {
                return HttpResponse::Ok()
                    .content_type("text/plain; charset=utf-8")
                    .body(challenge);
            }
            Self::DryRun(events) => json!({ "status": "dry_run", "events": events }),
        };
        HttpResponse::Ok().json(body)
    }
}
