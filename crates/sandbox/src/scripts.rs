//! Scripts: which failures the sandbox plays, for which messages, and how often.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::notification::Status;
use crate::request::{Content, Endpoint, Message};

mod answer;

pub(crate) use answer::Reply;

/// The first rule that matches and is due applies; rules for one recipient come first.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    for_recipients: HashMap<String, Vec<Active>>,
    for_all: Vec<Active>,
    next_id: u64,
}

/// The body of `POST /sandbox/failures`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default)]
    when: When,
    /// How many matching messages pass first.
    #[serde(default)]
    skip: u64,
    /// Applies to every nth matching message.
    #[serde(default = "one")]
    every: u64,
    /// How often it applies; without it, always.
    #[serde(default)]
    times: Option<u64>,
    #[serde(default)]
    answer: Option<answer::Script>,
    #[serde(default)]
    notify: Option<Notify>,
}

fn one() -> u64 {
    1
}

/// What is left out matches all messages.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    phone_number_id: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    template: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    endpoint: Option<String>,
}

/// How the notifications of a message differ from the usual.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notify {
    /// The statuses in this order instead of the usual ones; none at all when empty.
    #[serde(default)]
    pub(crate) statuses: Option<Vec<Status>>,
    /// The code of a `failed` status; alone it makes `failed` the only status.
    #[serde(default)]
    pub(crate) error: Option<i64>,
    /// The delay of the first one.
    #[serde(default)]
    pub(crate) after_ms: u64,
    /// The time between the `statuses`.
    #[serde(default)]
    pub(crate) every_ms: u64,
    /// How often each is sent.
    #[serde(default)]
    pub(crate) copies: Option<u32>,
    /// How many are sent together in one request.
    #[serde(default)]
    pub(crate) batch: Option<usize>,
    /// The first one is sent before the message's own answer.
    #[serde(default)]
    pub(crate) before_answer: bool,
    /// Before each one a copy with a wrong signature is sent.
    #[serde(default)]
    pub(crate) forged_first: bool,
    /// Guests are named by a user id instead of their phone number.
    #[serde(default)]
    pub(crate) without_phone: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Effect {
    pub(crate) reply: Reply,
    pub(crate) answer_after: Duration,
    pub(crate) notify: Option<Notify>,
}

#[derive(Debug)]
struct Active {
    id: u64,
    rule: Rule,
    seen: u64,
    acted: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Progress {
    id: u64,
    matched: u64,
    acted: u64,
    used_up: bool,
}

impl Rule {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.every == 0 {
            return Err("every: is at least 1".to_owned());
        }
        if self.answer.is_none() && self.notify.is_none() {
            return Err("answer or notify: one of them is needed".to_owned());
        }
        if self
            .notify
            .as_ref()
            .is_some_and(|notify| notify.batch.is_some_and(|size| !(1..=1000).contains(&size)))
        {
            return Err("notify.batch: is between 1 and 1000".to_owned());
        }
        self.answer.as_ref().map_or(Ok(()), answer::Script::check)
    }
}

impl Scripts {
    /// Returns the rule's id.
    pub(crate) fn add(&mut self, rule: Rule) -> u64 {
        self.next_id += 1;
        let list = match &rule.when.to {
            Some(to) => self.for_recipients.entry(to.clone()).or_default(),
            None => &mut self.for_all,
        };
        list.push(Active {
            id: self.next_id,
            rule,
            seen: 0,
            acted: 0,
        });
        self.next_id
    }

    pub(crate) fn clear(&mut self) {
        *self = Self {
            next_id: self.next_id,
            ..Self::default()
        };
    }

    pub(crate) fn progress(&self) -> Vec<Progress> {
        let mut list: Vec<_> = self
            .for_recipients
            .values()
            .flatten()
            .chain(&self.for_all)
            .map(Active::progress)
            .collect();
        list.sort_by_key(|progress| progress.id);
        list
    }

    pub(crate) fn effect(&mut self, number: &str, endpoint: Endpoint, message: &Message) -> Effect {
        let recipient = message.recipient.name();
        let for_recipient = self.for_recipients.get_mut(&recipient);
        for active in for_recipient.into_iter().flatten().chain(&mut self.for_all) {
            if active.rule.when.fits(number, endpoint, message) && active.is_due() {
                return active.rule.effect();
            }
        }
        Effect::default()
    }
}

impl When {
    fn fits(&self, number: &str, endpoint: Endpoint, message: &Message) -> bool {
        let (kind, template, language) = match &message.content {
            Content::Text(_) => ("text", None, None),
            Content::Template { name, language, .. } => ("template", Some(name), Some(language)),
        };
        self.phone_number_id
            .as_deref()
            .is_none_or(|wanted| wanted == number)
            && self
                .endpoint
                .as_deref()
                .is_none_or(|wanted| wanted == endpoint.as_str())
            && self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self
                .template
                .as_ref()
                .is_none_or(|wanted| Some(wanted) == template)
            && self
                .language
                .as_ref()
                .is_none_or(|wanted| Some(wanted) == language)
    }
}

impl Rule {
    fn effect(&self) -> Effect {
        let (reply, answer_after) = match &self.answer {
            Some(script) => (script.reply(), script.after()),
            None => (Reply::default(), Duration::ZERO),
        };
        Effect {
            reply,
            answer_after,
            notify: self.notify.clone(),
        }
    }
}

impl Active {
    /// Counts a matching message; returns whether the rule applies to it.
    fn is_due(&mut self) -> bool {
        self.seen += 1;
        let after_skipped = self.seen.saturating_sub(self.rule.skip);
        let due = after_skipped > 0 && after_skipped.is_multiple_of(self.rule.every) && !self.used_up();
        self.acted += u64::from(due);
        due
    }

    fn used_up(&self) -> bool {
        self.rule.times.is_some_and(|times| self.acted >= times)
    }

    fn progress(&self) -> Progress {
        Progress {
            id: self.id,
            matched: self.seen,
            acted: self.acted,
            used_up: self.used_up(),
        }
    }
}
