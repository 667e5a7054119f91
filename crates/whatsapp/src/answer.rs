//! Reads WhatsApp's answer to a request.
//!
//! An answer that is not Graph's JSON is not WhatsApp's own ("foreign"). With a status 4xx, a proxy, a firewall or
//! a server at a wrong address refused the request before WhatsApp saw it; with any other status the outcome is
//! unknown.

use std::time::Duration;

use domain::after_call::{Advice, CallOutcome, Refusal};
use domain::endpoint::Endpoint;
use domain::guest::GuestName;
use domain::ids::WhatsAppMessageId;
use domain::phone_number::PhoneNumber;
use serde_json::Value;

use crate::error_codes::{self, ErrorObject, marketing};

/// The outcome of one call, with what a log may say about it. The only personal data is the outcome's id.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    pub outcome: CallOutcome,
    /// `None` if there was no answer.
    pub http_status: Option<u16>,
    /// WhatsApp's id of the call, for their support.
    pub fbtrace_id: Option<String>,
    pub subcode: Option<i64>,
    pub duration: Duration,
    /// Why the outcome is neither simply accepted nor simply refused.
    pub note: Option<&'static str>,
    /// A description of a foreign answer: status, content type and server.
    pub foreign: Option<String>,
    /// The guest's names at WhatsApp, if it accepted the message.
    pub names: Vec<GuestName>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let outcome = match &self.outcome {
            CallOutcome::Accepted { .. } => "accepted".to_owned(),
            CallOutcome::Refused(refusal) => format!("refused with code {}", refusal.code),
            CallOutcome::Failed(_) => "failed".to_owned(),
            CallOutcome::Unreachable => "unreachable".to_owned(),
            CallOutcome::Intercepted => "intercepted".to_owned(),
            CallOutcome::Unknown => "unknown".to_owned(),
        };
        f.debug_struct("Answer")
            .field("outcome", &outcome)
            .field("http_status", &self.http_status)
            .field("fbtrace_id", &self.fbtrace_id)
            .field("subcode", &self.subcode)
            .field("duration", &self.duration)
            .field("note", &self.note)
            .field("foreign", &self.foreign)
            .finish()
    }
}

impl Answer {
    /// An outcome without a readable answer.
    pub(crate) fn without_content(
        outcome: CallOutcome,
        http_status: Option<u16>,
        note: &'static str,
    ) -> Self {
        Self {
            outcome,
            http_status,
            fbtrace_id: None,
            subcode: None,
            duration: Duration::ZERO,
            note: Some(note),
            foreign: None,
            names: Vec::new(),
        }
    }

    /// An answer that is not WhatsApp's own.
    pub(crate) fn not_whatsapps(http_status: u16, note: &'static str) -> Self {
        let outcome = if (400..500).contains(&http_status) {
            CallOutcome::Intercepted
        } else {
            CallOutcome::Unknown
        };
        Self {
            foreign: Some(format!("HTTP {http_status}")),
            ..Self::without_content(outcome, Some(http_status), note)
        }
    }

    /// Judges the answer as one of this endpoint: a refusal may mean that the endpoint for marketing cannot be used.
    pub(crate) fn of(mut self, endpoint: Endpoint) -> Self {
        if endpoint == Endpoint::Messages {
            return self;
        }
        if self.outcome == CallOutcome::Intercepted && self.http_status.is_some_and(is_unknown_path) {
            // A gateway that passes `/messages` on may not know the other path.
            let error = ErrorObject {
                code: marketing::UNKNOWN_PATH,
                ..ErrorObject::default()
            };
            self.outcome = CallOutcome::Refused(error_codes::refusal(error, 404, None));
        }
        if let CallOutcome::Refused(refusal) = &mut self.outcome
            && let Some(scope) = marketing::cannot_be_used_with(refusal.code)
        {
            *refusal = Refusal {
                code: refusal.code,
                scope,
                advice: Advice::UseMessages,
                retry_after: None,
                unsure: false,
            };
        }
        self
    }

    /// Adds headers to the description of a foreign answer.
    pub(crate) fn or_describe(mut self, headers: &[Option<&str>]) -> Self {
        if let Some(seen) = &mut self.foreign {
            for header in headers.iter().flatten().map(|header| plain(header)) {
                if !header.is_empty() {
                    seen.push_str(", ");
                    seen.push_str(&header);
                }
            }
        }
        self
    }
}

/// How a server answers that has no such path, or takes no POST there.
const fn is_unknown_path(http_status: u16) -> bool {
    matches!(http_status, 404 | 405)
}

/// The first characters of a header, limited to those that a product's name or a media type may have.
fn plain(header: &str) -> String {
    let name = header.split(';').next().unwrap_or(header).trim();
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '/' | '-' | '+');
    name.chars().take(HEADER_SHOWN).filter(allowed).collect()
}

const HEADER_SHOWN: usize = 40;

/// Reads a whole answer. `asked_pause` is the pause that its headers ask for.
pub(crate) fn read(http_status: u16, asked_pause: AskedPause, body: &[u8]) -> Answer {
    let not_whatsapps = |note| Answer::not_whatsapps(http_status, note);
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return not_whatsapps("the answer is not JSON");
    };
    let whatsapps = |outcome| Answer {
        note: None,
        ..Answer::without_content(outcome, Some(http_status), "")
    };
    // Only a 2xx with an id is an acceptance; WhatsApp's errors may have any status.
    if (200..300).contains(&http_status)
        && let Some(outcome) = accepted(&json)
    {
        return Answer {
            names: names(&json),
            ..whatsapps(outcome)
        };
    }
    match json.get("error").and_then(error_object) {
        Some(error) => Answer {
            fbtrace_id: fbtrace_id(&json),
            subcode: error.subcode,
            ..whatsapps(CallOutcome::Refused(refused(error, http_status, asked_pause)))
        },
        None => not_whatsapps("the answer is neither a message's id nor an error"),
    }
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// No connection; the text is the reason.
    #[error("WhatsApp cannot be reached: {0}")]
    Unreachable(&'static str),
    #[error("WhatsApp did not answer in time, or its answer broke off")]
    NoAnswer,
    /// WhatsApp refused the question.
    #[error("WhatsApp refuses with code {code}")]
    Refused {
        code: i64,
        subcode: Option<i64>,
        /// WhatsApp's id of the call, for their support.
        fbtrace_id: Option<String>,
    },
    /// Something else answered: a proxy, a firewall, a wrong address. The text describes the answer.
    #[error("the answer is not WhatsApp's: {0}")]
    NotWhatsApps(String),
}

/// The error in the answer to a question that sends nothing; `None`: it has none.
pub(crate) fn refusal_of_question(json: &Value) -> Option<NotRead> {
    let error = json.get("error").and_then(error_object)?;
    Some(NotRead::Refused {
        code: error.code,
        subcode: error.subcode,
        fbtrace_id: fbtrace_id(json),
    })
}

fn fbtrace_id(json: &Value) -> Option<String> {
    let id = json.pointer("/error/fbtrace_id").and_then(Value::as_str);
    id.map(trace_id)
}

fn accepted(json: &Value) -> Option<CallOutcome> {
    let id = WhatsAppMessageId::parse(json.pointer("/messages/0/id")?.as_str()?).ok()?;
    let status = json.pointer("/messages/0/message_status").and_then(Value::as_str);
    Some(CallOutcome::Accepted {
        id,
        held_for_quality: status == Some("held_for_quality_assessment"),
    })
}

/// The names in `contacts[0]`: the number as WhatsApp spells it, and the guest's id for this business.
fn names(json: &Value) -> Vec<GuestName> {
    let text = |key| json.pointer("/contacts/0")?.get(key)?.as_str();
    let number = text("wa_id").and_then(|digits| PhoneNumber::from_whatsapp(digits).ok());
    GuestName::all(text("user_id"), &number)
}

fn error_object(error: &Value) -> Option<ErrorObject> {
    Some(ErrorObject {
        code: integer(error.get("code")?)?,
        subcode: error.get("error_subcode").and_then(integer),
        is_transient: error
            .get("is_transient")
            .and_then(Value::as_bool)
            .unwrap_or(false),
    })
}

/// Accepts numeric text too: some answers quote their code.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        _ => i64::try_from(foreign_json::integer(value)?).ok(),
    }
}

fn refused(error: ErrorObject, http_status: u16, asked: AskedPause) -> Refusal {
    let mut refusal = error_codes::refusal(error, http_status, asked.retry_after);
    if refusal.retry_after.is_none() && refusal.advice == Advice::Throttle {
        refusal.retry_after = asked.quota_regained_in;
    }
    refusal
}

fn trace_id(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .take(64)
        .collect()
}

/// The pause that the headers ask for; at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct AskedPause {
    retry_after: Option<Duration>,
    quota_regained_in: Option<Duration>,
}

impl AskedPause {
    const LONGEST: Duration = Duration::from_secs(86_400);

    /// From `Retry-After` (seconds) and `X-Business-Use-Case-Usage` (minutes).
    pub(crate) fn from_headers(retry_after: Option<&str>, usage: Option<&str>) -> Self {
        let cap = |seconds| Duration::from_secs(seconds).min(Self::LONGEST);
        Self {
            retry_after: retry_after.and_then(|text| text.trim().parse().ok()).map(cap),
            quota_regained_in: usage
                .and_then(minutes_to_regain)
                .map(|minutes| cap(minutes.saturating_mul(60))),
        }
    }
}

fn minutes_to_regain(usage: &str) -> Option<u64> {
    let usage: Value = serde_json::from_str(usage).ok()?;
    let quotas = usage.as_object()?.values().filter_map(Value::as_array).flatten();
    quotas
        .filter_map(|quota| quota.get("estimated_time_to_regain_access")?.as_u64())
        .max()
        .filter(|m| *m > 0)
}

#[cfg(test)]
mod tests {
    use domain::after_call::Scope;

    use super::*;

    fn outcome(http_status: u16, body: &str) -> CallOutcome {
        read(http_status, AskedPause::default(), body.as_bytes()).outcome
    }

    #[test]
    fn only_an_id_in_a_2xx_answer_means_accepted() {
        let body = r#"{"messages":[{"id":"wamid.A"}]}"#;
        let id = WhatsAppMessageId::parse("wamid.A").unwrap();

        assert_eq!(
            outcome(200, body),
            CallOutcome::Accepted {
                id,
                held_for_quality: false
            }
        );
        assert_eq!(outcome(500, body), CallOutcome::Unknown);
    }

    /// Bodies that are not Graph's JSON: pages of proxies, captive portals and gateways, and other JSON.
    const FOREIGN: [&str; 12] = [
        "",
        "<html><head><title>403 Forbidden</title></head></html>",
        "<!DOCTYPE html><title>Sign in to this network</title>",
        "[]",
        "null",
        "{}",
        r#"{"message":"Forbidden"}"#,
        r#"{"messages":[]}"#,
        r#"{"messages":[{"id":""}]}"#,
        r#"{"error":"no"}"#,
        r#"{"error":{"message":"no"}}"#,
        r#"{"error":{"code":"x"}}"#,
    ];

    #[test]
    fn a_4xx_that_is_not_graphs_was_refused_before_whatsapp_saw_it_and_anything_else_is_unknown() {
        for body in FOREIGN {
            for status in [400, 401, 403, 404, 407, 408, 413, 429, 451, 499] {
                let answer = read(status, AskedPause::default(), body.as_bytes());
                assert_eq!(answer.outcome, CallOutcome::Intercepted, "{status} {body}");
                assert_eq!(answer.foreign, Some(format!("HTTP {status}")), "{body}");
            }
            for status in [200, 204, 301, 302, 307, 308, 500, 502, 503, 504, 511] {
                let answer = read(status, AskedPause::default(), body.as_bytes());
                assert_eq!(answer.outcome, CallOutcome::Unknown, "{status} {body}");
                assert_eq!(answer.foreign, Some(format!("HTTP {status}")), "{body}");
            }
        }
    }

    fn refused_by(endpoint: Endpoint, http_status: u16, body: &str) -> (i64, Scope, Advice) {
        let answer = read(http_status, AskedPause::default(), body.as_bytes()).of(endpoint);
        match answer.outcome {
            CallOutcome::Refused(refusal) => (refusal.code, refusal.scope, refusal.advice),
            other => panic!("{http_status} {body}: {other:?}"),
        }
    }

    #[test]
    fn what_the_endpoint_for_marketing_cannot_take_goes_by_the_ordinary_one() {
        let cases = [
            (400, 131_055, Scope::Template),
            (400, 134_100, Scope::Template),
            (400, 134_101, Scope::Template),
            (500, 134_102, Scope::Template),
            (400, 131_009, Scope::Template),
            // "You must accept the Marketing Messages Lite API terms to use the API."
            (403, 200, Scope::Number),
            (400, 2_500, Scope::Number),
        ];
        for (http_status, code, scope) in cases {
            let body = format!(r#"{{"error":{{"code":{code}}}}}"#);
            assert_eq!(
                refused_by(Endpoint::MarketingMessages, http_status, &body),
                (code, scope, Advice::UseMessages)
            );
            let (.., advice) = refused_by(Endpoint::Messages, http_status, &body);
            assert_ne!(advice, Advice::UseMessages, "{code} by the ordinary one");
        }
        let unknown_object = r#"{"error":{"code":100,"error_subcode":33}}"#;
        assert_eq!(
            refused_by(Endpoint::MarketingMessages, 400, unknown_object),
            (33, Scope::Number, Advice::UseMessages)
        );
    }

    #[test]
    fn other_refusals_mean_the_same_at_both_endpoints() {
        for code in [
            100, 190, 368, 130_429, 131_026, 131_049, 131_056, 132_001, 132_015,
        ] {
            let body = format!(r#"{{"error":{{"code":{code}}}}}"#);
            assert_eq!(
                refused_by(Endpoint::MarketingMessages, 400, &body),
                refused_by(Endpoint::Messages, 400, &body)
            );
        }
    }

    #[test]
    fn a_gateway_without_the_path_for_marketing_is_used_by_the_ordinary_one() {
        for status in [404, 405] {
            let foreign = |endpoint| read(status, AskedPause::default(), b"<html>").of(endpoint);

            let (marketing, ordinary) = (foreign(Endpoint::MarketingMessages), foreign(Endpoint::Messages));

            assert!(matches!(&marketing.outcome,
                CallOutcome::Refused(refusal) if refusal.advice == Advice::UseMessages));
            assert!(marketing.foreign.is_some());
            assert_eq!(ordinary.outcome, CallOutcome::Intercepted);
        }
        let forbidden = read(403, AskedPause::default(), b"<html>").of(Endpoint::MarketingMessages);
        assert_eq!(forbidden.outcome, CallOutcome::Intercepted);
    }

    #[test]
    fn an_answer_of_whatsapps_is_not_foreign_whatever_it_says() {
        for (status, body) in [
            (200, r#"{"messages":[{"id":"wamid.A"}]}"#),
            (400, r#"{"error":{"code":131026}}"#),
            (503, r#"{"error":{"code":2}}"#),
        ] {
            let answer = read(status, AskedPause::default(), body.as_bytes());
            assert_eq!(answer.or_describe(&[Some("nginx")]).foreign, None, "{body}");
        }
    }

    #[test]
    fn a_foreign_answer_is_described_by_its_headers_first_words_alone() {
        let described = |headers: &[Option<&str>]| {
            let answer = read(403, AskedPause::default(), b"<html>");
            answer.or_describe(headers).foreign.unwrap()
        };

        assert_eq!(
            described(&[Some("text/html; charset=utf-8"), Some("squid/5.7")]),
            "HTTP 403, text/html, squid/5.7"
        );
        assert_eq!(described(&[None, None]), "HTTP 403");
        let strange = described(&[Some("\u{1b}[31m+306912345678"), Some(&"x".repeat(900))]);
        assert_eq!(strange.len(), "HTTP 403, 31m+306912345678, ".len() + 40);
    }

    #[test]
    fn an_error_of_graphs_own_format_is_a_refusal_with_any_status() {
        for status in [200, 400, 404, 500] {
            let refused = CallOutcome::Refused(Refusal {
                code: 131_026,
                scope: Scope::Recipient,
                advice: Advice::GiveUp,
                retry_after: None,
                unsure: false,
            });
            for code in ["131026", "\"131026\""] {
                let body = format!(r#"{{"error":{{"code":{code},"error_data":"a text"}}}}"#);
                assert_eq!(outcome(status, &body), refused, "{status} {body}");
            }
        }
    }

    #[test]
    fn a_throttle_waits_as_long_as_the_headers_ask_but_never_more_than_a_day() {
        let usage = r#"{"900":[{"type":"whatsapp","estimated_time_to_regain_access":5}]}"#;
        let pause = |retry_after, usage, code| {
            let asked = AskedPause::from_headers(retry_after, usage);
            match read(400, asked, format!(r#"{{"error":{{"code":{code}}}}}"#).as_bytes()).outcome {
                CallOutcome::Refused(refusal) => refusal.retry_after.map(|pause| pause.as_secs()),
                other => panic!("{other:?}"),
            }
        };

        assert_eq!(pause(Some("7"), Some(usage), 4), Some(7));
        assert_eq!(pause(None, Some(usage), 4), Some(300));
        assert_eq!(pause(None, Some(usage), 131_026), None);
        assert_eq!(pause(Some("99999999"), None, 2), Some(86_400));
        assert_eq!(pause(Some("soon"), Some("not JSON"), 4), None);
    }

    #[test]
    fn debug_shows_no_id_because_it_holds_the_phone_number() {
        let answer = read(
            200,
            AskedPause::default(),
            br#"{"messages":[{"id":"wamid.SECRET"}]}"#,
        );

        assert!(!format!("{answer:?}").contains("SECRET"));
    }
}
