//! The Graph API's questions about token, number and account.

use std::sync::PoisonError;

use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::{State, media};
use crate::account::Asked;
use crate::emulator::token;
use crate::graph::{self, ACCOUNT_ID, GraphError};
use crate::templates::listing::Question;

/// The parameters of a question, in their order.
type Parameters = Query<Vec<(String, String)>>;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route(r"/{version:v\d+\.\d+}/debug_token", web::get().to(debug_token))
        .route(r"/{version:v\d+\.\d+}/{id:\d+}", web::get().to(number))
        .route(
            r"/{version:v\d+\.\d+}/{id:\d+}/subscribed_apps",
            web::get().to(apps),
        )
        .route(
            r"/{version:v\d+\.\d+}/{id:\d+}/message_templates",
            web::get().to(templates),
        );
}

async fn debug_token(
    state: Data<State>,
    request: HttpRequest,
    version: Path<String>,
    parameters: Parameters,
) -> HttpResponse {
    let answer = may_ask(&state, &request, Asked::DebugToken).and_then(|()| {
        let token = find(&parameters, "input_token")
            .ok_or_else(|| GraphError::because(100, "The parameter input_token is required"))?;
        let accepted = state.emulator.settings.tokens.as_ref();
        let is_known = token::check(Some(&format!("Bearer {token}")), accepted).is_ok();
        Ok(service::lock(&state.emulator.account).token(is_known, state.emulator.clock.now()))
    });
    respond(&state, &version, answer)
}

async fn number(
    state: Data<State>,
    request: HttpRequest,
    path: Path<(String, String)>,
    parameters: Parameters,
) -> HttpResponse {
    let (version, id) = path.into_inner();
    let file = service::lock(&state.emulator.files).find(&id);
    if let Some(file) = file {
        return media::describe(&state, &request, (&version, &id), &file);
    }
    let answer = may_ask(&state, &request, Asked::Number).and_then(|()| {
        let settings = &state.emulator.settings;
        let exists = settings.numbers.as_ref().is_none_or(|known| known.contains(&id));
        if !exists || id == ACCOUNT_ID {
            return Err(GraphError::unknown_object(&id));
        }
        let callback = settings.callback.as_ref().map(|callback| callback.url.as_str());
        let fields = find(&parameters, "fields");
        service::lock(&state.emulator.account).number(&id, fields, major(&version), callback)
    });
    respond(&state, &version, answer)
}

async fn apps(state: Data<State>, request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (version, id) = path.into_inner();
    let answer = may_ask(&state, &request, Asked::SubscribedApps)
        .and_then(|()| is_account(&id))
        .map(|()| service::lock(&state.emulator.account).apps());
    respond(&state, &version, answer)
}

async fn templates(
    state: Data<State>,
    request: HttpRequest,
    path: Path<(String, String)>,
    parameters: Parameters,
) -> HttpResponse {
    let (version, id) = path.into_inner();
    let answer = may_ask(&state, &request, Asked::MessageTemplates)
        .and_then(|()| is_account(&id))
        .and_then(|()| {
            let filters = ["name", "language", "status", "category"];
            let filters = filters
                .iter()
                .filter_map(|key| Some((*key, find(&parameters, key)?)));
            let question = Question {
                fields: find(&parameters, "fields"),
                limit: find(&parameters, "limit"),
                after: find(&parameters, "after"),
                before: find(&parameters, "before"),
                summary: find(&parameters, "summary"),
                filters: filters.collect(),
                address: &address(&request),
            };
            let templates = &state.emulator.templates;
            templates
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .list(&question)
        });
    respond(&state, &version, answer)
}

fn may_ask(state: &State, request: &HttpRequest, asked: Asked) -> Result<(), GraphError> {
    let authorization = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    token::check(authorization, state.emulator.settings.tokens.as_ref())?;
    service::lock(&state.emulator.account).allow(asked)
}

fn is_account(id: &str) -> Result<(), GraphError> {
    if id == ACCOUNT_ID {
        Ok(())
    } else {
        Err(GraphError::unknown_object(id))
    }
}

fn respond(state: &State, version: &str, answer: Result<Value, GraphError>) -> HttpResponse {
    let trace = state.emulator.wamids.trace();
    match answer {
        Ok(found) => graph::found(version, &trace, &found),
        Err(error) => error.answer(version, &trace),
    }
}

fn find<'p>(parameters: &'p Parameters, key: &str) -> Option<&'p str> {
    let found = parameters.iter().find(|(name, _)| name == key)?;
    Some(found.1.as_str())
}

/// The address that was asked, without its cursors.
fn address(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    let is_cursor = |part: &&str| part.starts_with("after=") || part.starts_with("before=");
    let kept: Vec<&str> = request
        .query_string()
        .split('&')
        .filter(|part| !part.is_empty() && !is_cursor(part))
        .collect();
    let base = format!(
        "{}://{}{}",
        connection.scheme(),
        connection.host(),
        request.path()
    );
    if kept.is_empty() {
        base
    } else {
        format!("{base}?{}", kept.join("&"))
    }
}

/// The first number of `v25.0`.
fn major(version: &str) -> u32 {
    let number = version.strip_prefix('v').and_then(|rest| rest.split('.').next());
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}
