//! The guest's phone, under `/phone`: pages for a browser, with and without its script.

use actix_web::dev::HttpServiceFactory;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{Data, Form, FormConfig, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use askama::Template;
use serde::Deserialize;

use super::State;
use crate::notification::inbound::{Button, Inbound};
use crate::phone::origin::Sender;
use crate::phone::{ICON, List, Page, SCRIPT, STYLE};
use crate::request::TEXT_MAX;

/// Nothing of another host.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// A text of the greatest length, each character in its longest encoding.
const FORM_MAX: usize = 64 * 1024;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(pages());
}

fn pages() -> impl HttpServiceFactory {
    web::scope("/phone")
        .app_data(FormConfig::default().limit(FORM_MAX))
        .wrap(
            DefaultHeaders::new()
                .add((CONTENT_SECURITY_POLICY, POLICY))
                .add((CACHE_CONTROL, "no-store"))
                // With no-referrer a form's Origin would be null, which cannot be told from another page's.
                .add((REFERRER_POLICY, "same-origin"))
                .add((X_CONTENT_TYPE_OPTIONS, "nosniff")),
        )
        .route("", web::get().to(list))
        .route("/phone.css", web::get().to(style))
        .route("/phone.js", web::get().to(script))
        .route("/phone.svg", web::get().to(icon))
        .route("/{number}", web::get().to(show))
        .route("/{number}/tap", web::post().to(tap))
        .route("/{number}/answer", web::post().to(answer))
        .route("/{number}/attention", web::post().to(attention))
}

type Answer = Result<HttpResponse, Refused>;

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{0}")]
    NotUnderstood(&'static str),
    #[error("This form was not sent by a page of the sandbox.")]
    FromElsewhere,
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotUnderstood(_) => StatusCode::BAD_REQUEST,
            Self::FromElsewhere => StatusCode::FORBIDDEN,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .content_type("text/plain; charset=utf-8")
            .body(format!("{self}\n"))
    }
}

#[derive(Deserialize)]
struct Tap {
    wamid: String,
    /// Counts the message's quick replies.
    button: usize,
}

#[derive(Deserialize)]
struct Text {
    /// The id of the business number.
    number: String,
    text: String,
}

#[derive(Deserialize)]
struct Attention {
    attention: Choice,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Read,
    Unread,
}

async fn list(state: Data<State>) -> HttpResponse {
    html(&List::of(&state.emulator))
}

async fn style() -> HttpResponse {
    asset("text/css; charset=utf-8", STYLE)
}

async fn script() -> HttpResponse {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

async fn icon() -> HttpResponse {
    asset("image/svg+xml", ICON)
}

fn asset(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).body(content)
}

async fn show(state: Data<State>, number: Path<String>) -> Answer {
    let guest = guest(&state, &number)?;
    Ok(html(&Page::of(&state.emulator, &guest)))
}

/// The guest taps a quick reply; its payload is the message's, not the form's.
async fn tap(state: Data<State>, request: HttpRequest, number: Path<String>, form: Form<Tap>) -> Answer {
    check_sender(&request)?;
    let guest = guest(&state, &number)?;
    let received = state.emulator.journal.accepted_for(&guest);
    let message = received
        .iter()
        .find(|entry| entry.wamid.as_ref() == Some(&form.wamid));
    let reply = message.and_then(|message| Some((message, message.replies.get(form.button)?)));
    let (message, reply) = reply.ok_or(Refused::NotUnderstood("This guest has no such button."))?;
    hear(
        &state,
        Inbound {
            from: guest.clone(),
            phone_number_id: Some(message.phone_number_id.clone()),
            button: Some(Button {
                payload: reply.payload.clone(),
                text: reply.text.as_ref().unwrap_or(&reply.payload).clone(),
                wamid: Some(form.wamid.clone()),
            }),
            ..Inbound::default()
        },
    )?;
    Ok(back_to(&guest))
}

async fn answer(state: Data<State>, request: HttpRequest, number: Path<String>, form: Form<Text>) -> Answer {
    check_sender(&request)?;
    let guest = guest(&state, &number)?;
    let Text { number, text } = form.into_inner();
    let text = text.trim();
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::NotUnderstood(
            "The id of the business number is written in digits.",
        ));
    }
    if text.is_empty() || text.chars().count() > TEXT_MAX {
        return Err(Refused::NotUnderstood("A message has 1 to 4096 characters."));
    }
    hear(
        &state,
        Inbound {
            from: guest.clone(),
            phone_number_id: Some(number),
            text: Some(text.to_owned()),
            ..Inbound::default()
        },
    )?;
    Ok(back_to(&guest))
}

/// From now on messages are read, beginning with those that lie there, or are left unread.
async fn attention(
    state: Data<State>,
    request: HttpRequest,
    number: Path<String>,
    form: Form<Attention>,
) -> Answer {
    check_sender(&request)?;
    let guest = guest(&state, &number)?;
    let reads = form.attention == Choice::Read;
    state.emulator.conversations().set_attentive(&guest, reads);
    if reads {
        state.emulator.read_all(&guest);
    }
    Ok(back_to(&guest))
}

fn hear(state: &State, inbound: Inbound) -> Result<(), Refused> {
    state.emulator.hear(&inbound).map_err(Refused::NotUnderstood)?;
    Ok(())
}

/// The guest of an address, which may leave the `+` out.
fn guest(state: &State, number: &str) -> Result<String, Refused> {
    let number = format!("+{}", number.trim_start_matches('+'));
    let guest = state.emulator.guest(&number);
    guest.ok_or(Refused::NotUnderstood("This is not a phone number."))
}

fn check_sender(request: &HttpRequest) -> Result<(), Refused> {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let sender = Sender {
        site: header("sec-fetch-site"),
        origin: header("origin"),
        host: header("host"),
    };
    if sender.is_ours() {
        Ok(())
    } else {
        Err(Refused::FromElsewhere)
    }
}

/// With a GET, so that loading the page again sends nothing again.
fn back_to(guest: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, format!("/phone/{guest}")))
        .finish()
}

fn html(page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .body(html),
        Err(error) => {
            log::error!(event = "page_not_rendered", cause:% = error; "cannot render a page");
            HttpResponse::InternalServerError().finish()
        }
    }
}
