//! `POST /webhooks/{source}`: the platforms' way in.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::Utc;
use crypto::signature::{Request, Verified};
use domain::event::Event;
use domain::ids::{ResortId, SourceId};
use mapping::check::{self, Checked, OptionalFields, Rules, UnknownTypes};
use serde_json::Value;
use service::crash;
use settings::{Snapshot, Source, SourceState};

use super::respond::{answer_of, client_address, with_request_id};
use crate::answer::Answer;
use crate::body;
use crate::content_type::charset_of_json;
use crate::mapped;
use crate::problem::Problem;
use crate::request_log::Entry;
use crate::state::Ingest;

/// The greatest body of a webhook, in bytes.
const LONGEST_BODY: usize = 1 << 20;

/// A signed request with this header is checked and mapped in full, answered with the event that it would be, and not
/// published.
const DRY_RUN: &str = "bellhop-dry-run";

pub(super) async fn receive(
    request: HttpRequest,
    mut payload: Payload,
    ingest: Data<Ingest>,
) -> HttpResponse {
    let address = client_address(&request, &ingest);
    let mut entry = Entry::begin(address, request.headers(), Arc::clone(&ingest.log));
    let response = match answer_of(take(&request, &mut payload, &ingest, &mut entry)).await {
        Ok(answer) => answer.response(&mut entry),
        Err(problem) => {
            entry.refused(&problem);
            problem.response(entry.request_id)
        }
    };
    with_request_id(response, entry.request_id)
}

/// Whether a path is `/webhooks/{source}` or `/webhooks/{source}/{token}`. A slash at the end changes nothing.
pub(super) fn is_path(path: &str) -> bool {
    let mut parts = path.strip_suffix('/').unwrap_or(path).split('/').skip(2);
    let is_named = |part: &str| !part.is_empty();
    parts.next().is_some_and(is_named) && parts.next().is_none_or(is_named) && parts.next().is_none()
}

/// The source and the token of such a path.
fn parts(request: &HttpRequest) -> (&str, Option<&str>) {
    let path = request.match_info().unprocessed();
    let mut parts = path.split('/').skip(1);
    let source = parts.next().unwrap_or_default();
    (source, parts.next().filter(|token| !token.is_empty()))
}

/// The checks, in the order in which they spare most: strangers cannot use up a source's rate.
async fn take(
    request: &HttpRequest,
    payload: &mut Payload,
    ingest: &Ingest,
    entry: &mut Entry,
) -> Result<Answer, Problem> {
    let settings = ingest.files.current();
    let is_post = request.method() == Method::POST;
    // A platform tries the address with other methods too; whether it may is known once its source is.
    if !is_post && request.method() != Method::GET {
        return Err(Problem::MethodNotAllowed { allow: "POST" });
    }
    let source = find_source(request, &settings, entry);
    if !is_post && !source.as_ref().is_ok_and(|source| source.rules.mapping.is_some()) {
        return Err(Problem::MethodNotAllowed { allow: "POST" });
    }
    let source = source?;
    if !source.allows(entry.address) {
        entry.reason = Some(format!("[network] allow of sources/{}.toml", source.rules.id));
        return Err(Problem::AddressNotAllowed);
    }
    let rates = ingest.rates.of(&source);
    rates.count_address(entry.address)?;
    let body = body::read(payload, request.headers(), LONGEST_BODY).await?;
    let verified = verify(request, &source, &body, entry)?;
    entry.is_authentic = true;
    rates.count_source()?;
    if !is_post {
        return Ok(Answer::PING);
    }
    let is_dry_run = request.headers().get(DRY_RUN).is_some_and(|value| value == "1");
    if source.rules.mapping.is_some() {
        let body = body::unpack(body, request.headers(), LONGEST_BODY)?;
        let received = mapped::read(request, &body, &source.rules, ingest.events.ring())?;
        return mapped::take(request, received, settings, source, is_dry_run, ingest, entry).await;
    }
    let body = read_json(request, body, entry)?;
    let event = match examine(&body, &source, verified.signed_id.as_deref(), &settings, entry) {
        Checked::Event(event) => event,
        Checked::Ignored => return Ok(Answer::IGNORED_TYPE),
        Checked::Invalid(errors) => return Err(Problem::InvalidEvent(errors)),
        Checked::NotAnObject => return Err(Problem::InvalidJson),
        Checked::ResortUnavailable => return Err(Problem::ResortUnavailable),
    };
    if is_dry_run {
        return Ok(Answer::dry_run_of(&event));
    }
    crash::point("ingest.event.checked");
    publish(&event, &settings, ingest, entry).await?;
    crash::point("ingest.event.confirmed");
    Ok(Answer::Accepted {
        event_ids: vec![event.key.id.into()],
    })
}

async fn publish(
    event: &Event,
    settings: &Snapshot,
    ingest: &Ingest,
    entry: &mut Entry,
) -> Result<(), Problem> {
    let guest = settings.phone_number(event);
    let published = ingest.events.publish_event(event, guest, entry.origin()).await;
    published.map_err(|error| error.into_problem(entry))
}

fn find_source(
    request: &HttpRequest,
    settings: &Snapshot,
    entry: &mut Entry,
) -> Result<Arc<Source>, Problem> {
    let (name, _) = parts(request);
    let id = SourceId::parse(name).map_err(|_| Problem::UnknownSource)?;
    let state = settings.source(&id);
    if !matches!(state, SourceState::Unknown) {
        entry.source = Some(id);
    }
    match state {
        SourceState::Good(source) => Ok(source),
        SourceState::Broken => Err(Problem::SourceUnavailable),
        SourceState::Unknown => Err(Problem::UnknownSource),
    }
}

fn verify(
    request: &HttpRequest,
    source: &Source,
    body: &[u8],
    entry: &mut Entry,
) -> Result<Verified, Problem> {
    let headers = request.headers();
    let values = |name: &str| headers.get_all(name).map(|value| value.as_bytes()).collect();
    let claim = Request {
        headers: &values,
        body,
        url_token: parts(request).1,
        now: Utc::now().timestamp(),
    };
    source.verifier.verify(&claim).map_err(|refusal| {
        entry.reason = Some(refusal.to_string());
        Problem::Unauthorized {
            challenge: source.verifier.challenge(),
        }
    })
}

fn read_json(request: &HttpRequest, body: Bytes, entry: &mut Entry) -> Result<Value, Problem> {
    let charset = charset_of_json(request.headers())?;
    let body = body::unpack(body, request.headers(), LONGEST_BODY)?;
    let read = foreign_json::read(&body, charset).map_err(|_| Problem::InvalidJson)?;
    entry.is_mended = read.mended;
    Ok(read.value)
}

fn examine(
    body: &Value,
    source: &Source,
    signed_id: Option<&str>,
    settings: &Snapshot,
    entry: &mut Entry,
) -> Checked {
    let rules = &source.rules;
    let standing = |id: &ResortId| settings.standing(rules, id);
    let (seen, checked) = check::check(
        body,
        &Rules {
            source: &rules.id,
            signed_id,
            unknown_types: if rules.strict {
                UnknownTypes::Refuse
            } else {
                UnknownTypes::Ignore
            },
            optional_fields: OptionalFields::Refuse,
            standing: &standing,
        },
    );
    entry.seen = seen;
    checked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_has_one_or_two_names_after_its_root() {
        for path in [
            "/webhooks/a",
            "/webhooks/a/",
            "/webhooks/a/b",
            "/webhooks/a/b/",
            "/webhooks/a%2Fb",
        ] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "",
            "/",
            "*",
            "/webhooks",
            "/webhooks/",
            "/webhooks//",
            "/webhooks//b",
            "/webhooks/a//",
            "/webhooks/a//b",
            "/webhooks/a/b//",
            "/webhooks/a/b/c",
        ] {
            assert!(!is_path(path), "{path}");
        }
    }
}
