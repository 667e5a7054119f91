//! What staff do in a booking's conversation, and about its upcoming messages: forms of the booking's page.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form, Path};
use chrono::{TimeDelta, Utc};
use domain::audit::Action;
use domain::facts::Instruction;
use domain::ids::{BookingKey, MessageId};
use domain::message::MessageKind;
use domain::staff_answer::StaffAnswer;
use domain::stay::Personal;
use serde::Deserialize;
use store::guests::waiting::Act;
use uuid::Uuid;

use super::bookings::{self as page_of_booking, Shown};
use super::desk::Desk;
use super::page;
use super::problem::Problem;
use super::visitor::{Visitor, assignee};
use crate::actions::bookings;
use crate::actions::conversations::{self, Acted};
use crate::actions::guests::{self, NoGuest, Person};

#[derive(Deserialize)]
pub(super) struct Reason {
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
pub(super) struct Answer {
    /// Made with the form, so that a form that is sent twice is one answer.
    id: Uuid,
    #[serde(default)]
    text: String,
    /// A kind, whose template is sent instead of a text.
    #[serde(default)]
    template: String,
}

#[derive(Deserialize)]
pub(super) struct Done {
    what: String,
    /// Of `assign`: a member, or `nobody`.
    #[serde(default)]
    to: String,
    /// Of `snooze`.
    #[serde(default)]
    hours: u8,
}

#[derive(Deserialize)]
pub(super) struct Instructed {
    kind: String,
    what: String,
    #[serde(default)]
    note: String,
}

/// Opens the conversation for this member, for a while.
pub(super) async fn open(
    desk: Data<Desk>,
    visitor: Visitor,
    path: Path<(String, String)>,
    reason: Form<Reason>,
) -> Result<HttpResponse, Problem> {
    let key = page_of_booking::key(&visitor, &path)?;
    visitor.allow(Action::ConversationOpened, Some(&key.resort))?;
    let by = visitor.actor(desk.note(&reason.note));
    let is_known = bookings::open(&desk.context(), key.clone(), by).await?;
    is_known.then(|| back(&key, "opened")).ok_or(Problem::NotFound)
}

pub(super) async fn answer(
    desk: Data<Desk>,
    visitor: Visitor,
    path: Path<(String, String)>,
    form: Form<Answer>,
) -> Result<HttpResponse, Problem> {
    let key = page_of_booking::key(&visitor, &path)?;
    visitor.allow(Action::GuestAnswered, Some(&key.resort))?;
    let Answer { id, text, template } = form.into_inner();
    let answer = match template.parse::<MessageKind>() {
        Ok(kind) => StaffAnswer::Template(kind),
        // A browser sends line breaks as CR LF (HTML standard, "constructing the form data set").
        Err(_) => StaffAnswer::Text(Personal::new(text.replace("\r\n", "\n").trim())),
    };
    let by = visitor.actor(None);
    let posted = conversations::answer(&desk.context(), key.clone(), (MessageId(id), answer), by).await?;
    match posted {
        Ok(_) => Ok(back(&key, "answered")),
        Err(refused) => {
            let shown = Shown {
                refused: Some(refused.to_string()),
                // Nobody has to write it again.
                draft: text,
                ..Shown::default()
            };
            page_of_booking::answer(&desk, &visitor, key, shown).await
        }
    }
}

/// Assigns, snoozes or closes the conversation, or lets the guest's reminders go again.
pub(super) async fn act(
    desk: Data<Desk>,
    visitor: Visitor,
    path: Path<(String, String)>,
    form: Form<Done>,
) -> Result<HttpResponse, Problem> {
    let key = page_of_booking::key(&visitor, &path)?;
    let (context, by) = (desk.context(), visitor.actor(None));
    let person = Person::Booking(key.clone());
    let (act, action, done) = match form.what.as_str() {
        "assign" => (
            Act::Assign(assignee(&form.to)?),
            Action::ConversationAssigned,
            "assigned",
        ),
        "snooze" => {
            let until = Utc::now() + TimeDelta::hours(i64::from(form.hours.max(1)));
            (Act::Snooze(until), Action::ConversationSnoozed, "snoozed")
        }
        "close" => (Act::Close, Action::ConversationClosed, "closed"),
        "resume" => {
            visitor.allow(Action::GuestResumed, Some(&key.resort))?;
            return match guests::resume(&context, &person, by).await? {
                guests::Resumed::Done(_) => Ok(back(&key, "reminders_resumed")),
                guests::Resumed::NotFound(why) => refuse(&desk, &visitor, key, no_guest(&why)).await,
            };
        }
        _ => {
            return Err(Problem::Invalid(
                "This form is not one that the desk has made.".to_owned(),
            ));
        }
    };
    visitor.allow(action, Some(&key.resort))?;
    let why = match conversations::act(&context, &person, act, by).await? {
        Acted::Done => return Ok(back(&key, done)),
        Acted::NothingWritten => "the guest wrote nothing that waits".to_owned(),
        Acted::NotFound(why) => no_guest(&why).to_owned(),
        Acted::NoMember(name) => format!("{name} is no member of the staff"),
        Acted::OutOfReach(name) => format!("{name} does not work for the guest's resort"),
        Acted::Past => "that time is over".to_owned(),
    };
    refuse(&desk, &visitor, key, &why).await
}

const fn no_guest(why: &NoGuest) -> &'static str {
    match why {
        NoGuest::NumberUnknown | NoGuest::BookingUnknown => "no such guest is known",
        NoGuest::WithoutNumber => "the booking has no valid phone number",
    }
}

/// Withdraws a message that is still to come, or sends it now.
pub(super) async fn instruct(
    desk: Data<Desk>,
    visitor: Visitor,
    path: Path<(String, String)>,
    form: Form<Instructed>,
) -> Result<HttpResponse, Problem> {
    let key = page_of_booking::key(&visitor, &path)?;
    let invalid = || Problem::Invalid("This form is not one that the desk has made.".to_owned());
    let kind: MessageKind = form.kind.parse().map_err(|_| invalid())?;
    let (instruction, action, done) = match form.what.as_str() {
        "withdraw" => (Instruction::Withdraw, Action::MessageWithdrawn, "withdrawn"),
        "send_now" => (Instruction::SendNow, Action::MessageSentNow, "sent_now"),
        _ => return Err(invalid()),
    };
    visitor.allow(action, Some(&key.resort))?;
    let by = visitor.actor(desk.note(&form.note));
    match bookings::instruct(&desk.context(), key.clone(), kind, instruction, by).await? {
        Ok(_) => Ok(back(&key, done)),
        Err(refused) => refuse(&desk, &visitor, key, &refused.to_string()).await,
    }
}

/// The page of the booking, which says why something was not done.
pub(super) async fn refuse(
    desk: &Desk,
    visitor: &Visitor,
    key: BookingKey,
    why: &str,
) -> Result<HttpResponse, Problem> {
    let shown = Shown {
        refused: Some(why.to_owned()),
        ..Shown::default()
    };
    page_of_booking::answer(desk, visitor, key, shown).await
}

fn back(key: &BookingKey, done: &str) -> HttpResponse {
    let path = page::booking_path(key.resort.as_str(), key.booking.as_str());
    page::go(&format!("{path}?done={done}"))
}
