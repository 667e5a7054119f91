//! `desk guests …`

mod conversation;
mod waiting;

use clap::{ArgGroup, Args, Subcommand};
use domain::ids::ResortId;
use domain::phone_number::PhoneNumber;
use domain::staff::Scope;
use service::{Environment, Problems};
use store::audit::Actor;

use super::arguments::booking;
use super::auth::ReasonArgs;
use super::session::{self, Session};
use super::{Answer, input, output};
use crate::actions::context::Context;
use crate::actions::guests::{self, Erased, Meant, NoGuest, Person, Stopped};
use crate::actions::names;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Export(Export),
    Erase(Erase),
    Stop(Stop),
    Waiting(Waiting),
    Resume(Resume),
    Answer(conversation::AnswerArgs),
    Assign(conversation::Assign),
    Snooze(conversation::Snooze),
    Close(conversation::Close),
}

#[derive(Debug, Args)]
#[group(skip)]
struct SubjectArgs {
    /// The guest with this phone number; use - to be prompted (or pipe it), which keeps it out of the shell's history
    #[arg(long, value_name = "+…")]
    phone: Option<String>,
    /// Only at this resort. A number without + is read with the resort's country; without --resort, with the countries of
    /// all resorts' files: of several possible numbers the one of a known guest is taken
    #[arg(long, conflicts_with = "booking")]
    resort: Option<ResortId>,
    /// Only the guest of this booking; other bookings with the same number are not touched
    #[arg(long, num_args = 2, value_names = ["RESORT", "BOOKING"])]
    booking: Option<Vec<String>>,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// Print all data that is stored about a guest, as one JSON document
///
/// It contains the bookings with their facts, messages and letters, the raw events, the guest's consent, and what the staff
/// did and why, all decrypted. What cannot be decrypted is named. First imports the letters of the dead queues. The audit
/// trail records the export.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk guests export --phone - > guest.json
///   desk guests export --booking azure-bay BK-1001
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("who").args(["phone", "booking"]).required(true))]
pub(super) struct Export {
    #[command(flatten)]
    subject: SubjectArgs,
}

/// Erase a guest's personal data
///
/// Deletes name, number, link, texts and raw events, also in dead letters, and withdraws messages that were not sent. A call
/// that has begun may finish. Events that were accepted before the erasure and arrive later lose their personal data on
/// arrival; events that are accepted after it are stored: the guest has come back. Ids, dates, status and amounts stay, and
/// keyed hashes of guests who want no messages. It cannot be undone; a second erasure finds nothing. A --note stays in the
/// audit trail: do not name the guest in it.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk guests erase --phone -                            prompts for the number
///   desk guests erase --phone - --resort azure-bay
///   desk guests erase --booking azure-bay BK-1001          if a family shares the number
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("who").args(["phone", "booking"]).required(true))]
pub(super) struct Erase {
    #[command(flatten)]
    subject: SubjectArgs,
}

/// Stop reminders and review requests for a guest
///
/// As if the guest had answered "stop": at each resort that knows them, or at the named one. Waiting reminders and review
/// requests are withdrawn; confirmations are still sent. It holds until the guest opts in again.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk guests stop --phone -
///   desk guests stop --booking azure-bay BK-1001
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("who").args(["phone", "booking"]).required(true))]
pub(super) struct Stop {
    #[command(flatten)]
    subject: SubjectArgs,
}

/// List the guests who wrote and wait for an answer
///
/// They wait until staff answer (desk guests answer), close the conversation, or let the guest's reminders go again, which any
/// reply but a stop pauses (desk guests resume). Who has waited longest comes first, with the guest's newest booking at the
/// resort and the member of the staff who has the conversation; at the end come conversations that are snoozed.
///
/// Needs DATABASE_URL.
///
/// Examples:
///   desk guests waiting
///   desk guests waiting --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Waiting {
    /// One JSON document
    #[arg(long)]
    json: bool,
}

/// Let a guest's reminders go again after a reply
///
/// Use it once staff have answered the guest, or if the reply needs no answer. Reminders that became too late in the
/// meantime are not sent.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk guests resume --booking azure-bay BK-1001
///   desk guests resume --phone -
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("who").args(["phone", "booking"]).required(true))]
pub(super) struct Resume {
    #[command(flatten)]
    subject: SubjectArgs,
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    match command {
        Command::Export(arguments) => export(arguments.subject, environment).await,
        Command::Erase(arguments) => erase(arguments.subject, environment).await,
        Command::Stop(arguments) => stop(arguments.subject, environment).await,
        Command::Waiting(arguments) => waiting::list(arguments.json, environment).await,
        Command::Resume(arguments) => waiting::resume(arguments.subject, environment).await,
        Command::Answer(arguments) => conversation::answer(arguments, environment).await,
        Command::Assign(arguments) => conversation::assign(arguments, environment).await,
        Command::Snooze(arguments) => conversation::snooze(arguments, environment).await,
        Command::Close(arguments) => conversation::close(arguments, environment).await,
    }
}

impl SubjectArgs {
    /// Identifies the member of the staff, then the guest.
    async fn open(mut self, environment: &Environment) -> anyhow::Result<(Context, Actor, Person)> {
        let reason = std::mem::take(&mut self.reason);
        let (context, by) = session::context_for_staff(reason, environment).await?;
        let person = self.person(&context).await?;
        Ok((context, by, person))
    }

    /// Prompts for the number if necessary. An unknown resort is refused: nothing would be found there.
    async fn person(self, context: &Context) -> anyhow::Result<Person> {
        let booking = self.booking.as_deref().map(booking).transpose()?;
        let resort = booking.as_ref().map(|key| &key.resort).or(self.resort.as_ref());
        if let Some(resort) = resort {
            names::check_resort(&context.store, Some(context.files()), resort).await?;
        }
        if let Some(key) = booking {
            return Ok(Person::Booking(key));
        }
        let text = input::phone_number(self.phone.unwrap_or_default())?;
        let resort = self.resort;
        let meant = guests::meant(context, &text, resort.as_ref(), &Scope::All).await?;
        Ok(Person::Number {
            number: number(meant)?,
            resort,
        })
    }
}

/// The number, or why the text is none; the readings that were tried are printed in any case.
fn number(meant: Meant) -> Result<PhoneNumber, Problems> {
    const REMEDY: &str = "give it with + and the country's code, or name the resort with --resort";
    match meant {
        Meant::Number(number, None) => Ok(number),
        Meant::Number(number, Some(readings)) => {
            output::complain(&format!(
                "{number}: read with the countries of the resorts' files ({readings})"
            ));
            Ok(number)
        }
        Meant::Invalid(None) => Err(Problems::one(
            "--phone",
            format!("is not a valid number: {REMEDY}"),
        )),
        Meant::Invalid(Some(readings)) => Err(Problems::one(
            "--phone",
            format!("is not a valid number in the country of any resort's file ({readings}): {REMEDY}"),
        )),
        Meant::Ambiguous(readings) => Err(Problems::one(
            "--phone",
            format!("could be several numbers ({readings}): {REMEDY}"),
        )),
    }
}

async fn export(mut subject: SubjectArgs, environment: &Environment) -> anyhow::Result<Answer> {
    let reason = std::mem::take(&mut subject.reason);
    let Session { context, by, .. } = session::for_staff(reason, environment).await?;
    let person = subject.person(&context).await?;

    let document = guests::export(&context, &person, by).await?;

    for name in &document.unreadable {
        output::complain(&format!("cannot be opened: {name}"));
    }
    output::print_json(&document)?;
    Ok(Answer::Done)
}

async fn erase(mut subject: SubjectArgs, environment: &Environment) -> anyhow::Result<Answer> {
    let reason = std::mem::take(&mut subject.reason);
    let Session { context, by, .. } = session::for_staff(reason, environment).await?;
    let person = subject.person(&context).await?;

    let erased = guests::erase(&context, &person, by).await?;

    output::print(&summary(&person, &erased))?;
    Ok(Answer::Done)
}

fn summary(person: &Person, erased: &Erased) -> String {
    if erased.is_nothing() {
        return format!("{person}: nothing is held that tells who it is");
    }
    let rows = [
        ("bookings", erased.bookings.len()),
        ("raw events", erased.events),
        ("letters", erased.letters),
        ("messages withdrawn", erased.withdrawn),
    ];
    let counts = rows.map(|(what, count)| format!("{what} {count}")).join(", ");
    let bookings = erased.bookings.iter().map(|key| format!("\n  {key}"));
    format!("{person}: erased: {counts}{}", bookings.collect::<String>())
}

async fn stop(subject: SubjectArgs, environment: &Environment) -> anyhow::Result<Answer> {
    let (context, by, person) = subject.open(environment).await?;

    let stopped = guests::stop(&context, &person, by).await?;

    let refused = match stopped {
        Stopped::Done {
            new,
            known,
            withdrawn,
        } => {
            for resort in new {
                output::print(&format!(
                    "{person}: no more reminders and review requests from {resort}"
                ))?;
            }
            for resort in known {
                output::print(&format!("{person}: {resort} knew that already"))?;
            }
            if withdrawn > 0 {
                output::print(&format!("messages withdrawn: {withdrawn}"))?;
            }
            return Ok(Answer::Done);
        }
        Stopped::NotFound(why) => why,
    };
    refuse(&person, &refused);
    Ok(Answer::Refused)
}

fn refuse(person: &Person, why: &NoGuest) {
    let why = match why {
        NoGuest::NumberUnknown => "no resort knows the number; name one with --resort to store it there",
        NoGuest::BookingUnknown => "unknown booking: no event has named it",
        NoGuest::WithoutNumber => "the booking has no valid phone number, so that nothing is sent for it",
    };
    output::complain(&format!("{person}: {why}"));
}
