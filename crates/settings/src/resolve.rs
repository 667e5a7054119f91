//! Finds the secrets that files refer to.

use std::error::Error;

use crypto::secret::{FileText, Places, Secret, SecretReference};
use domain::error_chain::chain;

use crate::document::Note;
use crate::finding::Severity;

/// The secrets that a process uses. A file counts as broken if a secret of it is used and cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    Nothing,
    /// The secrets that verify webhooks.
    SourceSecrets,
    /// The tokens that send messages.
    AccessTokens,
    /// The credentials with which platforms are asked for more, and the secrets that sign webhooks out.
    CallSecrets,
    Everything,
}

impl Resolve {
    pub(crate) fn source_secrets(self) -> bool {
        matches!(self, Self::SourceSecrets | Self::Everything)
    }

    pub(crate) fn call_secrets(self) -> bool {
        matches!(self, Self::CallSecrets | Self::Everything)
    }

    pub(crate) fn access_tokens(self) -> bool {
        matches!(self, Self::AccessTokens | Self::Everything)
    }
}

/// A reference to a secret, and its place in the file.
pub(crate) struct Reference {
    pub(crate) reference: SecretReference,
    pub(crate) line: usize,
    pub(crate) path: String,
}

impl Reference {
    /// A warning about a secret in the file itself, if every user can read the file.
    pub(crate) fn lies_open(&self, file: &FileText) -> Option<Note> {
        let is_open = file.readable_by_others && matches!(self.reference, SecretReference::Plain(_));
        is_open.then(|| Note {
            line: self.line,
            severity: Severity::Warning,
            text: format!(
                "{}: the secret stands in a file that can be read by every user",
                self.path
            ),
        })
    }

    /// The id of the key that sealed it, if it is sealed.
    pub(crate) fn key_id(&self) -> Option<String> {
        self.reference.key_id().map(str::to_owned)
    }

    /// Finds the secret; errors and warnings become notes.
    pub(crate) fn resolve(&self, places: &Places<'_>, notes: &mut Vec<Note>) -> Option<Secret> {
        let mut note = |severity, error: &dyn Error| {
            notes.push(Note {
                line: self.line,
                severity,
                text: format!("{}: {}", self.path, chain(error)),
            });
        };
        match self.reference.resolve(places) {
            Ok(resolved) => {
                for warning in &resolved.warnings {
                    note(Severity::Warning, warning);
                }
                Some(resolved.secret)
            }
            Err(error) => {
                note(Severity::Error, &error);
                None
            }
        }
    }
}
