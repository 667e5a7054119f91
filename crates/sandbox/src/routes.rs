//! The routes: the Cloud API's messages endpoint, its questions about the account, and the sandbox's own.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use service::Stop;

use crate::connection::Connection;
use crate::emulator::{Answer, Call, Emulator};
use crate::graph::{self, GraphError};
use crate::request::Endpoint;

mod account;
mod control;
mod media;
mod phone;

/// How long an answer waits for a notification that a script wants before it.
const FIRST_REPORT_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct State {
    pub(crate) emulator: Arc<Emulator>,
    pub(crate) stop: Stop,
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route(
            r"/{version:v\d+\.\d+}/{number:\d+}/{endpoint:messages|marketing_messages}",
            web::post().to(send),
        )
        .configure(account::configure)
        .configure(control::configure)
        .configure(media::configure)
        .configure(phone::configure)
        .default_service(web::to(unknown_path));
}

async fn send(
    state: Data<State>,
    request: HttpRequest,
    path: Path<(String, String, String)>,
    body: Bytes,
) -> HttpResponse {
    let (version, number, endpoint) = path.into_inner();
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let call = Call {
        path: request.path(),
        version: &version,
        number: &number,
        endpoint: Endpoint::of_path(&endpoint),
        authorization: header("authorization"),
        traceparent: header("traceparent"),
        body: &body,
    };
    let outcome = state.emulator.receive(&call);
    if !outcome.after.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(outcome.after) => {}
            () = state.stop.stopped() => {}
        }
    }
    if let Some(first_report) = outcome.first_report {
        let _ = tokio::time::timeout(FIRST_REPORT_PATIENCE, first_report).await;
    }
    let trace = state.emulator.wamids.trace();
    match outcome.answer {
        Answer::Taken { contact, message } => graph::accepted(&version, &trace, &contact, &message),
        Answer::Refused(error) => error.answer(&version, &trace),
        Answer::Garbage { status, body } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            HttpResponse::build(status).content_type("text/html").body(body)
        }
        Answer::Cut => {
            if let Some(connection) = request.conn_data::<Connection>() {
                connection.cut();
            }
            HttpResponse::InternalServerError().finish()
        }
    }
}

async fn unknown_path(state: Data<State>) -> HttpResponse {
    let error = GraphError {
        code: 2500,
        message: "Unknown path components".to_owned(),
        details: None,
        ..GraphError::new(100)
    };
    error.answer("v25.0", &state.emulator.wamids.trace())
}
