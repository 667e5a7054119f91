//! What every request passes before a page sees it, and what every answer carries.

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, ORIGIN,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use ipnet::IpNet;

use super::desk::Desk;
use super::problem::Problem;

/// No page needs anything from elsewhere, and none may be framed. `no-store`: pages hold what staff may see, not their
/// browser's disk.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    // `no-referrer` would also make browsers send `Origin: null` with our own forms (Fetch, "append a request Origin header").
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-robots-tag", "noindex, nofollow"),
];

pub(super) async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let refused = request
        .app_data::<Data<Desk>>()
        .and_then(|desk| refuse(&request, desk));
    let mut response = match refused {
        Some(problem) => request
            .into_response(problem.into_response())
            .map_into_right_body(),
        None => next.call(request).await?.map_into_left_body(),
    };
    add_headers(response.headers_mut());
    Ok(response)
}

fn add_headers(headers: &mut HeaderMap) {
    // A guest's file has a stricter one.
    let own_policy = headers.get(CONTENT_SECURITY_POLICY).cloned();
    for (name, value) in HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Some(policy) = own_policy {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Why a request gets no further.
fn refuse(request: &ServiceRequest, desk: &Desk) -> Option<Problem> {
    if is_internal(asked(request)) && !is_near(request, desk) {
        return Some(Problem::NotFound);
    }
    if request.method().is_safe() || *request.method() == Method::OPTIONS {
        return None;
    }
    let own = desk.public_url.origin();
    (!is_from_own_page(request.headers(), &own)).then_some(Problem::ForeignPage)
}

/// Whether a request that changes something was made by a page of ours. Browsers set these headers and let no page change
/// them: `Sec-Fetch-Site` (W3C Fetch Metadata), older ones `Origin` alone. So no token is needed in forms, which would be
/// stale in every second tab.
fn is_from_own_page(headers: &HeaderMap, own: &str) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => headers.get(ORIGIN).is_some_and(|origin| origin == own),
    }
}

/// The path by which a page is chosen: decoded, where [`ServiceRequest::path`] is as it came (`/%6detrics`).
pub(super) fn asked(request: &ServiceRequest) -> &str {
    request.match_info().as_str()
}

/// For machines of ours.
fn is_internal(path: &str) -> bool {
    matches!(path, "/metrics" | "/readyz")
}

fn is_near(request: &ServiceRequest, desk: &Desk) -> bool {
    let proxies: &[IpNet] = desk.gateway.as_ref().map_or(&[], |gateway| &gateway.proxies);
    request.peer_addr().is_some_and(|peer| {
        let peer = peer.ip().to_canonical();
        peer.is_loopback() || proxies.iter().any(|network| network.contains(&peer))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_machines_ask_for_is_known_however_its_path_is_written() {
        for (path, expected) in [
            ("/metrics", true),
            ("/%6detrics", true),
            ("/%72eadyz", true),
            ("/metrics?a", true),
            ("/letters", false),
        ] {
            let request = TestRequest::with_uri(path).to_srv_request();
            assert_eq!(is_internal(asked(&request)), expected, "{path}");
        }
    }

    #[test]
    fn only_a_page_of_our_own_may_change_something() {
        let own = "https://desk.example";
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[("sec-fetch-site", "same-origin")], true),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://desk.example"),
                ],
                true,
            ),
            (&[("sec-fetch-site", "same-site"), ("origin", own)], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", own)], true),
            (&[("origin", "https://desk.example.evil")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ];
        for (given, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_from_own_page(&headers, own), expected, "{given:?}");
        }
    }
}
