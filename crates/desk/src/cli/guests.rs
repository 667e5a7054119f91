//! `desk guests …`

use anyhow::Error;
use clap::{ArgGroup, Args, Subcommand};
use domain::ids::ResortId;
use domain::phone_number::PhoneNumber;
use service::{Environment, Failure, Problems};

use super::acting::Why;
use super::arguments::booking;
use super::opening::{self, Opened};
use super::{Answer, input, output};
use crate::actions::guests::{self, Erased, Meant, Person, Stopped};
use crate::actions::names;
use crate::actions::shelf::Shelf;
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Export(Export),
    Erase(Erase),
    Stop(Stop),
}

/// Whose.
#[derive(Debug, Args)]
#[group(skip)]
struct Who {
    /// Whoever has this number. It would stand in your shell's history: with - it is read from stdin, or asked for
    #[arg(long, value_name = "+…")]
    phone: Option<String>,
    /// Only at this resort, whose country a number without + is read with. Left out, the countries of all resorts' files are
    /// tried; of several numbers the one is taken of whose guest something is held
    #[arg(long, conflicts_with = "booking")]
    resort: Option<ResortId>,
    /// Only the guest of this booking, with its cart; others of the same number are left alone
    #[arg(long, num_args = 2, value_names = ["RESORT", "BOOKING"])]
    booking: Option<Vec<String>>,
    #[command(flatten)]
    why: Why,
}

/// Print everything that is held of a guest, as one JSON document
///
/// Bookings with their facts, messages and letters; the raw events; what the guest said of messages; what people did about
/// them, and why; everything opened. What cannot be opened is named. First takes in what lies in the dead queues. That you did it stands in the audit trail.
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
    who: Who,
}

/// Forget a guest
///
/// Name, number, link, texts and raw events are gone, also from dead letters; messages that have not gone are withdrawn. A
/// call that has begun may finish. What was accepted before and arrives later is stripped on arrival; what is accepted from
/// now on is kept: the guest has come back. Ids, dates, status and money stay, and keyed hashes of who wants no messages.
/// Done again, it finds nothing. There is no way back. A --note stays, with the deed: do not name the guest in it.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG, BELLHOP_KEYS, and your token (see desk --help).
///
/// Examples:
///   desk guests erase --phone -                            asks for the number
///   desk guests erase --phone - --resort azure-bay
///   desk guests erase --booking azure-bay BK-1001          a family shares the number
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("who").args(["phone", "booking"]).required(true))]
pub(super) struct Erase {
    #[command(flatten)]
    who: Who,
}

/// Send a guest no more reminders and review requests
///
/// As if they had answered "stop" themselves: at each resort that knows them, or the one named. What waits does not go;
/// confirmations do. It holds until they say otherwise.
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
    who: Who,
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<Answer, Failure> {
    match command {
        Command::Export(arguments) => export(arguments.who, environment).await,
        Command::Erase(arguments) => erase(arguments.who, environment).await,
        Command::Stop(arguments) => stop(arguments.who, environment).await,
    }
}

impl Who {
    /// Whose guest; a number is asked for where it must be. An unknown resort is refused: nothing would be found there.
    async fn person(self, shelf: &Shelf) -> Result<Person, Failure> {
        let booking = self.booking.as_deref().map(booking).transpose()?;
        let resort = booking.as_ref().map(|key| &key.resort).or(self.resort.as_ref());
        if let Some(resort) = resort {
            names::check_resort(&shelf.store, Some(shelf.files()), resort)
                .await
                .map_err(Error::from)?;
        }
        if let Some(key) = booking {
            return Ok(Person::Booking(key));
        }
        let text = input::phone_number(self.phone.unwrap_or_default())?;
        let resort = self.resort;
        let meant = guests::meant(shelf, &text, resort.as_ref())
            .await
            .map_err(Error::from)?;
        Ok(Person::Number {
            number: number(meant)?,
            resort,
        })
    }
}

/// The number that is meant; which readings were tried is told in any case.
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

async fn export(mut who: Who, environment: &Environment) -> Result<Answer, Failure> {
    let why = std::mem::take(&mut who.why);
    let Opened { shelf, by, .. } = opening::for_somebody(why, environment).await?;
    let person = who.person(&shelf).await?;

    let document = guests::export(&shelf, &person, by).await.map_err(Error::from)?;

    for name in &document.unreadable {
        output::complain(&format!("cannot be opened: {name}"));
    }
    output::print_json(&document)?;
    Ok(Answer::Done)
}

async fn erase(mut who: Who, environment: &Environment) -> Result<Answer, Failure> {
    let why = std::mem::take(&mut who.why);
    let Opened { shelf, by, .. } = opening::for_somebody(why, environment).await?;
    let person = who.person(&shelf).await?;

    let erased = guests::erase(&shelf, &person, by).await.map_err(Error::from)?;

    output::print(&told(&person, &erased))?;
    Ok(Answer::Done)
}

fn told(person: &Person, erased: &Erased) -> String {
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

async fn stop(mut who: Who, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let shelf = settings::shelf(&mut read, environment);
    let acting = std::mem::take(&mut who.why).read(&mut read, environment);
    let (shelf, acting) = read.finish_with(|| Some((shelf?, acting?)))?;
    let shelf = shelf.open()?;
    let by = acting.identify(&shelf.store).await?;
    let person = who.person(&shelf).await?;

    let stopped = guests::stop(&shelf, &person, by).await.map_err(Error::from)?;

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
        Stopped::NumberUnknown => {
            "no resort knows the number; name one with --resort to have it remembered there"
        }
        Stopped::BookingUnknown => "unknown booking: no event has named it",
        Stopped::WithoutNumber => "the booking has no valid phone number, so that nothing is sent for it",
    };
    output::complain(&format!("{person}: {refused}"));
    Ok(Answer::Refused)
}
