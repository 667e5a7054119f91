//! The sandbox's own endpoints, under `/sandbox`.

use std::sync::PoisonError;

use actix_web::web::{Bytes, Data, Query, ServiceConfig};
use actix_web::{HttpResponse, ResponseError, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::State;
use crate::account::Change;
use crate::limits;
use crate::notification::escaped;
use crate::notification::inbound::Inbound;
use crate::outbox::Update;
use crate::request;
use crate::scripts::Rule;
use crate::templates::{Category, TemplateStatus};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route("/sandbox", web::delete().to(clear))
        .route("/sandbox/messages", web::get().to(messages))
        .route("/sandbox/notifications", web::get().to(notifications))
        .route("/sandbox/failures", web::post().to(add_failures))
        .route("/sandbox/failures", web::get().to(list_failures))
        .route("/sandbox/failures", web::delete().to(clear_failures))
        .route("/sandbox/limits", web::post().to(set_limits))
        .route("/sandbox/inbound", web::post().to(inbound))
        .route("/sandbox/spellings", web::post().to(spell))
        .route("/sandbox/templates", web::post().to(set_template))
        .route("/sandbox/account", web::post().to(change_account))
        .route("/sandbox/events", web::post().to(event))
        .route("/sandbox/handshake", web::post().to(handshake))
        .route("/sandbox/clock", web::post().to(advance_clock));
}

type Answer = Result<HttpResponse, NotUnderstood>;

/// What is wrong with a request; answered as 400.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotUnderstood(String);

impl ResponseError for NotUnderstood {
    fn error_response(&self) -> HttpResponse {
        HttpResponse::BadRequest().json(json!({ "error": self.0 }))
    }
}

#[derive(Deserialize)]
struct MessagesQuery {
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Rules {
    Many(Vec<Value>),
    One(Value),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateChange {
    name: String,
    language: String,
    #[serde(default)]
    status: Option<TemplateStatus>,
    #[serde(default)]
    category: Option<Category>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelling {
    number: String,
    wa_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    field: String,
    value: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Handshake {
    verify_token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    advance: String,
}

async fn clear(state: Data<State>) -> HttpResponse {
    state.emulator.clear();
    HttpResponse::NoContent().finish()
}

async fn messages(state: Data<State>, query: Query<MessagesQuery>) -> HttpResponse {
    match state.emulator.journal.to_json(query.to.as_deref()) {
        Ok(json) => HttpResponse::Ok().content_type("application/json").body(json),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

async fn notifications(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.emulator.outbox.report())
}

async fn add_failures(state: Data<State>, body: Bytes) -> Answer {
    let list = match parse(&body)? {
        Rules::Many(list) => list,
        Rules::One(rule) => vec![rule],
    };
    let rules: Vec<Rule> = list
        .into_iter()
        .map(|rule| serde_json::from_value(rule).map_err(refused))
        .collect::<Result<_, _>>()?;
    for rule in &rules {
        rule.check().map_err(refused)?;
    }
    let mut scripts = state.emulator.scripts();
    let ids: Vec<_> = rules.into_iter().map(|rule| scripts.add(rule)).collect();
    Ok(HttpResponse::Created().json(json!({ "ids": ids })))
}

async fn list_failures(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.emulator.scripts().progress())
}

async fn clear_failures(state: Data<State>) -> HttpResponse {
    state.emulator.scripts().clear();
    HttpResponse::NoContent().finish()
}

async fn set_limits(state: Data<State>, body: Bytes) -> Answer {
    let rules: limits::Rules = parse(&body)?;
    state.emulator.limits().set(rules);
    Ok(HttpResponse::NoContent().finish())
}

async fn inbound(state: Data<State>, body: Bytes) -> Answer {
    let emulator = &state.emulator;
    let inbound: Inbound = parse(&body)?;
    if !inbound.says_one_thing() {
        return Err(refused(
            "one of text, media, button, changed_number_to, unsupported and marketing is needed",
        ));
    }
    let heard = emulator.hear(&inbound).map_err(refused)?;
    Ok(HttpResponse::Ok().json(json!({ "wamid": heard.wamid, "phone_number_id": heard.number })))
}

/// WhatsApp spells some numbers otherwise than people dial them: Brazil's, Mexico's and Argentina's.
async fn spell(state: Data<State>, body: Bytes) -> Answer {
    let Spelling { number, wa_id } = parse(&body)?;
    let digits = request::digits(&number).ok_or_else(|| refused("number: is not a phone number"))?;
    if wa_id.is_empty() || !wa_id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused("wa_id: is not written in digits"));
    }
    state.emulator.conversations().spell(&digits, &wa_id);
    Ok(HttpResponse::NoContent().finish())
}

async fn set_template(state: Data<State>, body: Bytes) -> Answer {
    let change: TemplateChange = parse(&body)?;
    if change.status.is_none() && change.category.is_none() {
        return Err(refused("status or category: one of them is needed"));
    }
    let before = {
        let mut templates = state
            .emulator
            .templates
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let template = templates
            .find_mut(&change.name, &change.language)
            .ok_or_else(|| refused("there is no such template on the list in SANDBOX_TEMPLATES"))?;
        template.status = change.status.unwrap_or(template.status);
        let before = template.category;
        template.category = change.category.unwrap_or(before);
        before
    };
    let about = json!({
        "message_template_id": 1_700_000_000_000_001_u64,
        "message_template_name": change.name, "message_template_language": change.language,
    });
    if let Some(status) = change.status {
        let news = json!({ "event": status.as_str(), "reason": "NONE" });
        push_event(&state, "message_template_status_update", &with(&about, &news));
    }
    if let Some(category) = change.category {
        let capitals = |category: Category| category.as_str().to_ascii_uppercase();
        let news = json!({ "previous_category": capitals(before), "new_category": capitals(category) });
        push_event(&state, "template_category_update", &with(&about, &news));
    }
    Ok(HttpResponse::NoContent().finish())
}

/// An object with the members of both.
fn with(one: &Value, more: &Value) -> Value {
    let members = [one, more].into_iter().filter_map(Value::as_object).flatten();
    Value::Object(members.map(|(key, value)| (key.clone(), value.clone())).collect())
}

async fn change_account(state: Data<State>, body: Bytes) -> Answer {
    let change: Change = parse(&body)?;
    let now = state.emulator.clock.now();
    service::lock(&state.emulator.account)
        .change(change, now)
        .map_err(refused)?;
    Ok(HttpResponse::NoContent().finish())
}

async fn event(state: Data<State>, body: Bytes) -> Answer {
    let event: Event = parse(&body)?;
    push_event(&state, &event.field, &event.value);
    Ok(HttpResponse::NoContent().finish())
}

async fn handshake(state: Data<State>, body: Bytes) -> Answer {
    let handshake: Handshake = parse(&body)?;
    let (status, echoed) = state
        .emulator
        .outbox
        .shake_hands(&handshake.verify_token)
        .await
        .map_err(refused)?;
    Ok(HttpResponse::Ok().json(json!({ "status": status, "verified": status == 200 && echoed })))
}

async fn advance_clock(state: Data<State>, body: Bytes) -> Answer {
    let change: ClockChange = parse(&body)?;
    let by = domain::duration::parse(&change.advance)
        .map_err(|_| refused("advance: is not a duration such as 25h"))?;
    state.emulator.clock.advance(by);
    Ok(HttpResponse::NoContent().finish())
}

/// Events about messages are dated inside, all others in their envelope.
fn push_event(state: &State, field: &str, value: &Value) {
    let at = state.emulator.clock.now();
    let update = Update {
        change: escaped::json(&json!({ "field": field, "value": value })),
        account_event_at: (field != "messages" && field != "user_preferences").then_some(at),
        forged_first: false,
        taken: None,
    };
    state.emulator.outbox.push("", update);
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, NotUnderstood> {
    serde_json::from_slice(body).map_err(refused)
}

fn refused(problem: impl ToString) -> NotUnderstood {
    NotUnderstood(problem.to_string())
}
