//! `[webhook_out]` of a resort's file: whom `processor` tells what became of messages and guests.

use std::collections::BTreeSet;

use crypto::secret::Secret;
use crypto::signature::{InvalidKey, Signer};
use domain::webhook_out::WebhookEvent;
use url::Url;

use crate::resolve::Reference;

/// Who is told of what. `Debug` shows no secret.
#[derive(Debug)]
pub struct WebhookOut {
    pub url: Url,
    pub events: BTreeSet<WebhookEvent>,
    /// Whether the guest's name and number are told too.
    pub with_guest: bool,
    /// Whether the file names the receiver's host as one that may be in the own network, and may be called over http.
    pub is_host_named: bool,
    pub signer: Signer,
}

/// `[webhook_out]` as it is written, its secrets not yet found.
pub(crate) struct WebhookOutFile {
    pub(crate) url: Url,
    pub(crate) events: BTreeSet<WebhookEvent>,
    pub(crate) with_guest: bool,
    pub(crate) is_host_named: bool,
    pub(crate) secrets: Vec<Reference>,
    pub(crate) line: usize,
}

impl WebhookOutFile {
    /// With the secrets that were found.
    pub(crate) fn with(self, secrets: &[Secret]) -> Result<WebhookOut, InvalidKey> {
        Ok(WebhookOut {
            url: self.url,
            events: self.events,
            with_guest: self.with_guest,
            is_host_named: self.is_host_named,
            signer: Signer::new(secrets)?,
        })
    }
}
