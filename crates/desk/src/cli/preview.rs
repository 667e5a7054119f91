//! `desk preview`

mod terminal;

use std::path::Path;
use std::sync::Arc;

use ::settings::{Resolve, Snapshot};
use anyhow::bail;
use chrono::Utc;
use clap::Args;
use crypto::key_ring::KeyRing;
use crypto::secret::Places;
use domain::ids::{BookingId, BookingKey, ResortId};
use domain::message::{ContentChoice, MessageKind};
use domain::phone_number::PhoneNumber;
use domain::preview::SampleGuest;
use domain::resort::{Language, Resort};
use service::environment::Reader;
use service::{Environment, Problems, chain};
use store::Store;
use store::audit::Actor;
use whatsapp::client::Client;

use super::arguments::one_of;
use super::auth::{Login, ReasonArgs};
use super::{Answer, input, output};
use crate::actions::context::read_files;
use crate::actions::names;
use crate::actions::preview::{
    self, PreviewCall, PreviewView, PreviewedGuest, Sending, TestNumber, Wanted, Words,
};
use crate::settings;

/// Show a message as its guest will see it, or send it to a test number
///
/// Without --booking and --guest it shows the message to four sample guests, in each language of the file: an ordinary one, one
/// with a very long name, one of whom only the link is known, one whose name is written from right to left. What a guest would
/// not get is shown with the reason. For marketing the line is marked where WhatsApp shows "read more" (after four lines of
/// about 35 letters). Characters are counted against Meta's limits. Exit code 1 if WhatsApp would refuse a message.
///
/// The words of a template are Meta's: they are read from the account that business_account_id in [whatsapp] of the file names.
/// Where they are not known, the values are shown alone, and why.
///
/// --to sends one message, really: to the ordinary guest in the resort's language, unless the other arguments say otherwise, and
/// only to one of test_numbers in the file, whatever its mode is. No booking records it; the audit trail does.
///
/// Needs BELLHOP_CONFIG, and the access token where the file says it is; --booking and --to also DATABASE_URL, BELLHOP_KEYS and
/// your token (see desk --help), since the audit trail records them.
///
/// Examples:
///   desk preview azure-bay reminder_1
///   desk preview azure-bay pre_arrival --language de --guest long_name
///   desk preview azure-bay reservation_confirmation --booking BK-1001
///   desk preview azure-bay reservation_confirmation --fallback
///   desk preview azure-bay reminder_1 --language ar --to +306912345678
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Preview {
    /// The resort: the name of its file
    resort: ResortId,
    /// The kind of message: reminder_1, reminder_2, reservation_confirmation, review_request, stop_confirmation, or a moment
    /// of the file
    kind: MessageKind,
    /// The guest's language, such as de or pt-BR [default: each language of the file; with --booking the guest's own]
    #[arg(long, value_parser = language)]
    language: Option<Language>,
    /// Only to this sample guest
    #[arg(long, value_name = "GUEST", value_parser = one_of(SampleGuest::ALL, SampleGuest::as_str), conflicts_with = "booking")]
    guest: Option<SampleGuest>,
    /// To the guest of this booking; shows personal data, which the audit trail records
    #[arg(long)]
    booking: Option<BookingId>,
    /// The fallback, as if WhatsApp did not know the kind's own template
    #[arg(long)]
    fallback: bool,
    /// Send it to this test number; use - to be prompted (or pipe it)
    #[arg(long, value_name = "+…")]
    to: Option<String>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reason: ReasonArgs,
}

impl Preview {
    fn wanted(&self) -> Wanted {
        let content = if self.fallback {
            ContentChoice::Fallback
        } else {
            ContentChoice::Template
        };
        Wanted {
            kind: self.kind,
            content,
        }
    }
}

fn language(text: &str) -> Result<Language, &'static str> {
    Language::parse(text).ok_or("is not a language such as de or pt-BR")
}

/// What a person needs whom the audit trail records.
struct Person {
    store: Store,
    ring: Arc<KeyRing>,
    by: Actor,
}

/// What every preview needs.
struct Opened {
    client: Client,
    files: Snapshot,
    resort: Arc<Resort>,
    /// `None`: nothing is recorded.
    person: Option<Person>,
}

pub(super) async fn run(mut arguments: Preview, environment: &Environment) -> anyhow::Result<Answer> {
    let opened = open(&mut arguments, environment).await?;
    let Opened {
        client,
        files,
        resort,
        person,
    } = &opened;
    let to = arguments.to.take();
    let to = to.map(|to| test_number(to, files, resort)).transpose()?;

    let words = Words::ask(client, files, resort).await;
    let guests = guests(&arguments, resort, person.as_ref(), to.is_some()).await?;
    let mut views: Vec<PreviewView> = guests
        .iter()
        .map(|guest| PreviewView::of(resort, arguments.wanted(), guest, &words))
        .collect();
    let mut is_good = views.iter().all(|view| view.problems.is_empty());
    if let (Some(to), Some(person), [guest], [view]) = (to, person, &*guests, &mut *views) {
        let sending = Sending {
            client,
            files,
            resort,
            wanted: arguments.wanted(),
            store: &person.store,
            ring: &person.ring,
        };
        let masked = to.masked();
        let (sent, result) = match sending.send(to, guest, person.by.clone()).await? {
            PreviewCall::Accepted => (true, format!("WhatsApp accepted it for {masked}")),
            PreviewCall::NotAccepted(why) => (false, why),
        };
        is_good &= sent;
        view.sent = Some(result);
    }
    if arguments.json {
        output::print_json(&views)?;
    } else {
        output::print(&terminal::text(&views))?;
    }
    Ok(Answer::done_if(is_good))
}

/// Reads settings and files, and identifies the person whom the audit trail records.
async fn open(arguments: &mut Preview, environment: &Environment) -> anyhow::Result<Opened> {
    let is_recorded = arguments.booking.is_some() || arguments.to.is_some();
    let reason = std::mem::take(&mut arguments.reason);
    let mut read = environment.reader();
    let folder = settings::folder(&mut read, None);
    let client = settings::whatsapp(&mut read);
    let (ring, person) = if is_recorded {
        let ring = settings::key_ring(&mut read, environment);
        (ring, person(reason, &mut read, environment).map(Some))
    } else {
        let ring = settings::optional_key_ring(&mut read, environment);
        (ring, Some(None))
    };
    let (folder, client, person) = read.finish_with(|| Some((folder?, client?, person?)))?;

    let files = files(&folder, &arguments.resort, ring.as_ref(), environment)?;
    names::check_resort_file(&files, &arguments.resort)?;
    let Some(resort) = files.resort(&arguments.resort) else {
        bail!(
            "the file of {} has errors; desk config check shows them",
            arguments.resort
        );
    };
    names::check_kind_of(&files, &resort, arguments.kind)?;
    let person = match person.zip(ring) {
        Some(((store, login), ring)) => Some(Person {
            by: login.identify(&store).await?,
            ring: Arc::new(ring),
            store,
        }),
        None => None,
    };
    Ok(Opened {
        client,
        files,
        resort,
        person,
    })
}

fn person(reason: ReasonArgs, read: &mut Reader<'_>, environment: &Environment) -> Option<(Store, Login)> {
    let store = settings::database(read);
    let login = reason.read(read, environment);
    Some((store?, login?))
}

/// With the resort's token where it can be read; a preview without the template's words needs none.
fn files(
    folder: &Path,
    resort: &ResortId,
    ring: Option<&KeyRing>,
    environment: &Environment,
) -> Result<Snapshot, Problems> {
    let places = Places {
        environment: &|name| environment.get(name).map(str::to_owned),
        key_ring: ring,
        base: folder,
    };
    let unreadable = |error| Problems::one("BELLHOP_CONFIG", chain(&error));
    let files = ::settings::load(folder, Resolve::AccessTokens, &places).map_err(unreadable)?;
    if files.resort(resort).is_some() {
        return Ok(files);
    }
    read_files(folder).map_err(unreadable)
}

fn test_number(to: String, files: &Snapshot, resort: &Resort) -> anyhow::Result<TestNumber> {
    let typed = input::phone_number(to)?;
    let number = PhoneNumber::parse(&typed, Some(resort.country));
    let number = number.map_err(|error| Problems::one("--to", error))?;
    Ok(TestNumber::among(files, &resort.id, number)?)
}

async fn guests(
    arguments: &Preview,
    resort: &Resort,
    person: Option<&Person>,
    only_one: bool,
) -> anyhow::Result<Vec<PreviewedGuest>> {
    if let (Some(booking), Some(person)) = (&arguments.booking, person) {
        let key = BookingKey {
            resort: resort.id.clone(),
            booking: booking.clone(),
        };
        let (ring, by) = (Arc::clone(&person.ring), person.by.clone());
        let found = PreviewedGuest::of_booking(&person.store, ring, key.clone(), arguments.kind, by).await?;
        let Some(guest) = found else {
            bail!("unknown booking {key}: no event has named it");
        };
        return Ok(vec![match &arguments.language {
            Some(language) => guest.speaking(language),
            None => guest,
        }]);
    }
    let languages = match &arguments.language {
        Some(language) => vec![language.clone()],
        None if only_one => vec![resort.language.clone()],
        None => preview::languages(resort, arguments.wanted()),
    };
    let samples = match arguments.guest {
        Some(sample) => vec![sample],
        None if only_one => vec![SampleGuest::Ordinary],
        None => SampleGuest::ALL.to_vec(),
    };
    let now = Utc::now();
    let mut found = Vec::new();
    for language in &languages {
        for sample in &samples {
            found.push(PreviewedGuest::sample(*sample, resort, language, now)?);
        }
    }
    Ok(found)
}
