//! `/letters/{id}`: one letter, what it means, and what can be done about it.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use domain::audit::Action;
use domain::dead_letter::{Advice, Way};
use domain::ids::LetterId;
use domain::staff::Scope;
use serde::Deserialize;
use store::letters::{self as stored, Letter, Place, Viewer};
use store::staff;

use super::asked::Asked;
use super::list::about;
use crate::actions::letters::{self, Details, Revealable};
use crate::actions::words;
use crate::web::desk::Desk;
use crate::web::page::{self, Done, Frame, Section};
use crate::web::problem::Problem;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "letter.html")]
struct LetterPage {
    frame: Frame,
    asked: Asked,
    /// Of this page, within its filter.
    path: String,
    details: Details,
    about: String,
    advice: Option<Advice>,
    /// WhatsApp's code with its title.
    code: Option<(i64, &'static str)>,
    booking_path: Option<String>,
    others: Vec<Viewer>,
    older: Option<String>,
    newer: Option<String>,
    /// What a retry would do; `None`: it is not offered.
    prospect: Option<String>,
    /// Who can take care of it.
    members: Vec<String>,
    shown: Shown,
}

/// What this answer alone shows.
#[derive(Default)]
pub(super) struct Shown {
    notice: Option<String>,
    /// Why what was asked for was not done.
    refusal: Option<String>,
    /// The one value that is shown for a minute.
    revealed: Option<(Revealable, String)>,
    /// A number that was typed and is none, and why.
    typed: Option<(String, String)>,
}

impl Shown {
    /// A number that cannot be used: it stays in its field, with what is wrong with it.
    pub(super) fn wrong_number(typed: String, why: String) -> Self {
        Self {
            typed: Some((typed, why)),
            ..Self::default()
        }
    }
}

#[derive(Deserialize)]
pub(in crate::web) struct Refused {
    refused: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Wanted {
    value: String,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    note: String,
}

impl LetterPage {
    fn is_open(&self) -> bool {
        self.details.letter.closed_at.is_none()
    }

    /// Whether the reason, the letter's state and the member's role allow it.
    fn allows(&self, way: Way) -> bool {
        let ways = self
            .advice
            .map_or(&[Way::Retry, Way::Close][..], |advice| advice.ways);
        self.may_act() && ways.contains(&way)
    }

    /// Whether it is what most likely ends the letter.
    fn is_first(&self, way: Way) -> bool {
        self.advice.is_none_or(|advice| advice.ways.first() == Some(&way))
    }

    fn may_act(&self) -> bool {
        self.frame.may_decide() && self.is_open()
    }

    /// Whether this page may be read again while it is shown.
    fn is_steady(&self) -> bool {
        self.shown.revealed.is_none() && self.shown.typed.is_none()
    }

    /// A personal value that was revealed, else as it is masked.
    fn value<'s>(&'s self, name: &str, masked: &'s str) -> &'s str {
        match &self.shown.revealed {
            Some((value, revealed)) if value.as_str() == name => revealed,
            _ => masked,
        }
    }

    fn is_revealed(&self, name: &str) -> bool {
        let revealed = self.shown.revealed.as_ref();
        revealed.is_some_and(|(value, _)| value.as_str() == name)
    }

    /// What can be revealed, as it is masked: its name, its label, and the masked value.
    fn personal(&self) -> Vec<(&'static str, &'static str, &str)> {
        let guest = self.details.guest.as_ref();
        let values = [
            ("name", "Name", guest.and_then(|guest| guest.name.as_deref())),
            ("phone", "Phone", guest.and_then(|guest| guest.phone.as_deref())),
            ("note", "Why it was ended", self.details.letter.note.as_deref()),
        ];
        let known = values.into_iter();
        known
            .filter_map(|(name, label, masked)| Some((name, label, masked?)))
            .collect()
    }

    /// The content of an event, which is shown only while it is revealed.
    fn content(&self) -> Option<&str> {
        let (value, text) = self.shown.revealed.as_ref()?;
        (*value == Revealable::Content).then_some(text)
    }
}

/// A letter that is the member's to see.
pub(super) async fn load(desk: &Desk, visitor: &Visitor, id: i64) -> Result<Letter, Problem> {
    let found = desk
        .store
        .run(move |connection| stored::find(connection, LetterId(id)));
    let letter = found.await?.ok_or(Problem::NotFound)?;
    visitor.reach(letter.resort.as_ref())?;
    Ok(letter)
}

pub(in crate::web) async fn show(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
    request: HttpRequest,
    done: Query<Done>,
    refused: Query<Refused>,
) -> Result<HttpResponse, Problem> {
    let letter = load(&desk, &visitor, *id).await?;
    let asked = Asked::read(&visitor, request.query_string())?;
    let (seen, me) = (letter.id, visitor.identity.name.clone());
    desk.store
        .run(move |connection| stored::see(connection, seen, &me))
        .await?;
    let shown = Shown {
        notice: done.sentence(),
        refusal: refused.refused.as_deref().and_then(|word| refusal(&letter, word)),
        ..Shown::default()
    };
    answer(&desk, &visitor, &letter, asked, shown).await
}

/// Only words that are known say something.
fn refusal(letter: &Letter, word: &str) -> Option<String> {
    let sentence = words::outcome(word)?;
    let faster = letter.ending.as_ref().filter(|_| word == "too_late");
    Some(faster.map_or_else(
        || sentence.to_owned(),
        |ending| format!("{} was faster: the letter is {}.", ending.by, ending.state),
    ))
}

/// Shows one personal value, which the audit trail has recorded before; a minute later the page shows it no more.
pub(in crate::web) async fn reveal(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
    wanted: Form<Wanted>,
) -> Result<HttpResponse, Problem> {
    let letter = load(&desk, &visitor, *id).await?;
    visitor.allow(Action::LetterRevealed, letter.resort.as_ref())?;
    let asked = Asked::read(&visitor, &wanted.filter)?;
    let value = Revealable::parse(&wanted.value).ok_or(Problem::NotFound)?;
    let by = visitor.actor(desk.note(&wanted.note));
    let found = letters::reveal(&desk.context(), letter.id, value, by).await?;
    let shown = Shown {
        revealed: found.map(|found| (value, found)),
        ..Shown::default()
    };
    answer(&desk, &visitor, &letter, asked, shown).await
}

pub(super) async fn answer(
    desk: &Desk,
    visitor: &Visitor,
    letter: &Letter,
    asked: Asked,
    shown: Shown,
) -> Result<HttpResponse, Problem> {
    let details = letters::show(&desk.context(), letter.id, None).await?;
    let details = details.ok_or(Problem::NotFound)?;
    let (filter, me, id, place) = (
        asked.filter.clone(),
        visitor.identity.name.clone(),
        letter.id,
        Place::of(letter),
    );
    // Of no resort: those who work for all.
    let at = Scope::Resorts(letter.resort.iter().cloned().collect());
    let ((older, newer), others, members) = desk
        .store
        .run(move |connection| {
            let neighbours = stored::neighbours(connection, &filter, place)?;
            let others = stored::others_on(connection, id, &me)?;
            Ok((neighbours, others, staff::names_within(connection, &at)?))
        })
        .await?;
    let path_of = |id: LetterId| asked.at(&format!("/letters/{id}"));
    let code = details.message.as_ref().and_then(|message| message.error_code);
    let booking = letter.resort.as_ref().zip(letter.booking.as_ref());
    let status = match shown.typed {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let mut page = LetterPage {
        frame: Frame::new(desk, visitor, Section::Letters, "Letter")
            .await?
            .with_notice(shown.notice.clone()),
        path: path_of(letter.id),
        older: older.map(path_of),
        newer: newer.map(path_of),
        about: about(&details.letter),
        advice: details.letter.advice(),
        code: code.map(|code| (code, whatsapp::error_codes::title(code))),
        booking_path: booking.map(|(resort, booking)| page::booking_path(resort.as_str(), booking.as_str())),
        others,
        members,
        prospect: None,
        details,
        asked,
        shown,
    };
    if page.allows(Way::Retry) {
        page.prospect = Some(letters::prospect(&desk.context(), letter, &page.details).await?);
    }
    let mut response = HttpResponse::build(status);
    if page.shown.revealed.is_some() {
        page::reload_in_a_minute(&mut response, &page.path);
    }
    Ok(page::fill(&mut response, &page))
}
