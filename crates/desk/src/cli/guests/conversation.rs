//! `desk guests answer|assign|snooze|close`

use std::io::{self, Read};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use clap::{ArgGroup, Args};
use domain::ids::{MessageId, ResortId, StaffName};
use domain::message::MessageKind;
use domain::staff_answer::StaffAnswer;
use domain::stay::Personal;
use service::{Environment, Problems};
use store::guests::waiting::Act;
use store::pool;
use uuid::Uuid;

use super::super::arguments::booking;
use super::super::auth::ReasonArgs;
use super::super::{Answer, output, session, table};
use super::{SubjectArgs, refuse};
use crate::actions::context::Context;
use crate::actions::conversations::{self, Acted};
use crate::actions::guests::Person;
use crate::actions::names;
use crate::actions::simulation;

/// Answer a guest who wrote
///
/// With words of your own while the guest's 24-hour window is open, or with one of the resort's templates, filled in for the
/// booking. The answer is a message like any other (desk bookings show has its ticks), sent once, also in quiet hours and to
/// guests who opted out of reminders. If the window shuts before it could go, it ends unsent and the guest waits again. The
/// guest's reminders stay paused: desk guests resume.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk guests answer --booking azure-bay BK-1001 --text -                 reads the text from stdin
///   desk guests answer --booking azure-bay BK-1001 --template reminder_1
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("what").args(["text", "template"]).required(true))]
pub(in super::super) struct AnswerArgs {
    /// The booking in whose conversation you answer
    #[arg(long, num_args = 2, value_names = ["RESORT", "BOOKING"], required = true)]
    booking: Vec<String>,
    /// The text; use - to read it from stdin, which keeps it out of the shell's history
    #[arg(long)]
    text: Option<String>,
    /// The template of this kind
    #[arg(long, value_name = "KIND")]
    template: Option<MessageKind>,
    /// A UUID of your own for this answer: repeated with the same one, it is sent once
    #[arg(long, value_name = "UUID")]
    id: Option<Uuid>,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// Give a guest's conversation to a member of the staff
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk guests assign --booking azure-bay BK-1001 --to zoe
///   desk guests assign --booking azure-bay BK-1001 --to-nobody
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("who").args(["phone", "booking"]).required(true),
    group = ArgGroup::new("whose").args(["to", "to_nobody"]).required(true))]
pub(in super::super) struct Assign {
    #[command(flatten)]
    subject: SubjectArgs,
    /// The member of the staff
    #[arg(long, value_name = "NAME")]
    to: Option<StaffName>,
    /// It is nobody's any more
    #[arg(long)]
    to_nobody: bool,
}

/// Let a guest's conversation wait until a time
///
/// Until then it does not count as waiting, unless the guest writes again.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk guests snooze --booking azure-bay BK-1001 --for 4h
///   desk guests snooze --booking azure-bay BK-1001 --until "2026-12-24 18:00"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("who").args(["phone", "booking"]).required(true),
    group = ArgGroup::new("when").args(["length", "until"]).required(true))]
pub(in super::super) struct Snooze {
    #[command(flatten)]
    subject: SubjectArgs,
    /// For so long: 30m, 4h, 2d
    #[arg(long = "for", value_name = "DURATION", value_parser = domain::duration::parse)]
    length: Option<std::time::Duration>,
    /// Until this time: 2026-12-24T18:00:00+02:00, or "2026-12-24 18:00" at the resort (without a resort: in UTC)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// Say that a guest's conversation needs no further answer
///
/// It opens again when the guest writes. The guest's reminders stay paused: desk guests resume.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk guests close --booking azure-bay BK-1001
///   desk guests close --phone -
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("who").args(["phone", "booking"]).required(true))]
pub(in super::super) struct Close {
    #[command(flatten)]
    subject: SubjectArgs,
}

pub(super) async fn answer(arguments: AnswerArgs, environment: &Environment) -> anyhow::Result<Answer> {
    let key = booking(&arguments.booking)?;
    let (context, by) = session::context_for_staff(arguments.reason, environment).await?;
    names::check_resort(&context.store, Some(context.files()), &key.resort).await?;
    let content = match (arguments.text, arguments.template) {
        (_, Some(kind)) => StaffAnswer::Template(kind),
        (text, None) => StaffAnswer::Text(Personal::new(text_of(text.unwrap_or_default())?)),
    };
    let id = MessageId(arguments.id.unwrap_or_else(Uuid::now_v7));

    match conversations::answer(&context, key.clone(), (id, content), by).await? {
        Ok(posted) => {
            let said = match posted.until {
                Some(until) => format!(
                    "{key}: answered, message {id}; it can be sent until {}",
                    table::instant(until)
                ),
                None => format!("{key}: message {id} was answered before, and is not sent again"),
            };
            output::print(&said)?;
            Ok(Answer::Done)
        }
        Err(refused) => {
            output::complain(&format!("{key}: {refused}"));
            if let Some(answering) = conversations::answering(&context, key).await? {
                complain_of(&answering.templates);
            }
            Ok(Answer::Refused)
        }
    }
}

fn complain_of(templates: &[MessageKind]) {
    let kinds: Vec<&str> = templates.iter().map(MessageKind::as_str).collect();
    output::complain(&match kinds.is_empty() {
        true => "no template of the resort's file can be sent to this guest now".to_owned(),
        false => format!("templates that can be sent now: {}", kinds.join(", ")),
    });
}

fn text_of(given: String) -> anyhow::Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .context("cannot read the text")?;
    let bare = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    Ok(bare.trim_end().to_owned())
}

pub(super) async fn assign(arguments: Assign, environment: &Environment) -> anyhow::Result<Answer> {
    let said = match &arguments.to {
        Some(name) => format!("is {name}'s now"),
        None => "is nobody's now".to_owned(),
    };
    run(arguments.subject, environment, Act::Assign(arguments.to), &said).await
}

pub(super) async fn snooze(arguments: Snooze, environment: &Environment) -> anyhow::Result<Answer> {
    let subject = &arguments.subject;
    let of_booking = subject.booking.as_deref().map(booking).transpose()?;
    let resort = of_booking.map(|key| key.resort).or(subject.resort.clone());
    let (context, by, person) = arguments.subject.open(environment).await?;
    let until = match (arguments.length, arguments.until) {
        (Some(length), _) => {
            let now = context.store.run(pool::clock).await?;
            now + TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX)
        }
        (None, text) => time(&context, resort.as_ref(), &text.unwrap_or_default())?,
    };
    let said = format!("waits until {}", table::instant(until));
    let acted = conversations::act(&context, &person, Act::Snooze(until), by).await?;
    report(&person, acted, &said)
}

/// A time without an offset is the resort's.
fn time(context: &Context, resort: Option<&ResortId>, text: &str) -> Result<DateTime<Utc>, Problems> {
    let zone = resort
        .and_then(|resort| context.resort(resort))
        .map_or(chrono_tz::Tz::UTC, |resort| resort.time_zone);
    simulation::instant(text, zone).ok_or_else(|| {
        Problems::one(
            "--until",
            "is neither 2026-12-24T18:00:00+02:00 nor 2026-12-24 18:00",
        )
    })
}

pub(super) async fn close(arguments: Close, environment: &Environment) -> anyhow::Result<Answer> {
    run(
        arguments.subject,
        environment,
        Act::Close,
        "needs no further answer",
    )
    .await
}

async fn run(
    subject: SubjectArgs,
    environment: &Environment,
    act: Act,
    said: &str,
) -> anyhow::Result<Answer> {
    let (context, by, person) = subject.open(environment).await?;
    let acted = conversations::act(&context, &person, act, by).await?;
    report(&person, acted, said)
}

fn report(person: &Person, acted: Acted, said: &str) -> anyhow::Result<Answer> {
    let why = match acted {
        Acted::Done => {
            output::print(&format!("{person}: the conversation {said}"))?;
            return Ok(Answer::Done);
        }
        Acted::NotFound(why) => {
            refuse(person, &why);
            return Ok(Answer::Refused);
        }
        Acted::NothingWritten => "the guest wrote nothing that staff should answer".to_owned(),
        Acted::NoMember(name) => format!("{name} is no member of the staff"),
        Acted::OutOfReach(name) => format!("{name} does not work for the guest's resort"),
        Acted::Past => "that time is over".to_owned(),
    };
    output::complain(&format!("{person}: {why}"));
    Ok(Answer::Refused)
}
