//! Reads the moments of a resort: the times of the built-in kinds, and `[messages.<name>]`.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::condition::{Condition, Operand};
use domain::consent::{InboundText, RepliesTo, change_in};
use domain::message::{MessageKind, MomentName};
use domain::moment::{Moment, MomentTime, Reply};
use domain::resort::{Resort, Template};

use super::templates::{self, ByLanguage, Own, known};
use crate::document::{Entry, Table};

/// The most quick replies that Meta allows in a template.
const MOST_REPLIES: usize = 10;

/// A moment of the resort's own.
pub(super) struct OwnMoment {
    name: MomentName,
    moment: Moment,
    templates: ByLanguage<Template>,
}

/// `[messages]`
pub(super) fn own(section: &Entry<'_>, values: &Own) -> Option<Vec<OwnMoment>> {
    let entries = section.open_table()?.entries();
    let read = |(key, entry): (&str, Entry<'_>)| {
        let name = MomentName::parse(key)
            .map_err(|error| entry.refuse::<()>(error))
            .ok();
        let (moment, templates) = entry.table(|section| moment(section, values))?;
        Some(OwnMoment {
            name: name?,
            moment,
            templates,
        })
    };
    let found: Vec<OwnMoment> = entries.into_iter().filter_map(read).collect();
    let answered = |name: &MomentName| {
        found
            .iter()
            .any(|own| own.name == *name && !own.moment.replies.is_empty())
    };
    for (key, entry) in section.open_table()?.entries() {
        let own = found.iter().find(|own| own.name.as_str() == key);
        let condition = own.and_then(|own| own.moment.only_if.as_ref());
        for operand in condition.iter().flat_map(|condition| condition.operands()) {
            if let Operand::Answer(name) = operand
                && !answered(name)
            {
                entry.refuse::<()>(format_args!(
                    "asks for answer.{name}, and no moment {name} has replies"
                ));
            }
        }
    }
    Some(found)
}

fn moment(section: &Table<'_>, values: &Own) -> Option<(Moment, ByLanguage<Template>)> {
    let at = section.required("at", |entry| {
        Some((entry.parsed(str::parse::<MomentTime>)?, entry.text()?))
    });
    let category = section.required("category", |entry| {
        entry.parsed(|text| text.parse().map_err(|_| "must be \"utility\" or \"marketing\""))
    });
    let only_if = section.optional("only_if", |entry| {
        Some((condition(entry, values)?, entry.text()?))
    });
    let expires_after = section.optional("expires_after", Entry::duration);
    let replies = section.optional("replies", replies).unwrap_or_default();
    let mut templates = section
        .optional("templates", |entry| templates::by_own_language(entry, values))
        .unwrap_or_default();
    for template in templates.values_mut() {
        template.replies = replies.iter().map(|reply| reply.payload.clone()).collect();
    }
    let ((at, time), condition) = (at?, only_if.as_ref().map(|(_, text)| *text));
    let moment = Moment {
        at,
        category: category?,
        definition: [Some(time), condition]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" if "),
        only_if: only_if.map(|(condition, _)| condition),
        expires_after: expires_after.unwrap_or(Resort::MOMENT_EXPIRY),
        replies,
    };
    Some((moment, templates))
}

fn condition(entry: &Entry<'_>, values: &Own) -> Option<Condition> {
    let condition = entry.parsed(str::parse::<Condition>)?;
    let is_known = |operand: &&Operand| match operand {
        Operand::Value(value) => known(entry, values, value),
        _ => true,
    };
    // All are looked at, so that every error is noted.
    let operands = condition.operands();
    let good = operands.iter().filter(|operand| is_known(operand)).count();
    (good == operands.len()).then_some(condition)
}

fn replies(entry: &Entry<'_>) -> Option<Vec<Reply>> {
    let replies = entry.each(reply)?;
    let repeated = |(index, reply): (usize, &Reply)| {
        replies
            .iter()
            .take(index)
            .any(|before| before.payload == reply.payload)
    };
    match replies.len() {
        0 => entry.refuse("is empty: leave it out"),
        count if count > MOST_REPLIES => entry.refuse("holds more than 10 replies, which WhatsApp refuses"),
        _ if replies.iter().enumerate().any(repeated) => entry.refuse("names a payload twice"),
        _ => Some(replies),
    }
}

fn reply(entry: &Entry<'_>) -> Option<Reply> {
    if !entry.is_table() {
        let payload = payload(entry)?;
        return Some(Reply {
            payload,
            alert: false,
        });
    }
    entry.table(|table| {
        let named = table.required("payload", payload);
        let alert = table.optional("alert", Entry::flag).unwrap_or_default();
        Some(Reply {
            payload: named?,
            alert,
        })
    })
}

fn payload(entry: &Entry<'_>) -> Option<String> {
    let text = entry.text()?;
    if !Reply::is_payload(text) {
        return entry.refuse("is not 1 to 32 lower-case letters, digits and underscores");
    }
    let said = InboundText {
        text: None,
        label: None,
        payload: Some(text),
    };
    if change_in(&said, RepliesTo::Marketing).is_some() {
        return entry.refuse("is a payload by which guests stop or start marketing: choose another");
    }
    Some(text.to_owned())
}

/// The times of the built-in kinds, and what they are counted from.
pub(super) struct BuiltIn {
    pub(super) reminder_2: Option<Duration>,
    pub(super) review_after_check_out: Option<Duration>,
    pub(super) expires_after: BTreeMap<MessageKind, Duration>,
}

/// Every kind that the resort sends.
pub(super) fn all(built_in: BuiltIn, own: &[OwnMoment]) -> BTreeMap<MessageKind, Moment> {
    let mut moments = Resort::built_in_moments(built_in.reminder_2, built_in.review_after_check_out);
    for (kind, expires_after) in built_in.expires_after {
        if let Some(moment) = moments.get_mut(&kind) {
            moment.expires_after = expires_after;
        }
    }
    moments.extend(own.iter().map(|own| (own.kind(), own.moment.clone())));
    moments
}

impl OwnMoment {
    pub(super) fn kind(&self) -> MessageKind {
        MessageKind::Moment(self.name)
    }

    /// Its templates, where it has any.
    pub(super) fn templates(&self) -> Option<(MessageKind, ByLanguage<Template>)> {
        (!self.templates.is_empty()).then(|| (self.kind(), self.templates.clone()))
    }
}
