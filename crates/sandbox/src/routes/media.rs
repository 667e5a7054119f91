//! Guests' files: where one is, and the file itself. Both want the token.

use actix_web::web::{Data, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::State;
use crate::emulator::token;
use crate::graph::{self, GraphError};
use crate::media::File;

/// The path on Meta's server of files.
const FILES: &str = "/whatsapp_business/attachments/";

pub(super) fn configure(config: &mut ServiceConfig) {
    config.route(FILES, web::get().to(file));
}

#[derive(Deserialize)]
struct Asked {
    mid: String,
}

/// Where a file is.
pub(super) fn describe(
    state: &State,
    request: &HttpRequest,
    (version, id): (&str, &str),
    file: &File,
) -> HttpResponse {
    let trace = state.emulator.wamids.trace();
    if let Err(error) = may_read(state, request) {
        return error.answer(version, &trace);
    }
    let connection = request.connection_info();
    let url = format!("{}://{}{FILES}?mid={id}", connection.scheme(), connection.host());
    let facts = json!({
        "messaging_product": "whatsapp", "url": url, "mime_type": file.mime_type, "file_size": file.bytes.len(), "id": id,
    });
    graph::found(version, &trace, &facts)
}

async fn file(state: Data<State>, request: HttpRequest, asked: Query<Asked>) -> HttpResponse {
    if may_read(&state, &request).is_err() {
        return HttpResponse::Unauthorized().finish();
    }
    let found = service::lock(&state.emulator.files).find(&asked.mid);
    found.map_or_else(
        || HttpResponse::NotFound().finish(),
        |file| HttpResponse::Ok().content_type(file.mime_type).body(file.bytes),
    )
}

fn may_read(state: &State, request: &HttpRequest) -> Result<(), GraphError> {
    let authorization = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    token::check(authorization, state.emulator.settings.tokens.as_ref())
}
