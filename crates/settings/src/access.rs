//! What a resort's file gives beside the resort itself: with what WhatsApp and the resort's own tools are called.

use std::sync::Arc;

use crypto::secret::{Places, Secret};
use domain::phone_number::PhoneNumber;
use domain::resort::Resort;

use crate::document::Note;
use crate::finding::Severity;
use crate::resolve::{Reference, Resolve};
use crate::resort_file::ResortFile;
use crate::webhook_out::{WebhookOut, WebhookOutFile};

#[derive(Default)]
pub(crate) struct Access {
    /// `None` if this process resolves no tokens.
    pub(crate) token: Option<Arc<Secret>>,
    pub(crate) business_account: Option<String>,
    pub(crate) test_numbers: Vec<PhoneNumber>,
    /// `None` also if this process does not resolve its secrets.
    pub(crate) webhook_out: Option<Arc<WebhookOut>>,
}

impl ResortFile {
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Reference> {
        let of_webhooks = self.webhook_out.iter().flat_map(|webhook| &webhook.secrets);
        std::iter::once(&self.access_token).chain(of_webhooks)
    }

    /// The resort, and what this process needs beside it, with the secrets that were found. One that is not found is noted.
    pub(crate) fn resolve(
        self,
        resolve: Resolve,
        places: &Places<'_>,
        notes: &mut Vec<Note>,
    ) -> (Resort, Access, Vec<Secret>) {
        let mut secrets = Vec::new();
        if resolve.access_tokens() {
            secrets.extend(self.access_token.resolve(places, notes));
        }
        let token = secrets.first().cloned().map(Arc::new);
        let webhook_out = match self.webhook_out.filter(|_| resolve.call_secrets()) {
            Some(file) => signed(file, places, (&mut secrets, notes)),
            None => None,
        };
        let access = Access {
            token,
            business_account: self.business_account,
            test_numbers: self.test_numbers,
            webhook_out: webhook_out.map(Arc::new),
        };
        (self.resort, access, secrets)
    }
}

fn signed(
    file: WebhookOutFile,
    places: &Places<'_>,
    (secrets, notes): (&mut Vec<Secret>, &mut Vec<Note>),
) -> Option<WebhookOut> {
    let found: Vec<_> = file
        .secrets
        .iter()
        .map(|secret| secret.resolve(places, notes))
        .collect();
    let found = found.into_iter().collect::<Option<Vec<Secret>>>()?;
    secrets.extend(found.iter().cloned());
    let line = file.line;
    let webhook_out = file.with(&found).map_err(|error| {
        notes.push(Note {
            line,
            severity: Severity::Error,
            text: format!("webhook_out.secrets: {error}"),
        });
    });
    webhook_out.ok()
}
