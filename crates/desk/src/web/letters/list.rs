//! `/letters`: the list of a filter, and the search for a guest's letters by number.

use actix_web::web::{Data, Form, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::{DateTime, Utc};
use domain::dead_letter::DeadLetterReason;
use domain::message::MessageKind;
use serde::Deserialize;
use store::letters::{Filter, Place, Start};

use super::asked::{Asked, has_empty_fields};
use super::menus::{Menu, active, menus};
use crate::actions::letters::{self, LetterView};
use crate::actions::words;
use crate::web::desk::Desk;
use crate::web::guests;
use crate::web::page::{self, Done, Frame, Section, spaced};
use crate::web::problem::Problem;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "letters.html")]
struct LettersPage {
    frame: Frame,
    asked: Asked,
    menus: Vec<Menu>,
    /// What the filter asks for, in words; empty: all open letters.
    active: String,
    rows: Vec<Row>,
    total: i64,
    /// How many of them can be acted on.
    open: i64,
    /// Counts by reason, with the address of those letters.
    reasons: Vec<(String, i64, String)>,
    older: Option<String>,
    newer: Option<String>,
    search: Option<Search>,
}

struct Row {
    id: String,
    path: String,
    happened: String,
    /// Its address, and its name.
    booking: Option<(String, String)>,
    resort: String,
    about: String,
    assignee: String,
    /// How it ended; empty: it is open.
    ended: String,
    died_at: DateTime<Utc>,
}

/// By a number, which is masked here.
enum Search {
    Invalid(&'static str),
    Found(String),
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Position {
    after: Option<String>,
    before: Option<String>,
    newest: Option<String>,
}

impl Position {
    fn start(&self) -> Result<Start, Problem> {
        let place = |text: &str| {
            text.parse::<Place>()
                .map_err(|_| Problem::Invalid("There is no such place among the letters.".to_owned()))
        };
        Ok(match (&self.after, &self.before, &self.newest) {
            (Some(after), ..) => Start::NewerThan(place(after)?),
            (_, Some(before), _) => Start::OlderThan(place(before)?),
            (.., Some(_)) => Start::Newest,
            _ => Start::Oldest,
        })
    }
}

#[derive(Deserialize)]
pub(in crate::web) struct Wanted {
    phone: String,
}

pub(in crate::web) async fn list(
    desk: Data<Desk>,
    visitor: Visitor,
    request: HttpRequest,
    position: Query<Position>,
    done: Query<Done>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(&visitor, request.query_string())?;
    if has_empty_fields(request.query_string()) && asked.filter.guest.is_none() {
        // An address that people can read, send on and keep.
        return Ok(page::go(&asked.at("/letters")));
    }
    answer(&desk, &visitor, asked, position.start()?, None, done.sentence()).await
}

/// The number comes in the body, and what is found is in the answer: neither it nor its hash is in an address.
pub(in crate::web) async fn find(
    desk: Data<Desk>,
    visitor: Visitor,
    wanted: Form<Wanted>,
) -> Result<HttpResponse, Problem> {
    let (guest, search) = match guests::number(&desk, &visitor, &wanted.phone).await? {
        Ok(number) => (
            Some(desk.key_ring.lookup(number.reveal())),
            Search::Found(number.masked()),
        ),
        Err(why) => (None, Search::Invalid(why)),
    };
    let filter = match guest {
        Some(_) => Filter {
            guest,
            ..Filter::default()
        },
        None => Asked::read(&visitor, "")?.filter,
    };
    let asked = Asked::of(&visitor, filter);
    answer(&desk, &visitor, asked, Start::Oldest, Some(search), None).await
}

async fn answer(
    desk: &Desk,
    visitor: &Visitor,
    asked: Asked,
    start: Start,
    search: Option<Search>,
    notice: Option<String>,
) -> Result<HttpResponse, Problem> {
    let within = visitor.access().scope.clone();
    let listed = letters::page(&desk.store, asked.filter.clone(), start, within).await?;
    let is_in_address = asked.filter.guest.is_none();
    let turn = |key: &str, place: Option<Place>| {
        let place = place.filter(|_| is_in_address)?;
        Some(asked.with("/letters", &[(key, &place.to_string())]))
    };
    let reasons = listed.reasons.iter().filter(|_| is_in_address);
    let reasons = reasons.filter_map(|found| {
        let reason = found.reason.parse::<DeadLetterReason>().ok();
        let narrower = Asked {
            filter: Filter {
                reason: Some(reason?),
                ..asked.filter.clone()
            },
        };
        Some((spaced(&found.reason), found.count, narrower.at("/letters")))
    });
    let menus = menus(desk, visitor, &asked, &listed.choices);
    let page = LettersPage {
        frame: Frame::new(desk, visitor, Section::Letters, "Letters")
            .await?
            .with_notice(notice),
        active: active(&asked, &menus),
        menus,
        total: listed.total,
        open: listed.open,
        reasons: reasons.collect(),
        older: turn("before", listed.older),
        newer: turn("after", listed.newer),
        rows: listed.letters.iter().map(|letter| row(&asked, letter)).collect(),
        search,
        asked,
    };
    page::answer(&page)
}

fn row(asked: &Asked, letter: &LetterView) -> Row {
    let happened = letter.advice().map(|advice| advice.happened.to_owned());
    let booking = letter.resort.as_deref().zip(letter.booking.as_deref());
    Row {
        id: letter.id.to_string(),
        path: asked.at(&format!("/letters/{}", letter.id)),
        happened: happened.unwrap_or_else(|| spaced(&letter.reason)),
        booking: booking.map(|(resort, booking)| (page::booking_path(resort, booking), booking.to_owned())),
        resort: letter.resort.clone().unwrap_or_default(),
        about: about(letter),
        assignee: letter.assignee.clone().unwrap_or_default(),
        ended: letter.closed_at.map(|_| letter.standing()).unwrap_or_default(),
        died_at: letter.died_at,
    }
}

/// The kind of the message or the type of the event, in words.
pub(super) fn about(letter: &LetterView) -> String {
    let kind = letter.message_kind.as_ref();
    let kind = kind.and_then(|kind| kind.parse::<MessageKind>().ok());
    kind.map_or_else(|| spaced(letter.subject()), words::kind)
}
