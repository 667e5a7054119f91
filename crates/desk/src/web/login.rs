//! `/login`: signing in, by a one-time link or by a token.

use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use crypto::token::Token;
use serde::Deserialize;
use store::staff::{self, Identity};
use store::{Connection, StoreError, sessions};

use super::desk::Desk;
use super::metrics::SignIn;
use super::problem::Problem;
use super::{page, visitor};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    /// Why the last attempt failed.
    refused: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    /// Whose link it is; `None`: it is used, too old, or none of ours.
    member: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Given {
    token: String,
}

pub(super) async fn show() -> Result<HttpResponse, Problem> {
    page::answer(&LoginPage { refused: None })
}

/// By the token that the command line takes.
pub(super) async fn by_token(
    desk: Data<Desk>,
    request: HttpRequest,
    given: Form<Given>,
) -> Result<HttpResponse, Problem> {
    let Some(hash) = hash(&desk, &request, &given.token)? else {
        return refuse(
            &desk,
            "That is no token: one begins with bellhop_ and has 43 more characters.",
        );
    };
    let signed_in = sign_in(&desk, &request, move |connection, cookie, browser| {
        let found = staff::find_by_token(connection, &hash)?;
        if let Some(identity) = &found {
            sessions::begin(connection, identity, cookie, browser)?;
        }
        Ok(found)
    });
    match signed_in.await? {
        Some(response) => Ok(response),
        None => refuse(&desk, "That token belongs to no present member of the staff."),
    }
}

fn refuse(desk: &Desk, why: &'static str) -> Result<HttpResponse, Problem> {
    desk.metrics.count_sign_in(SignIn::Refused);
    Ok(page::fill(
        &mut HttpResponse::UnprocessableEntity(),
        &LoginPage { refused: Some(why) },
    ))
}

/// Shows a button: programs that open links in mails and chats must not use the link up.
pub(super) async fn show_link(
    desk: Data<Desk>,
    request: HttpRequest,
    link: Path<String>,
) -> Result<HttpResponse, Problem> {
    let Some(hash) = hash(&desk, &request, &link)? else {
        return used_up(&desk);
    };
    let found = desk
        .store
        .run(move |connection| sessions::find_link(connection, &hash));
    match found.await? {
        Some(identity) => page::answer(&LinkPage {
            member: Some(identity.name.to_string()),
        }),
        None => used_up(&desk),
    }
}

pub(super) async fn by_link(
    desk: Data<Desk>,
    request: HttpRequest,
    link: Path<String>,
) -> Result<HttpResponse, Problem> {
    let Some(hash) = hash(&desk, &request, &link)? else {
        return used_up(&desk);
    };
    let signed_in = sign_in(&desk, &request, move |connection, cookie, browser| {
        sessions::sign_in_by_link(connection, &hash, cookie, browser)
    });
    signed_in.await?.map_or_else(|| used_up(&desk), Ok)
}

/// The hash by which the store knows a token or a link, after the attempt was counted; `None`: it is none.
fn hash(desk: &Desk, request: &HttpRequest, token: &str) -> Result<Option<[u8; 32]>, Problem> {
    throttle(desk, request)?;
    Ok(Token::parse(token).ok().map(|token| token.hash()))
}

fn used_up(desk: &Desk) -> Result<HttpResponse, Problem> {
    desk.metrics.count_sign_in(SignIn::Refused);
    Ok(page::fill(
        &mut HttpResponse::NotFound(),
        &LinkPage { member: None },
    ))
}

fn throttle(desk: &Desk, request: &HttpRequest) -> Result<(), Problem> {
    if desk.throttle.allows(visitor::address(desk, request)) {
        return Ok(());
    }
    desk.metrics.count_sign_in(SignIn::Throttled);
    log::warn!(event = "sign_in_throttled"; "too many attempts to sign in");
    Err(Problem::TooManySignIns)
}

/// Begins a session under a new cookie, whatever cookie the browser had before.
async fn sign_in(
    desk: &Desk,
    request: &HttpRequest,
    begin: impl Fn(&mut Connection, &[u8; 32], &str) -> Result<Option<Identity>, StoreError>
    + Send
    + Sync
    + 'static,
) -> Result<Option<HttpResponse>, Problem> {
    let (cookie, browser) = (Token::generate(), visitor::browser(request));
    let hash = cookie.hash();
    let begun = desk
        .store
        .transaction(move |connection| begin(connection, &hash, &browser));
    let Some(identity) = begun.await? else {
        return Ok(None);
    };
    desk.metrics.count_sign_in(SignIn::Done);
    log::info!(event = "signed_in", staff = identity.name.as_str(); "a member of the staff signed in");
    let mut response = page::go("/");
    let set = response.add_cookie(&visitor::cookie(&desk.public_url, &cookie));
    set.map_err(|_| Problem::Internal)?;
    Ok(Some(response))
}
