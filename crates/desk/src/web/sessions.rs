//! `/sessions`: the browsers in which a member is signed in, and the end of a session.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form};
use askama::Template;
use serde::Deserialize;
use store::sessions::{self, Session};
use uuid::Uuid;

use super::desk::Desk;
use super::page::{self, Frame, Section};
use super::problem::Problem;
use super::visitor::{self, Visitor};

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage {
    frame: Frame,
    sessions: Vec<Session>,
    /// The one of this browser.
    own: Option<Uuid>,
}

#[derive(Deserialize)]
pub(super) struct Which {
    id: Uuid,
}

pub(super) async fn list(desk: Data<Desk>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let member = visitor.identity.name.clone();
    let sessions = desk
        .store
        .run(move |connection| sessions::list(connection, &member));
    page::answer(&SessionsPage {
        frame: Frame::new(&desk, &visitor, Section::Other, "Your browsers").await?,
        sessions: sessions.await?,
        own: visitor.session.as_ref().map(|session| session.id),
    })
}

/// Ends one of the member's sessions.
pub(super) async fn end(
    desk: Data<Desk>,
    visitor: Visitor,
    which: Form<Which>,
) -> Result<HttpResponse, Problem> {
    let (member, id) = (visitor.identity.name.clone(), which.id);
    desk.store
        .run(move |connection| sessions::end(connection, &member, id))
        .await?;
    Ok(page::go("/sessions"))
}

/// Ends the session of this browser.
pub(super) async fn sign_out(desk: Data<Desk>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let mut response = page::go("/login");
    if let Some(session) = visitor.session {
        let member = visitor.identity.name;
        desk.store
            .run(move |connection| sessions::end(connection, &member, session.id))
            .await?;
        let removed = response.add_cookie(&visitor::no_cookie(&desk.public_url));
        removed.map_err(|_| Problem::Internal)?;
    }
    Ok(response)
}
