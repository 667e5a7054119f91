//! `/bookings/{resort}/{id}`: one line of time, past and future, and what is known of the guest.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use askama::Template;
use domain::audit::Action;
use domain::ids::{BookingId, BookingKey, ResortId};
use domain::staff::Scope;
use serde::Deserialize;
use store::audit::Filter;
use uuid::Uuid;

use super::desk::Desk;
use super::page::{self, Done, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::audit;
use crate::actions::bookings::{self, BookingView, Opened, Timeline, Tone, Turn, Value};
use crate::actions::words;

/// Acts of the staff that a line of time shows at most.
const ACTS: u32 = 100;

#[derive(Template)]
#[template(path = "booking.html")]
struct BookingPage {
    frame: Frame,
    path: String,
    booking: BookingView,
    timeline: Timeline,
    conversation: Option<Opened>,
    members: Vec<String>,
    /// The id of the answer that may be written now.
    answer_id: Uuid,
    shown: Shown,
}

/// What a page shows beyond the booking.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) notice: Option<String>,
    /// Why what was asked for was not done.
    pub(super) refused: Option<String>,
    /// What was written and not sent.
    pub(super) draft: String,
    /// The one value that is shown for a minute.
    pub(super) revealed: Option<(&'static str, String)>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    value: String,
    #[serde(default)]
    note: String,
}

impl BookingPage {
    /// A fact's value as text, masked where it is personal; empty where it has none.
    fn value(&self, fact: &str) -> String {
        let value = self.booking.facts.get(fact).and_then(|fact| fact.value.as_ref());
        match value {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }

    fn has(&self, fact: &str) -> bool {
        self.booking.facts.contains_key(fact)
    }

    /// What is shown of a personal value, by the name under which it is revealed.
    fn personal(&self, name: &str, fact: &str) -> String {
        match &self.shown.revealed {
            Some((revealed, value)) if *revealed == name => value.clone(),
            _ if name == "phone" && self.has("corrected_phone") => self.value("corrected_phone"),
            _ => self.value(fact),
        }
    }

    fn is_revealed(&self, name: &str) -> bool {
        self.shown
            .revealed
            .as_ref()
            .is_some_and(|(revealed, _)| *revealed == name)
    }
}

/// The booking of an address, if it is the member's to see.
pub(super) fn key(visitor: &Visitor, path: &(String, String)) -> Result<BookingKey, Problem> {
    let key = BookingKey {
        resort: ResortId::parse(&path.0).map_err(|_| Problem::NotFound)?,
        booking: BookingId::parse(&path.1).map_err(|_| Problem::NotFound)?,
    };
    visitor.reach(Some(&key.resort))?;
    Ok(key)
}

pub(super) async fn show(
    desk: Data<Desk>,
    visitor: Visitor,
    path: Path<(String, String)>,
    done: Query<Done>,
) -> Result<HttpResponse, Problem> {
    let key = key(&visitor, &path)?;
    let shown = Shown {
        notice: done.sentence(),
        ..Shown::default()
    };
    answer(&desk, &visitor, key, shown).await
}

/// For who loads the answer to a form again by its address.
pub(super) async fn to_booking(
    visitor: Visitor,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (resort, booking, _) = path.into_inner();
    let key = key(&visitor, &(resort, booking))?;
    Ok(page::go(&page::booking_path(
        key.resort.as_str(),
        key.booking.as_str(),
    )))
}

/// Shows one personal value, which the audit trail has recorded before; a minute later the page shows it no more.
pub(super) async fn reveal(
    desk: Data<Desk>,
    visitor: Visitor,
    path: Path<(String, String)>,
    asked: Form<Asked>,
) -> Result<HttpResponse, Problem> {
    let key = key(&visitor, &path)?;
    visitor.allow(Action::BookingRevealed, Some(&key.resort))?;
    let value = Value::parse(&asked.value).ok_or(Problem::NotFound)?;
    let by = visitor.actor(desk.note(&asked.note));
    let found = bookings::reveal(&desk.context(), key.clone(), value, by).await?;
    let shown = Shown {
        revealed: found.map(|found| (value.as_str(), found)),
        ..Shown::default()
    };
    answer(&desk, &visitor, key, shown).await
}

/// The page of a booking.
pub(super) async fn answer(
    desk: &Desk,
    visitor: &Visitor,
    key: BookingKey,
    mut shown: Shown,
) -> Result<HttpResponse, Problem> {
    let context = desk.context();
    let booking = bookings::show(&context, key.clone(), None).await?;
    let booking = booking.ok_or(Problem::NotFound)?;
    let filter = Filter {
        booking: Some(key.clone()),
        ..Filter::default()
    };
    let acts = bookings::acts_of(audit::list(&desk.store, filter, ACTS, None).await?);
    let me = visitor.identity.name.clone();
    let status = if shown.refused.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let at = Scope::Resorts([key.resort.clone()].into());
    let members = desk
        .store
        .run(move |connection| store::staff::names_within(connection, &at))
        .await?;
    // Who may not open it any more sees nothing of it either.
    let may_read = visitor
        .allow(Action::ConversationOpened, Some(&key.resort))
        .is_ok();
    let frame = Frame::new(desk, visitor, Section::Guests, "Booking")
        .await?
        .with_notice(shown.notice.take());
    let page = BookingPage {
        path: page::booking_path(key.resort.as_str(), key.booking.as_str()),
        timeline: Timeline::of(&booking, &acts, frame.now),
        conversation: if may_read {
            bookings::opened(&context, key, me).await?
        } else {
            None
        },
        members,
        answer_id: Uuid::now_v7(),
        frame,
        booking,
        shown,
    };
    let mut response = HttpResponse::build(status);
    if page.shown.revealed.is_some() {
        page::reload_in_a_minute(&mut response, &page.path);
    }
    Ok(page::fill(&mut response, &page))
}

/// For the template.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Bad => "bad",
    }
}

/// For the template: the state of a message as WhatsApp shows it, and in words.
fn ticks(state: &str) -> (&'static str, &'static str) {
    match state {
        "sent" => ("✓", "sent"),
        "delivered" => ("✓✓", "delivered"),
        "read" => ("✓✓", "read"),
        "queued" | "sending" => ("…", "on its way"),
        "held" => ("…", "held"),
        "unknown" => ("?", "not known whether it went"),
        _ => ("✗", "not sent"),
    }
}

/// For the template: what a guest's file is called.
fn file(turn: &Turn) -> &'static str {
    match turn.message_type.as_deref() {
        Some("image") => "image",
        Some("video") => "video",
        Some("audio") => "recording",
        Some("sticker") => "sticker",
        _ => "file",
    }
}

/// For the template: what the guest sent that is no text.
fn thing(turn: &Turn) -> String {
    let what = turn.message_type.as_deref().unwrap_or("message");
    let name = turn.file_name.as_deref().or(turn.media_type.as_deref());
    name.map_or_else(|| what.to_owned(), |name| format!("{what}: {name}"))
}
