//! What a member decides about one letter. Each form leads back to the letter, which says what came of it.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::{Data, Form, Path};
use domain::audit::Action;
use domain::ids::LetterId;
use serde::Deserialize;
use store::letters::{Decided, Letter, Word};

use super::asked::Asked;
use super::letter::{self, Shown};
use crate::actions::letters::{self, Mode, Retrier};
use crate::web::desk::Desk;
use crate::web::page;
use crate::web::problem::{Problem, sentence};
use crate::web::visitor::{Visitor, assignee};

/// The fields of all these forms; each form has some. Holds a guest's number.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Told {
    /// Of the list that the letter was found in.
    filter: String,
    note: String,
    phone: String,
    /// `retry`: at once, after the number was corrected.
    then: String,
    /// Whether the guest has the message: `sent` or `not_sent`.
    word: String,
    /// A member, or `nobody`.
    to: String,
}

/// A letter that the member may decide about so, and the filter that it was found with.
async fn begin(
    desk: &Desk,
    visitor: &Visitor,
    id: i64,
    action: Action,
    told: &Told,
) -> Result<(Letter, Asked), Problem> {
    let letter = letter::load(desk, visitor, id).await?;
    visitor.allow(action, letter.resort.as_ref())?;
    Ok((letter, Asked::read(visitor, &told.filter)?))
}

fn back(asked: &Asked, id: LetterId, said: &[(&str, &str)]) -> HttpResponse {
    page::go(&asked.with(&format!("/letters/{id}"), said))
}

/// Back to the letter with what was done, or why it was not.
fn told<T>(asked: &Asked, id: LetterId, decided: &Decided<T>, done: &str) -> HttpResponse {
    match decided {
        Ok(_) => back(asked, id, &[("done", done)]),
        Err(declined) => back(asked, id, &[("refused", letters::word(declined))]),
    }
}

/// Why it was not retried; `None`: it was.
async fn try_again(
    desk: &Desk,
    visitor: &Visitor,
    id: LetterId,
    note: &str,
) -> Result<Option<&'static str>, Problem> {
    let by = visitor.actor(desk.note(note));
    let mut retrier = Retrier::new(desk.context(), desk.broker.clone(), Mode::Retry(by));
    let tried = retrier.one(id).await;
    retrier.finish().await;
    Ok(tried?.refusal())
}

pub(in crate::web) async fn retry(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
    form: Form<Told>,
) -> Result<HttpResponse, Problem> {
    let (letter, asked) = begin(&desk, &visitor, *id, Action::LetterRetried, &form).await?;
    Ok(match try_again(&desk, &visitor, letter.id, &form.note).await? {
        None => back(&asked, letter.id, &[("done", "retried")]),
        Some(why) => back(&asked, letter.id, &[("refused", why)]),
    })
}

/// Says what a number means while it is typed.
pub(in crate::web) async fn check_phone(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
    form: Form<Told>,
) -> Result<HttpResponse, Problem> {
    let (letter, _) = begin(&desk, &visitor, *id, Action::PhoneCorrected, &form).await?;
    let said = match verdict(&desk, &letter, &form.phone).await? {
        Ok(number) => format!("The number is {number}."),
        Err(why) => why,
    };
    Ok(HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body(said))
}

/// The number as it is understood, or what is wrong with it, as a sentence.
async fn verdict(desk: &Desk, letter: &Letter, phone: &str) -> Result<Result<String, String>, Problem> {
    let key = letter.booking_key().ok_or(Problem::NotFound)?;
    let checked = letters::check_phone(&desk.context(), key, phone).await?;
    Ok(checked.map_err(|why| sentence(&why.to_string())))
}

pub(in crate::web) async fn correct_phone(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
    form: Form<Told>,
) -> Result<HttpResponse, Problem> {
    let (letter, asked) = begin(&desk, &visitor, *id, Action::PhoneCorrected, &form).await?;
    let form = form.into_inner();
    if let Err(why) = verdict(&desk, &letter, &form.phone).await? {
        let shown = Shown::wrong_number(form.phone, why);
        return letter::answer(&desk, &visitor, &letter, asked, shown).await;
    }
    let by = visitor.actor(desk.note(&form.note));
    let corrected = letters::correct_phone(&desk.context(), letter.id, by, form.phone).await?;
    if corrected.is_err() || form.then != "retry" {
        return Ok(told(&asked, letter.id, &corrected, "corrected"));
    }
    Ok(match try_again(&desk, &visitor, letter.id, &form.note).await? {
        None => back(&asked, letter.id, &[("done", "corrected_and_retried")]),
        Some(why) => back(&asked, letter.id, &[("done", "corrected"), ("refused", why)]),
    })
}

pub(in crate::web) async fn settle(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
    form: Form<Told>,
) -> Result<HttpResponse, Problem> {
    let (letter, asked) = begin(&desk, &visitor, *id, Action::LetterSettled, &form).await?;
    let (word, done) = match form.word.as_str() {
        "sent" => (Word::Sent, "settled_as_sent"),
        "not_sent" => (Word::NotSent, "settled_as_not_sent"),
        _ => {
            return Err(Problem::Invalid(
                "Say whether the guest has the message.".to_owned(),
            ));
        }
    };
    let by = visitor.actor(desk.note(&form.note));
    let settled = letters::settle(&desk.context(), letter.id, by, word).await?;
    Ok(told(&asked, letter.id, &settled, done))
}

pub(in crate::web) async fn close(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
    form: Form<Told>,
) -> Result<HttpResponse, Problem> {
    let (letter, asked) = begin(&desk, &visitor, *id, Action::LetterClosed, &form).await?;
    let note = desk.note(&form.note);
    let note = note.ok_or_else(|| Problem::Invalid("Who closes a letter says why.".to_owned()))?;
    let closed = letters::close(&desk.store, letter.id, visitor.actor(Some(note))).await?;
    Ok(told(&asked, letter.id, &closed, "letter_closed"))
}

pub(in crate::web) async fn assign(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
    form: Form<Told>,
) -> Result<HttpResponse, Problem> {
    let (letter, asked) = begin(&desk, &visitor, *id, Action::LetterAssigned, &form).await?;
    let to = assignee(&form.to)?;
    let done = if to.is_some() {
        "letter_assigned"
    } else {
        "letter_given_up"
    };
    let by = visitor.actor(desk.note(&form.note));
    let assigned = letters::assign(&desk.store, vec![letter.id], to, by).await?;
    Ok(assigned.first().map_or_else(
        || back(&asked, letter.id, &[]),
        |(_, decided)| told(&asked, letter.id, decided, done),
    ))
}
