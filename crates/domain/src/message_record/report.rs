//! What WhatsApp reports of a message after it has accepted it, and what is needed to decide about a reported
//! failure.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::after_call::{Advice, CallOutcome, Refusal, RetryPolicy, Scope};
use crate::guest::GuestName;
use crate::hold::{self, NewHold, Route};
use crate::ids::WhatsAppMessageId;
use crate::message::{CallbackData, DeliveryStatus, Pricing};

#[derive(Debug, Clone)]
pub struct Report {
    /// The call, where the report carries our callback data.
    pub callback: Option<CallbackData>,
    pub whatsapp_id: WhatsAppMessageId,
    pub status: DeliveryStatus,
    /// The time by WhatsApp's clock.
    pub at: DateTime<Utc>,
    /// The error, where WhatsApp names one.
    pub failure: Option<Refusal>,
    pub pricing: Option<Pricing>,
    /// The guest's names at WhatsApp.
    pub names: Vec<GuestName>,
}

impl Report {
    pub fn refuses_marketing(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|refusal| refusal.advice == Advice::OptOut)
    }

    /// The outcome of the call, if it failed after all.
    pub fn failed(&self) -> Option<CallOutcome> {
        (self.status == DeliveryStatus::Failed).then(|| CallOutcome::Failed(self.failure.clone()))
    }
}

/// The settings for decisions about reported failures.
#[derive(Debug, Clone, Copy)]
pub struct Judging {
    pub policy: RetryPolicy,
    /// How long a hold lasts until one message may try again.
    pub pause: Duration,
}

/// The last call, as far as it is stored.
#[derive(Debug, Clone)]
pub struct LastCall {
    /// How the message was sent; parts that are not known are empty.
    pub route: Route,
    pub country_is_known: bool,
    pub free_text: bool,
}

impl LastCall {
    /// The hold that this outcome of the call asks for; `None` also where the stored route does not tell what to
    /// hold.
    pub(super) fn hold(&self, outcome: &CallOutcome, pause: Duration) -> Option<NewHold> {
        let new = hold::after(outcome, &self.route, pause)?;
        (new.scope != Scope::Country || self.country_is_known).then_some(new)
    }
}
