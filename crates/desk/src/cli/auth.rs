//! The arguments that say who acts and why, for every command that the audit trail records.

use std::sync::Arc;

use clap::Args;
use crypto::key_ring::KeyRing;
use domain::ids::StaffName;
use domain::staff::Access;
use service::Environment;
use service::environment::Reader;
use store::Store;
use store::audit::Actor;
use store::notes::Note;
use store::staff::Identity;

use super::output;
use super::token::Credential;
use crate::actions::masking::HIDDEN;
use crate::actions::notes;
use crate::settings;

#[derive(Debug, Default, Args)]
pub(super) struct ReasonArgs {
    /// The reason, for the audit trail; encrypted with BELLHOP_KEYS
    #[arg(long, value_name = "TEXT", value_parser = not_blank)]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RevealArgs {
    /// Show names, numbers, contents and notes; the audit trail records it
    #[arg(long)]
    reveal: bool,
    /// The reason, for the audit trail
    #[arg(long, value_name = "TEXT", value_parser = not_blank, requires = "reveal")]
    note: Option<String>,
}

pub(super) fn not_blank(text: &str) -> Result<String, &'static str> {
    let note = text.trim();
    if note.is_empty() {
        return Err("say why in a few words");
    }
    Ok(note.to_owned())
}

/// A token and a reason; the database has not identified the person yet.
#[derive(Debug)]
pub(super) struct Login {
    credential: Credential,
    reason: Option<Note>,
}

impl ReasonArgs {
    /// Needs a token, and the key ring if a note is given.
    pub(super) fn read(self, read: &mut Reader<'_>, environment: &Environment) -> Option<Login> {
        login(self.note, read, environment)
    }

    /// As [`read`](Self::read), but the token may be missing.
    pub(super) fn read_without_token(
        self,
        read: &mut Reader<'_>,
        environment: &Environment,
    ) -> Option<Login> {
        let reason = sealed(self.note, read, environment);
        let credential = Credential::find(read);
        reason.map(|reason| Login { credential, reason })
    }
}

impl RevealArgs {
    /// `Some(None)` without `--reveal`.
    pub(super) fn read(self, read: &mut Reader<'_>, environment: &Environment) -> Option<Option<Login>> {
        if !self.reveal {
            return Some(None);
        }
        login(self.note, read, environment).map(Some)
    }

    /// As [`read`](Self::read), with the key ring, for commands that need it for notes alone.
    pub(super) fn read_notes(
        self,
        read: &mut Reader<'_>,
        environment: &Environment,
    ) -> Option<Option<(Login, KeyRing)>> {
        if !self.reveal {
            return Some(None);
        }
        let key_ring = settings::key_ring(read, environment);
        let login = login(self.note, read, environment);
        Some(Some((login?, key_ring?)))
    }
}

pub(super) async fn identify_reader(
    login: Option<(Login, KeyRing)>,
    store: &Store,
) -> anyhow::Result<Option<notes::Reader>> {
    let Some((login, key_ring)) = login else {
        return Ok(None);
    };
    let by = login.identify(store).await?;
    Ok(Some(notes::Reader {
        by,
        key_ring: Arc::new(key_ring),
    }))
}

pub(super) fn hint_at_hidden<'n>(notes: impl IntoIterator<Item = Option<&'n str>>) {
    if notes.into_iter().flatten().any(|note| note == HIDDEN) {
        output::complain("notes are hidden, since they may name guests: --reveal shows them");
    }
}

pub(super) fn login(note: Option<String>, read: &mut Reader<'_>, environment: &Environment) -> Option<Login> {
    let reason = sealed(note, read, environment);
    let credential = Credential::required(read);
    reason.map(|reason| Login { credential, reason })
}

/// `None` if the key ring is missing, which is reported.
fn sealed(note: Option<String>, read: &mut Reader<'_>, environment: &Environment) -> Option<Option<Note>> {
    let Some(words) = note else {
        return Some(None);
    };
    let seal = |ring: KeyRing| Some(Note::seal(&words, &ring));
    settings::key_ring(read, environment).map(seal)
}

impl Login {
    /// Prompts for the token if there is none.
    pub(super) async fn identify(self, store: &Store) -> anyhow::Result<Actor> {
        let Identity { name, access } = self.credential.identify(store).await?;
        Ok(Actor {
            name,
            access,
            reason: self.reason,
        })
    }

    /// For the first member of the staff, who has no token.
    pub(super) fn unidentified(self, name: StaffName) -> Actor {
        Actor {
            name,
            access: Access::ADMIN,
            reason: self.reason,
        }
    }
}
