//! What is served where.

mod openapi;
mod respond;
mod webhook;
mod whatsapp;

use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::guard::fn_guard;
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use service::health::Readiness;
use service::metrics::Metrics;
use uuid::Uuid;

use crate::problem::Problem;
use crate::request_log::Other;
use crate::routes::respond::client_address;
use crate::state::Ingest;

/// Sets up everything that this binary serves.
pub(crate) fn configure(
    ingest: Data<Ingest>,
    readiness: Readiness,
    metrics: Metrics,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
    let health = service::http::endpoints(readiness, metrics);
    move |config| {
        config
            .app_data(ingest.clone())
            .service(of_whatsapp("/webhooks/whatsapp"))
            .service(of_whatsapp("/webhooks/whatsapp/"))
            // Not by patterns such as `{source}`: actix would run regular expressions on every request.
            .service(
                web::scope("/webhooks")
                    .guard(fn_guard(|request| webhook::is_path(request.head().uri.path())))
                    .default_service(web::to(webhook::receive)),
            )
            .service(
                web::scope("")
                    .wrap(from_fn(finish))
                    .configure(health.clone())
                    .service(
                        web::resource("/openapi.json")
                            .route(web::get().to(openapi::show))
                            .route(web::head().to(openapi::show))
                            .default_service(web::to(|| async { refuse_all_but("GET, HEAD") })),
                    )
                    .default_service(web::to(not_found)),
            );
    }
}

/// A slash at the end changes nothing.
fn of_whatsapp(path: &str) -> actix_web::Resource {
    web::resource(path)
        .route(web::get().to(whatsapp::greet))
        .route(web::post().to(whatsapp::receive))
        .default_service(web::to(whatsapp::refuse_method))
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().finish()
}

fn refuse_all_but(allow: &'static str) -> HttpResponse {
    HttpResponse::MethodNotAllowed()
        .insert_header((actix_web::http::header::ALLOW, allow))
        .finish()
}

/// Gives the plain answers of everything that is no webhook their request id and their problem.
async fn finish(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let (request_id, began_at) = (Uuid::now_v7(), Instant::now());
    let known = request.app_data::<Data<Ingest>>().cloned();
    let known = known.map(|ingest| (client_address(request.request(), &ingest), ingest));
    let response = next.call(request).await?.map_into_boxed_body();
    let problem = match response.status() {
        StatusCode::NOT_FOUND => Some(Problem::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Some(Problem::MethodNotAllowed { allow: "GET, HEAD" }),
        _ => None,
    };
    if let Some((address, ingest)) = known {
        ingest.log.tell_other(&Other {
            request_id,
            address,
            answer: problem.as_ref().map_or("answered", Problem::name),
            status: response.status().as_u16(),
            took: began_at.elapsed(),
        });
    }
    let response = match problem {
        Some(problem) => response.into_response(problem.response(request_id)),
        None => response,
    };
    Ok(response.map_body(|head, body| {
        respond::add_request_id(head.headers_mut(), request_id);
        body
    }))
}
