//! What WhatsApp reports of a message after it has accepted it, and what a failure among that is judged by.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::after_call::{Advice, CallOutcome, Refusal, RetryPolicy, Scope};
use crate::guest::GuestName;
use crate::hold::{self, NewHold, Route};
use crate::ids::WhatsAppMessageId;
use crate::message::{CallbackData, DeliveryStatus};

/// What WhatsApp reports of a message.
#[derive(Debug, Clone)]
pub struct Report {
    /// The call, where the report names one of ours.
    pub callback: Option<CallbackData>,
    /// WhatsApp's name of the message.
    pub whatsapp_id: WhatsAppMessageId,
    /// How far it came.
    pub status: DeliveryStatus,
    /// When, by WhatsApp's clock.
    pub at: DateTime<Utc>,
    /// Why it failed, where WhatsApp says so.
    pub failure: Option<Refusal>,
    /// How WhatsApp names the guest who was called.
    pub names: Vec<GuestName>,
}

impl Report {
    /// Whether the message failed because the guest refuses marketing.
    pub fn refuses_marketing(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|refusal| refusal.advice == Advice::OptOut)
    }

    /// What the call came to, where it failed after all.
    pub fn failed(&self) -> Option<CallOutcome> {
        (self.status == DeliveryStatus::Failed).then(|| CallOutcome::Failed(self.failure.clone()))
    }
}

/// How failures that are reported are judged.
#[derive(Debug, Clone, Copy)]
pub struct Judging {
    /// How often a message is tried.
    pub policy: RetryPolicy,
    /// How long a hold lasts until one message may try again.
    pub pause: Duration,
}

/// What was called for last, as far as it is stored.
#[derive(Debug, Clone)]
pub struct Called {
    /// How it went; the parts that are not known are left out.
    pub route: Route,
    /// Whether the guest's country is known.
    pub country_is_known: bool,
    /// Whether free text was sent, not a template.
    pub free_text: bool,
}

impl Called {
    /// What has to be held after a call of which this came. `None` also where it is not known what was called for.
    pub(super) fn hold(&self, outcome: &CallOutcome, pause: Duration) -> Option<NewHold> {
        let new = hold::after(outcome, &self.route, pause)?;
        (new.scope != Scope::Country || self.country_is_known).then_some(new)
    }
}
