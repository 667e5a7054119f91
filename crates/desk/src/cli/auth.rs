//! Who acts, and why: what every command asks that stands in the audit trail.

use clap::Args;
use crypto::key_ring::KeyRing;
use domain::ids::StaffName;
use service::environment::Reader;
use service::{Environment, Failure};
use store::Store;
use store::audit::Actor;
use store::notes::Note;

use super::output;
use super::token::Credential;
use crate::actions::notes;
use crate::actions::personal::HIDDEN;
use crate::settings;

/// Why.
#[derive(Debug, Default, Args)]
pub(super) struct Why {
    /// Why, for the audit trail; sealed under BELLHOP_KEYS
    #[arg(long, value_name = "TEXT", value_parser = words)]
    note: Option<String>,
}

/// Whether a guest is shown, and why.
#[derive(Debug, Args)]
pub(super) struct Reveal {
    /// Show names, numbers, contents and notes; that you did stands in the audit trail
    #[arg(long)]
    reveal: bool,
    /// Why you look, for the audit trail
    #[arg(long, value_name = "TEXT", value_parser = words, requires = "reveal")]
    note: Option<String>,
}

/// A note that says something.
pub(super) fn words(text: &str) -> Result<String, &'static str> {
    let note = text.trim();
    if note.is_empty() {
        return Err("say why in a few words");
    }
    Ok(note.to_owned())
}

/// Somebody who is about to act; not yet known to be of the staff.
#[derive(Debug)]
pub(super) struct Acting {
    credential: Credential,
    reason: Option<Note>,
}

impl Why {
    /// Needs a token, and the key ring where a note is given.
    pub(super) fn read(self, read: &mut Reader<'_>, environment: &Environment) -> Option<Acting> {
        acting(self.note, read, environment)
    }

    /// As [`read`](Self::read), where somebody without a token may do.
    pub(super) fn read_anybody(self, read: &mut Reader<'_>, environment: &Environment) -> Option<Acting> {
        let reason = sealed(self.note, read, environment);
        let credential = Credential::find(read);
        reason.map(|reason| Acting { credential, reason })
    }
}

impl Reveal {
    /// `Some(None)`: nobody wants to see anything personal.
    pub(super) fn read(self, read: &mut Reader<'_>, environment: &Environment) -> Option<Option<Acting>> {
        if !self.reveal {
            return Some(None);
        }
        acting(self.note, read, environment).map(Some)
    }
}

impl Reveal {
    /// As [`read`](Self::read), where notes are all that is to be opened.
    pub(super) fn read_notes(
        self,
        read: &mut Reader<'_>,
        environment: &Environment,
    ) -> Option<Option<(Acting, KeyRing)>> {
        if !self.reveal {
            return Some(None);
        }
        let key_ring = settings::key_ring(read, environment);
        let acting = acting(self.note, read, environment);
        Some(Some((acting?, key_ring?)))
    }
}

/// Who is to read notes, if anybody is.
pub(super) async fn identify_reader(
    looking: Option<(Acting, KeyRing)>,
    store: &Store,
) -> Result<Option<notes::Reader>, Failure> {
    let Some((acting, key_ring)) = looking else {
        return Ok(None);
    };
    let by = acting.identify(store).await?;
    Ok(Some(notes::Reader { by, key_ring }))
}

/// Says how hidden notes are seen, where there are any.
pub(super) fn hint_at_hidden<'n>(notes: impl IntoIterator<Item = Option<&'n str>>) {
    if notes.into_iter().flatten().any(|note| note == HIDDEN) {
        output::complain("notes are hidden, since they may name guests: --reveal shows them");
    }
}

/// With a note that was asked for otherwise.
pub(super) fn acting(
    note: Option<String>,
    read: &mut Reader<'_>,
    environment: &Environment,
) -> Option<Acting> {
    let reason = sealed(note, read, environment);
    let credential = Credential::required(read);
    reason.map(|reason| Acting { credential, reason })
}

/// `None`: the key ring is missing, which is reported.
fn sealed(note: Option<String>, read: &mut Reader<'_>, environment: &Environment) -> Option<Option<Note>> {
    let Some(words) = note else {
        return Some(None);
    };
    let seal = |ring: KeyRing| Some(Note::seal(&words, &ring));
    settings::key_ring(read, environment).map(seal)
}

/// Who is to see what is personal, if anybody is.
pub(super) async fn identify(acting: Option<Acting>, store: &Store) -> Result<Option<Actor>, Failure> {
    match acting {
        Some(acting) => acting.identify(store).await.map(Some),
        None => Ok(None),
    }
}

impl Acting {
    /// Who it is. Asks for the token where it must.
    pub(super) async fn identify(self, store: &Store) -> Result<Actor, Failure> {
        Ok(Actor {
            name: self.credential.identify(store).await?,
            reason: self.reason,
        })
    }

    /// Somebody who need not be known: the first of the staff.
    pub(super) fn unknown(self, name: StaffName) -> Actor {
        Actor {
            name,
            reason: self.reason,
        }
    }
}
