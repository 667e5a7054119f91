//! OTLP's JSON encoding: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>. Ids are hexadecimal, 64-bit
//! numbers are texts.

use chrono::{DateTime, Utc};
use domain::trace::TraceContext;
use serde_json::{Value as Json, json};

use crate::span::{Kind, Span, Value};

/// Bits of `flags` that a span has beside those of W3C: it is known whether the parent or link came from another process.
const IS_REMOTE_KNOWN: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
const SAMPLED: u32 = 0x01;
const ERROR: u32 = 2;

/// The body of one request. `resource` says which program the spans are of.
pub(crate) fn body(resource: &[(String, String)], scope_version: &str, spans: &[Span]) -> Json {
    let resource = resource
        .iter()
        .map(|(key, value)| attribute(key, &Value::Text(value.clone())));
    json!({
        "resourceSpans": [{
            "resource": { "attributes": resource.collect::<Vec<_>>() },
            "scopeSpans": [{
                "scope": { "name": "bellhop", "version": scope_version },
                "spans": spans.iter().map(span).collect::<Vec<_>>(),
            }],
        }],
    })
}

fn span(span: &Span) -> Json {
    let attributes = span.attributes.iter().map(|(key, value)| attribute(key, value));
    let mut json = json!({
        "traceId": span.context.trace_id().to_string(),
        "spanId": span.context.span_id().to_string(),
        "flags": SAMPLED | IS_REMOTE_KNOWN | if span.parent.is_some() { IS_REMOTE } else { 0 },
        "name": span.name,
        "kind": kind(span.kind),
        "startTimeUnixNano": nanoseconds(span.began_at),
        "endTimeUnixNano": nanoseconds(span.ended_at),
        "attributes": attributes.collect::<Vec<_>>(),
        "links": span.link.iter().map(link).collect::<Vec<_>>(),
        "status": if span.has_failed { json!({ "code": ERROR }) } else { json!({}) },
    });
    if let (Some(parent), Some(fields)) = (span.parent, json.as_object_mut()) {
        fields.insert("parentSpanId".to_owned(), parent.span_id().to_string().into());
    }
    json
}

fn link(to: &TraceContext) -> Json {
    json!({
        "traceId": to.trace_id().to_string(),
        "spanId": to.span_id().to_string(),
        "flags": SAMPLED | IS_REMOTE_KNOWN | IS_REMOTE,
    })
}

fn attribute(key: &str, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
    };
    json!({ "key": key, "value": value })
}

fn kind(kind: Kind) -> u32 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Consumer => 5,
    }
}

fn nanoseconds(at: DateTime<Utc>) -> String {
    at.timestamp_nanos_opt().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_otlp_asks_for() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let context = TraceContext::begin(0xabc, 0x2);
        let call = Span {
            name: "call WhatsApp".to_owned(),
            kind: Kind::Client,
            context: context.child(0x3),
            parent: Some(context),
            link: Some(TraceContext::begin(0x9, 0x8)),
            began_at: at("2026-11-30T10:00:00Z"),
            ended_at: at("2026-11-30T10:00:00.25Z"),
            has_failed: true,
            attributes: vec![("kind", "reminder_1".into()), ("attempt", 2.into())],
        };

        let body = body(
            &[("service.name".to_owned(), "sender".to_owned())],
            "0.1.0",
            &[call],
        );

        assert_eq!(
            body,
            json!({ "resourceSpans": [{
                "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "sender" } }] },
                "scopeSpans": [{
                    "scope": { "name": "bellhop", "version": "0.1.0" },
                    "spans": [{
                        "traceId": "00000000000000000000000000000abc",
                        "spanId": "0000000000000003",
                        "parentSpanId": "0000000000000002",
                        "flags": 0x301,
                        "name": "call WhatsApp",
                        "kind": 3,
                        "startTimeUnixNano": "1796032800000000000",
                        "endTimeUnixNano": "1796032800250000000",
                        "attributes": [
                            { "key": "kind", "value": { "stringValue": "reminder_1" } },
                            { "key": "attempt", "value": { "intValue": "2" } },
                        ],
                        "links": [{
                            "traceId": "00000000000000000000000000000009",
                            "spanId": "0000000000000008",
                            "flags": 0x301,
                        }],
                        "status": { "code": 2 },
                    }],
                }],
            }] })
        );
    }
}
