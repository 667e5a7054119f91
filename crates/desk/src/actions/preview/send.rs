//! Sends a preview to one of the resort's own test numbers, as the sender would send the message.
//!
//! No booking and no message of ours knows of it: WhatsApp's reports on it match nothing. The audit trail records it before
//! the call, so that a preview that went is never missing there; one that is recorded may not have gone.

use crypto::key_ring::KeyRing;
use domain::after_call::{Advice, CallOutcome};
use domain::audit::Action;
use domain::endpoint::Endpoint;
use domain::ids::{MessageId, ResortId};
use domain::message::{Attempt, CallbackData};
use domain::phone_number::PhoneNumber;
use domain::render::{Content, NoContent};
use domain::resort::Resort;
use service::crash;
use settings::Snapshot;
use store::audit::{self, Actor, Subject};
use store::{Store, StoreError};
use uuid::Uuid;
use whatsapp::answer::Answer;
use whatsapp::client::Client;
use whatsapp::error_codes;
use whatsapp::request::Outgoing;

use super::{PreviewedGuest, Wanted, content};
use crate::actions::context;

/// Why a preview is not sent; each says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsendable {
    #[error("the number is not one of test_numbers in resorts/{0}.toml; add it there to send previews to it")]
    NoTestNumber(String),
    #[error("the access token of {0} cannot be read here; desk config check --secrets says why")]
    NoToken(String),
    #[error(
        "WhatsApp delivers no marketing to numbers of the United States (us_marketing); use another test number"
    )]
    UsMarketing,
    #[error("this guest gets no such message ({0}); choose another with --guest, or give the value an else")]
    NotSent(&'static str),
    #[error("cannot record the preview in the audit trail; nothing was sent")]
    Audit(#[source] StoreError),
}

/// One of the resort's `test_numbers`, whatever its mode is.
pub(crate) struct TestNumber(PhoneNumber);

impl TestNumber {
    pub(crate) fn among(
        files: &Snapshot,
        resort: &ResortId,
        number: PhoneNumber,
    ) -> Result<Self, Unsendable> {
        if files.test_numbers(resort).contains(&number) {
            return Ok(Self(number));
        }
        Err(Unsendable::NoTestNumber(resort.to_string()))
    }

    pub(crate) fn masked(&self) -> String {
        self.0.masked()
    }
}

/// What a call needs beside the message.
pub(crate) struct Sending<'s> {
    pub(crate) client: &'s Client,
    pub(crate) files: &'s Snapshot,
    pub(crate) resort: &'s Resort,
    pub(crate) wanted: Wanted,
    pub(crate) store: &'s Store,
    pub(crate) ring: &'s KeyRing,
}

/// What became of a preview.
#[derive(Debug)]
pub(crate) enum PreviewCall {
    Accepted,
    /// In words, for the person who asked for it.
    NotAccepted(String),
}

impl Sending<'_> {
    pub(crate) async fn send(
        &self,
        TestNumber(to): TestNumber,
        guest: &PreviewedGuest,
        by: Actor,
    ) -> Result<PreviewCall, Unsendable> {
        let resort = &self.resort.id;
        let no_token = || Unsendable::NoToken(resort.to_string());
        let token = self.files.access_token(resort).ok_or_else(no_token)?;
        if !self.resort.is_delivered(self.wanted.kind, &to) {
            return Err(Unsendable::UsMarketing);
        }
        let content = content(self.resort, self.wanted, guest).map_err(|none| {
            Unsendable::NotSent(match none {
                NoContent::Skip(reason) => reason.as_str(),
                NoContent::TemplateMissing => "template_missing",
            })
        })?;
        self.record(&to, &content, by).await.map_err(Unsendable::Audit)?;
        let answer = self.call(to, content, token.reveal()).await;
        crash::point("desk.preview.called");
        Ok(judge(&answer))
    }

    async fn record(&self, to: &PhoneNumber, content: &Content, by: Actor) -> Result<(), StoreError> {
        let details = content.template().unwrap_or_else(|| "free text".to_owned());
        let subject = Subject {
            resort: Some(self.resort.id.clone()),
            phone_hash: Some(self.ring.lookup(to.reveal())),
            ..Subject::of(format!("{} as {details}", self.wanted.kind))
        };
        let written = context::transaction(self.store, move |connection| {
            audit::append(connection, &by, Action::PreviewSent, &subject)
        });
        written.await?;
        log::warn!(event = "preview_sent", resort = self.resort.id.as_str(), kind = self.wanted.kind.as_str(); "preview goes to a test number");
        Ok(())
    }

    async fn call(&self, to: PhoneNumber, content: Content, token: &str) -> Answer {
        let mut message = Outgoing {
            to,
            callback: CallbackData {
                message: MessageId(Uuid::now_v7()),
                attempt: Attempt(1),
            },
            endpoint: Endpoint::of(&content, self.resort.is_marketing(self.wanted.kind)),
            content,
            trace: None,
        };
        let answer = self.client.send(&self.resort.number, token, &message).await;
        let CallOutcome::Refused(refusal) = &answer.outcome else {
            return answer;
        };
        if refusal.advice != Advice::UseMessages {
            return answer;
        }
        message.endpoint = Endpoint::Messages;
        self.client.send(&self.resort.number, token, &message).await
    }
}

fn judge(answer: &Answer) -> PreviewCall {
    let note = answer.note.unwrap_or("no reason is known");
    PreviewCall::NotAccepted(match &answer.outcome {
        CallOutcome::Accepted { .. } => return PreviewCall::Accepted,
        CallOutcome::Refused(refusal) => format!(
            "WhatsApp refused it: code {} ({}); desk whatsapp check looks for the cause",
            refusal.code,
            error_codes::title(refusal.code)
        ),
        CallOutcome::Unreachable => format!("WhatsApp cannot be reached: {note}; nothing was sent"),
        CallOutcome::Intercepted => {
            let seen = answer.foreign.as_deref().unwrap_or(note);
            format!("something other than WhatsApp refused it: {seen}; nothing was sent")
        }
        CallOutcome::Failed(_) | CallOutcome::Unknown => {
            format!("it may have been sent or not: {note}; look at the phone before you try again")
        }
    })
}
