//! The secrets by which Meta's requests are recognised.

use std::slice;

use crypto::signature::{Scheme, SchemeError, Verifier};
use service::Problems;

use crate::settings::WhatsApp;

pub(crate) struct Meta {
    /// Checks the signature of a notification.
    pub(crate) signature: Verifier,
    /// Checks the token of a handshake; `None`: no handshake succeeds.
    pub(crate) verify_token: Option<Verifier>,
}

impl Meta {
    pub(crate) fn of(whatsapp: &WhatsApp) -> Result<Self, Problems> {
        if whatsapp.verify_token.is_none() {
            log::warn!(event = "no_verify_token"; "WHATSAPP_VERIFY_TOKEN is not set: no handshake will succeed");
        }
        Self::new(whatsapp).map_err(|error| Problems::one("WHATSAPP_APP_SECRETS", service::chain(&error)))
    }

    fn new(whatsapp: &WhatsApp) -> Result<Self, SchemeError> {
        let verifier = |token| Verifier::new(Scheme::UrlToken, slice::from_ref(token));
        Ok(Self {
            signature: Verifier::new(Scheme::GitHub, &whatsapp.app_secrets)?,
            verify_token: whatsapp.verify_token.as_ref().map(verifier).transpose()?,
        })
    }
}
