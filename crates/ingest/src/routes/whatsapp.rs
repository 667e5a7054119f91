//! `/webhooks/whatsapp`: Meta's handshake and notifications.
//!
//! Any answer but 200 makes Meta send the whole batch again for a week, so nothing in an authentic one is refused. Only
//! a body that cannot be unpacked is: a newer version of ours may be able to, within that week.

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::ContentType;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use chrono::Utc;
use crypto::signature::Request;
use domain::ids::SourceId;
use serde_json::json;
use service::crash;
use whatsapp::notification::{self, LONGEST_BODY};

use super::respond::{answer_of, client_address, with_request_id};
use crate::body;
use crate::problem::Problem;
use crate::request_log::Entry;
use crate::state::Ingest;

/// In characters.
const LONGEST_CHALLENGE: usize = 1_024;

/// The handshake: the challenge comes back as plain text to who knows the token.
pub(super) async fn greet(request: HttpRequest, ingest: Data<Ingest>) -> HttpResponse {
    let mut entry = begin(&request, &ingest);
    let response = match challenge(&request, &ingest, &entry) {
        Ok(challenge) => {
            entry.answered("handshake");
            HttpResponse::Ok()
                .content_type(ContentType::plaintext())
                .insert_header(("x-content-type-options", "nosniff"))
                .body(challenge)
        }
        Err(problem) => refuse(&problem, &mut entry),
    };
    with_request_id(response, entry.request_id)
}

/// A notification: 200 once every update in it is confirmed by the broker.
pub(super) async fn receive(
    request: HttpRequest,
    mut payload: Payload,
    ingest: Data<Ingest>,
) -> HttpResponse {
    let mut entry = begin(&request, &ingest);
    let response = match answer_of(take(&request, &mut payload, &ingest, &mut entry)).await {
        Ok(answer) => {
            entry.answered(answer);
            HttpResponse::Ok().json(json!({ "status": answer }))
        }
        Err(problem) => refuse(&problem, &mut entry),
    };
    with_request_id(response, entry.request_id)
}

pub(super) async fn refuse_method(request: HttpRequest, ingest: Data<Ingest>) -> HttpResponse {
    let mut entry = begin(&request, &ingest);
    let problem = match ingest.meta {
        Some(_) => Problem::MethodNotAllowed { allow: "GET, POST" },
        None => Problem::UnknownSource,
    };
    with_request_id(refuse(&problem, &mut entry), entry.request_id)
}

fn begin(request: &HttpRequest, ingest: &Ingest) -> Entry {
    let address = client_address(request, ingest);
    let mut entry = Entry::begin(address, request.headers(), Arc::clone(&ingest.log));
    entry.source = ingest.meta.is_some().then(SourceId::whatsapp);
    entry
}

fn refuse(problem: &Problem, entry: &mut Entry) -> HttpResponse {
    entry.refused(problem);
    problem.response(entry.request_id)
}

fn challenge(request: &HttpRequest, ingest: &Ingest, entry: &Entry) -> Result<String, Problem> {
    debug_assert_eq!(request.method(), Method::GET);
    let meta = ingest.meta.as_ref().ok_or(Problem::UnknownSource)?;
    ingest.rates.whatsapp.count_address(entry.address)?;
    let (mut mode, mut challenge, mut token) = (None, None, None);
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        match name.as_ref() {
            "hub.mode" => mode = Some(value),
            "hub.challenge" => challenge = Some(value),
            "hub.verify_token" => token = Some(value),
            _ => {}
        }
    }
    let known = meta.verify_token.as_ref().is_some_and(|verifier| {
        let claim = Request {
            headers: &|_| Vec::new(),
            body: &[],
            url_token: token.as_deref(),
            now: 0,
        };
        verifier.verify(&claim).is_ok()
    });
    challenge
        .filter(|challenge| {
            known && mode.as_deref() == Some("subscribe") && challenge.chars().count() <= LONGEST_CHALLENGE
        })
        .map(String::from)
        .ok_or(Problem::HandshakeRefused)
}

async fn take(
    request: &HttpRequest,
    payload: &mut Payload,
    ingest: &Ingest,
    entry: &mut Entry,
) -> Result<&'static str, Problem> {
    let meta = ingest.meta.as_ref().ok_or(Problem::UnknownSource)?;
    ingest.rates.whatsapp.count_address(entry.address)?;
    let body = body::read(payload, request.headers(), LONGEST_BODY).await?;
    let headers = request.headers();
    let values = |name: &str| headers.get_all(name).map(|value| value.as_bytes()).collect();
    let claim = Request {
        headers: &values,
        body: &body,
        url_token: None,
        now: Utc::now().timestamp(),
    };
    meta.signature.verify(&claim).map_err(|refusal| {
        entry.reason = Some(refusal.to_string());
        Problem::Unauthorized { challenge: None }
    })?;
    entry.is_authentic = true;
    let body = body::unpack(body, headers, LONGEST_BODY)?;
    let updates = match notification::parse(&body) {
        Ok(updates) => updates,
        Err(error) => {
            ingest.metrics.count_unreadable(error.as_str());
            entry.reason = Some(error.to_string());
            return Ok("ignored");
        }
    };
    crash::point("ingest.updates.checked");
    ingest
        .events
        .publish_updates(&updates, entry.origin())
        .await
        .map_err(|error| error.into_problem(entry))?;
    crash::point("ingest.updates.confirmed");
    for update in &updates {
        ingest.metrics.count_update(update.kind());
        if let Some(damage) = update.damage() {
            ingest.metrics.count_unreadable(damage.as_str());
        }
    }
    entry.updates = Some(updates.len());
    Ok("accepted")
}
