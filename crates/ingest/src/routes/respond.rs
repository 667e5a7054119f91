//! What the answers of all routes have in common.

use std::panic::AssertUnwindSafe;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::problem::Problem;
use crate::state::Ingest;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives an answer the id of its request, which every answer carries.
pub(super) fn with_request_id(mut response: HttpResponse, request_id: Uuid) -> HttpResponse {
    add_request_id(response.headers_mut(), request_id);
    response
}

pub(super) fn add_request_id(headers: &mut HeaderMap, request_id: Uuid) {
    let mut buffer = Uuid::encode_buffer();
    let text = request_id.hyphenated().encode_lower(&mut buffer);
    let value = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("invalid"));
    headers.insert(REQUEST_ID, value);
}

/// Where a request came from, as far as our own proxies know.
pub(super) fn client_address(request: &HttpRequest, ingest: &Ingest) -> std::net::IpAddr {
    let forwarded_for = request
        .headers()
        .get_all("x-forwarded-for")
        .map(HeaderValue::as_bytes)
        .collect::<Vec<_>>();
    service::http::client_address(
        request.peer_addr().map(|peer| peer.ip()),
        forwarded_for.into_iter(),
        &ingest.trusted_proxies,
    )
}

/// What `work` answers; a panic in it is answered with 500.
pub(super) async fn answer_of<T>(work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or(Err(Problem::Internal))
}
