//! Who asks for a page: a member of the staff, by the cookie of their browser or as the gateway names them.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::http::header::{COOKIE, HeaderValue};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use crypto::token::Token;
use domain::audit::Action;
use domain::ids::{ResortId, StaffName};
use domain::staff::Access;
use service::http::client_address;
use store::audit::Actor;
use store::notes::Note;
use store::sessions::{self, Session};
use store::staff::{self, Identity, NOBODY};

use super::desk::Desk;
use super::problem::Problem;
use crate::settings::{Gateway, PublicUrl};

/// A session's longest life, after which the store does not know it any more.
const COOKIE_LIFE: Duration = Duration::days(7);

/// A member of the staff who asks for a page. A handler that takes it answers nobody else.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) identity: Identity,
    /// `None`: the gateway has signed them in.
    pub(super) session: Option<Session>,
}

impl Visitor {
    /// For what they do now, with the reason that they gave.
    pub(super) fn actor(&self, reason: Option<Note>) -> Actor {
        Actor {
            name: self.identity.name.clone(),
            access: self.identity.access.clone(),
            reason,
        }
    }

    pub(super) fn access(&self) -> &Access {
        &self.identity.access
    }

    /// Refuses what the member may not do to something of this resort, or of none, before anything is read for it. The store
    /// checks it again, in the transaction of the action.
    pub(super) fn allow(&self, action: Action, resort: Option<&ResortId>) -> Result<(), Problem> {
        self.access().check(action, resort).map_err(Problem::Forbidden)
    }

    /// Refuses what is not the member's to see: of another resort, or of none where they are bounded to some. It is not
    /// found, so that a name of it tells nothing.
    pub(super) fn reach(&self, resort: Option<&ResortId>) -> Result<(), Problem> {
        self.access().reaches(resort).map_err(|_| Problem::NotFound)
    }

    /// Refuses members that are bounded to resorts.
    pub(super) fn reach_everything(&self) -> Result<(), Problem> {
        self.access().reaches(None).map_err(Problem::Forbidden)
    }
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let desk = request.app_data::<Data<Desk>>().ok_or(Problem::Internal)?;
            match desk.gateway.as_ref().and_then(|gateway| named(gateway, &request)) {
                Some(name) => by_name(desk, name).await,
                None => by_cookie(desk, &request).await,
            }
        })
    }
}

/// Whom the gateway names; `None`: the request did not pass it.
fn named(gateway: &Gateway, request: &HttpRequest) -> Option<String> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let is_gateway = gateway.proxies.iter().any(|network| network.contains(&peer));
    let mut names = request.headers().get_all(&gateway.header);
    let name = names.next().filter(|_| is_gateway)?;
    // A second value could be the caller's own: then nobody is named.
    let is_only = names.next().is_none();
    Some(
        name.to_str()
            .ok()
            .filter(|_| is_only)
            .unwrap_or_default()
            .to_owned(),
    )
}

async fn by_name(desk: &Desk, name: String) -> Result<Visitor, Problem> {
    let found = desk.store.run(move |connection| staff::find(connection, &name));
    let identity = found.await?.ok_or(Problem::NoMember)?;
    Ok(Visitor {
        identity,
        session: None,
    })
}

async fn by_cookie(desk: &Desk, request: &HttpRequest) -> Result<Visitor, Problem> {
    let cookie = own_cookie(request, cookie_name(&desk.public_url));
    let token = cookie.and_then(|cookie| Token::parse(cookie).ok());
    let hash = token.ok_or(Problem::SignedOut)?.hash();
    let found = desk
        .store
        .run(move |connection| sessions::find(connection, &hash));
    let (session, identity) = found.await?.ok_or(Problem::SignedOut)?;
    Ok(Visitor {
        identity,
        session: Some(session),
    })
}

/// The value of a cookie whose name is written exactly so. Browsers keep other hosts of a domain from setting `__Host-…`, but
/// not from setting `%5F%5FHost-…`, so nothing is decoded; nor is what others have set a reason to refuse ours.
fn own_cookie<'r>(request: &'r HttpRequest, name: &str) -> Option<&'r str> {
    let headers = request.headers().get_all(COOKIE);
    let cookies = headers.flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    let mut values = cookies.filter_map(|cookie| {
        let value = cookie.trim_ascii().strip_prefix(name.as_bytes())?;
        value.strip_prefix(b"=")
    });
    values.next().and_then(|value| std::str::from_utf8(value).ok())
}

/// With the prefix browsers take it from this host over TLS alone (RFC 6265bis); on loopback over http they could not.
fn cookie_name(page: &PublicUrl) -> &'static str {
    if page.is_https() { "__Host-desk" } else { "desk" }
}

/// The cookie of a new session.
pub(super) fn cookie(page: &PublicUrl, token: &Token) -> Cookie<'static> {
    Cookie::build(cookie_name(page), token.reveal().to_owned())
        .path("/")
        .secure(page.is_https())
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(COOKIE_LIFE)
        .finish()
}

/// Removes it from the browser.
pub(super) fn no_cookie(page: &PublicUrl) -> Cookie<'static> {
    let mut cookie = Cookie::build(cookie_name(page), "")
        .path("/")
        .secure(page.is_https())
        .http_only(true)
        .same_site(SameSite::Strict)
        .finish();
    cookie.make_removal();
    cookie
}

/// To whom a form gives something; `None`: to no one.
pub(super) fn assignee(name: &str) -> Result<Option<StaffName>, Problem> {
    if name == NOBODY {
        return Ok(None);
    }
    let name = StaffName::parse(name);
    name.map(Some)
        .map_err(|_| Problem::Invalid("That is no name of a member.".to_owned()))
}

/// Where the request came from, as far as the gateway knows.
pub(super) fn address(desk: &Desk, request: &HttpRequest) -> IpAddr {
    let forwarded: Vec<_> = request
        .headers()
        .get_all("x-forwarded-for")
        .map(HeaderValue::as_bytes)
        .collect();
    let proxies = desk.gateway.as_ref().map_or(&[][..], |gateway| &gateway.proxies);
    let peer = request.peer_addr().map(|peer| peer.ip());
    client_address(peer, forwarded.into_iter(), proxies)
}

/// The browser's family and system, for the list of sessions; the rest of the header says too much of its user.
pub(super) fn browser(request: &HttpRequest) -> String {
    let agent = request.headers().get("user-agent");
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let first = |names: &[(&str, &'static str)]| {
        let known = names.iter().find(|(part, _)| agent.contains(part));
        known.map(|(_, name)| *name)
    };
    // The order matters: each later one is also named by those before it.
    let family = first(&[
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (family, system) {
        (Some(family), Some(system)) => format!("{family} on {system}"),
        (Some(known), None) | (None, Some(known)) => known.to_owned(),
        (None, None) => "unknown browser".to_owned(),
    }
}
