//! Error responses (RFC 9457 problem details). They name no internal causes; those go to the log.
//!
//! Every answer of 4xx and 5xx is made here.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use serde::Serialize;
use uuid::Uuid;

use mapping::check::FieldError;

pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The body is not JSON, or not an object.
    InvalidJson,
    /// The body ended before its announced length.
    IncompleteBody,
    InvalidEvent(Vec<FieldError>),
    /// The body is not what its `Content-Encoding` says.
    InvalidEncoding,
    /// Not authentic.
    Unauthorized {
        /// What `WWW-Authenticate` says, where the scheme is one of HTTP's own.
        challenge: Option<&'static str>,
    },
    /// The address is not on the source's list.
    AddressNotAllowed,
    /// The token of WhatsApp's handshake is not ours.
    HandshakeRefused,
    UnknownSource,
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed {
        /// The methods that do.
        allow: &'static str,
    },
    /// The body was not sent in time.
    RequestTimeout,
    BodyTooLarge {
        limit: usize,
    },
    /// The content type is not JSON.
    UnsupportedMediaType,
    UnsupportedEncoding,
    RateLimited {
        /// When to come again.
        retry_after_seconds: u64,
    },
    /// Our fault.
    Internal,
    SourceUnavailable,
    ResortUnavailable,
    /// RabbitMQ is away, blocked or does not confirm.
    BrokerUnavailable,
}

/// How soon a caller should try again when the fault is ours.
const RETRY_AFTER_SECONDS: u64 = 5;

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    request_id: Uuid,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    /// The last part of `urn:bellhop:problem:…`; also the `reason` in log and metrics.
    pub(crate) fn name(&self) -> &'static str {
        self.words().0
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::InvalidJson | Self::IncompleteBody | Self::InvalidEvent(_) | Self::InvalidEncoding => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::AddressNotAllowed | Self::HandshakeRefused => StatusCode::FORBIDDEN,
            Self::UnknownSource | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::SourceUnavailable | Self::ResortUnavailable | Self::BrokerUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The answer, without the header `X-Request-Id`, which every answer gets in one place.
    pub(crate) fn response(&self, request_id: Uuid) -> HttpResponse {
        let (name, title) = self.words();
        let body = Body {
            r#type: format!("urn:bellhop:problem:{name}"),
            title,
            status: self.status().as_u16(),
            detail: self.detail(),
            request_id,
            errors: match self {
                Self::InvalidEvent(errors) => errors,
                _ => &[],
            },
        };
        let mut response = HttpResponse::build(self.status()).json(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match self {
            Self::MethodNotAllowed { allow } => {
                headers.insert(ALLOW, HeaderValue::from_static(allow));
            }
            Self::Unauthorized {
                challenge: Some(challenge),
            } => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            Self::UnsupportedEncoding => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
            }
            _ => {}
        }
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_seconds } => Some(*retry_after_seconds),
            Self::SourceUnavailable | Self::ResortUnavailable | Self::BrokerUnavailable => {
                Some(RETRY_AFTER_SECONDS)
            }
            _ => None,
        }
    }

    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::InvalidJson => ("invalid-json", "The body is not a JSON object"),
            Self::IncompleteBody => ("incomplete-body", "The body is incomplete"),
            Self::InvalidEvent(_) => ("invalid-event", "The event is not valid"),
            Self::InvalidEncoding => (
                "invalid-encoding",
                "The body is not what its Content-Encoding says",
            ),
            Self::Unauthorized { .. } => ("unauthorized", "The request is not authentic"),
            Self::AddressNotAllowed => ("address-not-allowed", "The address is not allowed"),
            Self::HandshakeRefused => ("handshake-refused", "The handshake is refused"),
            Self::UnknownSource => ("unknown-source", "There is no such source"),
            Self::NotFound => ("not-found", "There is nothing here"),
            Self::MethodNotAllowed { .. } => ("method-not-allowed", "The method is not allowed"),
            Self::RequestTimeout => ("request-timeout", "The body did not come in time"),
            Self::BodyTooLarge { .. } => ("body-too-large", "The body is too large"),
            Self::UnsupportedMediaType => ("unsupported-media-type", "The content type is not JSON"),
            Self::UnsupportedEncoding => ("unsupported-encoding", "The Content-Encoding is not known"),
            Self::RateLimited { .. } => ("rate-limited", "Too many requests"),
            Self::Internal => ("internal-error", "Something went wrong on our side"),
            Self::SourceUnavailable => ("source-unavailable", "The source cannot be served now"),
            Self::ResortUnavailable => ("resort-unavailable", "The resort cannot be served now"),
            Self::BrokerUnavailable => ("broker-unavailable", "The event cannot be stored now"),
        }
    }

    fn detail(&self) -> String {
        let fixed = match self {
            Self::InvalidJson => "Send one event as a JSON object in UTF-8.",
            Self::IncompleteBody => "The connection ended before the whole body had come.",
            Self::InvalidEvent(_) => "See errors: each names a field and what is wrong with it.",
            Self::InvalidEncoding => "Send it as it is, or packed whole by gzip.",
            Self::Unauthorized { .. } => {
                "The signature or token is missing, wrong, or outside the time tolerance; \
                 whoever runs this service finds the reason in the log under the request id."
            }
            Self::AddressNotAllowed => "The source takes requests from its own addresses only.",
            Self::HandshakeRefused => "The verify token is not the one that was agreed on.",
            Self::UnknownSource => "No source of this name is set up here.",
            Self::NotFound => "See /openapi.json for what is served here.",
            Self::MethodNotAllowed { allow } => return format!("Use {allow}."),
            Self::RequestTimeout => "Send the body without pauses.",
            Self::BodyTooLarge { limit } => return format!("At most {limit} bytes are taken."),
            Self::UnsupportedMediaType => "Use the content type application/json, and UTF-8.",
            Self::UnsupportedEncoding => "Send it as it is, or packed by gzip.",
            Self::RateLimited { .. } => "Wait as long as Retry-After says and send it again.",
            Self::Internal => "The event was not accepted; send it again.",
            Self::SourceUnavailable | Self::ResortUnavailable => {
                "Its settings are being mended; the event was not accepted, send it again later."
            }
            Self::BrokerUnavailable => "The event was not accepted; send it again later.",
        };
        fixed.to_owned()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use actix_web::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;
    use mapping::check::FieldProblem;

    /// One of each.
    pub(crate) fn every() -> Vec<Problem> {
        vec![
            Problem::InvalidJson,
            Problem::IncompleteBody,
            Problem::InvalidEvent(Vec::new()),
            Problem::InvalidEncoding,
            Problem::Unauthorized { challenge: None },
            Problem::AddressNotAllowed,
            Problem::HandshakeRefused,
            Problem::UnknownSource,
            Problem::NotFound,
            Problem::MethodNotAllowed { allow: "POST" },
            Problem::RequestTimeout,
            Problem::BodyTooLarge { limit: 1 },
            Problem::UnsupportedMediaType,
            Problem::UnsupportedEncoding,
            Problem::RateLimited {
                retry_after_seconds: 1,
            },
            Problem::Internal,
            Problem::SourceUnavailable,
            Problem::ResortUnavailable,
            Problem::BrokerUnavailable,
        ]
    }

    async fn body_of(problem: &Problem) -> Value {
        let response = problem.response(Uuid::nil());
        assert_eq!(response.headers().get(CONTENT_TYPE).unwrap(), MEDIA_TYPE);
        serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap()
    }

    #[actix_web::test]
    async fn a_problem_names_type_title_status_detail_request_and_fields() {
        let problem = Problem::InvalidEvent(vec![FieldError {
            field: "guest.phone",
            problem: FieldProblem::Missing,
        }]);

        let body = body_of(&problem).await;

        assert_eq!(
            body,
            json!({
                "type": "urn:bellhop:problem:invalid-event", "title": "The event is not valid", "status": 400,
                "detail": "See errors: each names a field and what is wrong with it.",
                "request_id": "00000000-0000-0000-0000-000000000000",
                "errors": [{ "field": "guest.phone", "problem": "missing" }],
            })
        );
    }

    #[actix_web::test]
    async fn who_should_come_again_is_told_when_and_who_may_not_is_told_how() {
        let over = Problem::RateLimited {
            retry_after_seconds: 3,
        };
        let method = Problem::MethodNotAllowed { allow: "POST" };

        let header = |problem: &Problem, name| {
            problem
                .response(Uuid::nil())
                .headers()
                .get(name)
                .cloned()
                .unwrap()
        };
        assert_eq!(header(&over, RETRY_AFTER), "3");
        assert_eq!(header(&Problem::BrokerUnavailable, RETRY_AFTER), "5");
        assert_eq!(header(&method, ALLOW), "POST");
    }
}
