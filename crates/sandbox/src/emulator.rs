//! The handling of one message: check, limits, scripts, acceptance, notifications.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use serde_json::{Value, json};
use service::metrics::IntCounterVec;
use tokio::runtime::Handle;

use crate::account::Account;
use crate::clock::{Clock, Millis};
use crate::conversations::Conversations;
use crate::graph::GraphError;
use crate::journal::{Entry, Journal, Tracked};
use crate::limits::Limits;
use crate::media::Files;
use crate::notification::Taken;
use crate::outbox::Outbox;
use crate::request::{self, Content, Message, Recipient};
use crate::scripts::{Effect, Notify, Reply, Scripts};
use crate::settings::Settings;
use crate::templates::{Category, Templates};
use crate::wamid::Wamids;

mod call;
mod guest;
mod report;
pub(crate) mod token;

pub(crate) use call::{Answer, Call, Outcome};
use report::Plan;

/// From this version on notifications contain no conversation.
const WITHOUT_CONVERSATION: u32 = 24;
const NO_OPEN_WINDOW: i64 = 131_047;
const MARKETING_STOPPED: i64 = 131_050;

/// The sandbox's whole state.
pub(crate) struct Emulator {
    pub(crate) settings: Settings,
    pub(crate) templates: RwLock<Templates>,
    pub(crate) journal: Journal,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) clock: Clock,
    pub(crate) wamids: Wamids,
    pub(crate) account: Mutex<Account>,
    /// That guests sent.
    pub(crate) files: Mutex<Files>,
    scripts: Mutex<Scripts>,
    limits: Mutex<Limits>,
    conversations: Mutex<Conversations>,
    calls: IntCounterVec,
    /// Two messages may have the same time.
    order: AtomicU64,
    runtime: Handle,
}

impl Emulator {
    pub(crate) fn new(settings: Settings, outbox: Outbox, calls: IntCounterVec) -> Self {
        Self {
            templates: RwLock::new(settings.templates.clone()),
            settings,
            journal: Journal::default(),
            outbox: Arc::new(outbox),
            clock: Clock::default(),
            wamids: Wamids::new(),
            account: Mutex::default(),
            files: Mutex::default(),
            scripts: Mutex::default(),
            limits: Mutex::default(),
            conversations: Mutex::default(),
            calls,
            order: AtomicU64::default(),
            runtime: Handle::current(),
        }
    }

    /// Handles a call; only the delay of its answer is left to the caller.
    pub(crate) fn receive(self: &Arc<Self>, call: &Call<'_>) -> Outcome {
        let now = self.clock.now();
        let body = serde_json::from_slice(call.body);
        let mut entry = Entry::sketch(now, call.path, call.number, body.as_ref().unwrap_or(&Value::Null));
        entry.traceparent = call.traceparent.map(str::to_owned);
        let judged = body
            .map_err(|_| GraphError::because(100, "The request body is not valid JSON."))
            .and_then(|body| self.judge(call, &body, now));
        let (
            message,
            Effect {
                reply,
                answer_after,
                notify,
            },
        ) = match judged {
            Ok(judged) => judged,
            Err(error) => return self.refuse(entry, error, Duration::ZERO),
        };
        entry.show(&message);
        let notify = notify.unwrap_or_default();
        let outcome = match reply {
            Reply::Refused(error) => return self.refuse(entry, error, answer_after),
            Reply::Taken { message_status } => {
                entry.message_status = message_status;
                self.take(call, entry, message, notify)
            }
            Reply::Garbage {
                status,
                body,
                accepted,
            } => {
                let answer = Answer::Garbage { status, body };
                self.hide(call, entry, accepted.then_some((message, notify)), answer)
            }
            Reply::Cut { accepted } => {
                self.hide(call, entry, accepted.then_some((message, notify)), Answer::Cut)
            }
        };
        Outcome {
            after: answer_after,
            ..outcome
        }
    }

    /// Returns to the state after the start.
    pub(crate) fn clear(&self) {
        self.journal.clear();
        self.outbox.clear();
        self.scripts().clear();
        *service::lock(&self.account) = Account::default();
        *service::lock(&self.files) = Files::default();
        *self.limits() = Limits::default();
        *self.conversations() = Conversations::default();
        *self.templates.write().unwrap_or_else(PoisonError::into_inner) = self.settings.templates.clone();
        self.clock.reset();
    }

    pub(crate) fn scripts(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn conversations(&self) -> MutexGuard<'_, Conversations> {
        self.conversations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, call: &Call<'_>, body: &Value, now: Millis) -> Result<(Message, Effect), GraphError> {
        token::check(call.authorization, self.settings.tokens.as_ref())?;
        let known = |numbers: &HashSet<String>| numbers.contains(call.number);
        if !self.settings.numbers.as_ref().is_none_or(known) {
            return Err(GraphError::unknown_number(call.number));
        }
        let message = {
            let templates = self.templates.read().unwrap_or_else(PoisonError::into_inner);
            request::check(body, call.endpoint, &templates)?
        };
        call.endpoint.check(&message, major(call.version))?;
        self.limits().take(call.number, &message.recipient.name(), now)?;
        let effect = self.scripts().effect(call.number, call.endpoint, &message);
        Ok((message, effect))
    }

    fn refuse(&self, mut entry: Entry, error: GraphError, after: Duration) -> Outcome {
        self.count("refused");
        entry.error_code = Some(error.code);
        self.journal.push(entry);
        Outcome {
            answer: Answer::Refused(error),
            after,
            first_report: None,
        }
    }

    /// Accepts or loses the message, without a proper answer.
    fn hide(
        self: &Arc<Self>,
        call: &Call<'_>,
        mut entry: Entry,
        taken: Option<(Message, Notify)>,
        answer: Answer,
    ) -> Outcome {
        entry.answered = false;
        if let Some((message, notify)) = taken {
            return Outcome {
                answer,
                ..self.take(call, entry, message, notify)
            };
        }
        self.count("lost");
        self.journal.push(entry);
        Outcome {
            answer,
            after: Duration::ZERO,
            first_report: None,
        }
    }

    fn take(
        self: &Arc<Self>,
        call: &Call<'_>,
        mut entry: Entry,
        message: Message,
        notify: Notify,
    ) -> Outcome {
        self.count("taken");
        let guest = message.recipient.name();
        let wamid = self.wamids.outbound(&guest);
        let usual_status = match &message.content {
            Content::Text(_) => None,
            Content::Template { .. } => Some("accepted".to_owned()),
        };
        let category = call.endpoint.pricing_category(&message.content);
        let refusal = self.refusal_by_notification(call.number, &message);
        self.conversations().we_wrote(call.number, &guest);
        entry.accepted = true;
        entry.order = self.next();
        entry.wamid = Some(wamid.clone());
        entry.message_status = entry.message_status.or(usual_status);
        let spelling = match &message.recipient {
            Recipient::Phone { digits, .. } => self.conversations().spelling_of(digits),
            Recipient::User { .. } => String::new(),
        };
        let answer = answer_to_taken(
            &message.recipient,
            &spelling,
            &wamid,
            entry.message_status.as_deref(),
        );
        let taken = Arc::new(Taken {
            wamid,
            number: call.number.to_owned(),
            recipient: message.recipient,
            spelling,
            callback_data: message.callback_data,
            category,
            with_conversation: major(call.version).is_some_and(|version| version < WITHOUT_CONVERSATION),
            without_phone: notify.without_phone,
        });
        entry.taken = Some(taken.clone());
        let place = self.journal.push(entry);
        let plan = Plan::new(&self.settings.status_times, notify, refusal);
        Outcome {
            answer,
            after: Duration::ZERO,
            first_report: self.report(Tracked { place, taken }, plan),
        }
    }

    /// The code with which WhatsApp reports that it did not deliver a message that it has accepted.
    fn refusal_by_notification(&self, number: &str, message: &Message) -> Option<i64> {
        let now = self.clock.now();
        let guest = message.recipient.name();
        let conversations = self.conversations();
        match &message.content {
            Content::Text(_) => (!conversations.is_open(number, &guest, now)).then_some(NO_OPEN_WINDOW),
            Content::Template { category, .. } => (*category == Category::Marketing
                && !conversations.wants_marketing(&guest))
            .then_some(MARKETING_STOPPED),
        }
    }

    /// The next place among everything that was accepted or written.
    fn next(&self) -> u64 {
        self.order.fetch_add(1, Ordering::Relaxed)
    }

    fn count(&self, result: &str) {
        self.calls.with_label_values(&[result]).inc();
    }
}

fn answer_to_taken(
    recipient: &Recipient,
    spelling: &str,
    wamid: &str,
    message_status: Option<&str>,
) -> Answer {
    let contact = match recipient {
        Recipient::Phone { input, .. } => json!({ "input": input, "wa_id": spelling }),
        Recipient::User { id } => json!({ "input": id, "user_id": id }),
    };
    let message = match message_status {
        Some(status) => json!({ "id": wamid, "message_status": status }),
        None => json!({ "id": wamid }),
    };
    Answer::Taken { contact, message }
}

/// The first number of `v25.0`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}
