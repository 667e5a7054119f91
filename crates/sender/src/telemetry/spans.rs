//! The span of a call.

use chrono::Utc;
use domain::after_call::CallOutcome;
use domain::trace::TraceContext;
use traces::{Kind, Span};

use super::call_outcome;
use crate::stages::Called;

/// The span of a call that has just ended. It has failed only if WhatsApp gave no proper answer: a refusal is one.
pub(crate) fn span(context: TraceContext, called: &Called) -> Span {
    let (one, answer) = (&called.ready, &called.answer);
    let ended_at = Utc::now();
    let mut attributes = vec![
        ("bellhop.message.id", one.wanted.id.to_string().into()),
        ("bellhop.booking.id", one.booking.as_str().into()),
        ("bellhop.message.kind", one.route().kind.as_str().into()),
        ("bellhop.attempt", i64::from(called.attempt.0).into()),
        ("bellhop.outcome", call_outcome(&answer.outcome).into()),
    ];
    attributes.extend(
        answer
            .outcome
            .error_code()
            .map(|code| ("bellhop.whatsapp.error_code", code.into())),
    );
    Span {
        name: "call WhatsApp".to_owned(),
        kind: Kind::Client,
        context,
        parent: Some(one.trace),
        link: None,
        began_at: ended_at - answer.duration,
        ended_at,
        has_failed: !matches!(
            answer.outcome,
            CallOutcome::Accepted { .. } | CallOutcome::Refused(_)
        ),
        attributes,
    }
}
