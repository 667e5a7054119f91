//! What a retry of one letter would do, in plain words, for the person who is about to ask for it.

use chrono::{DateTime, Utc};
use domain::dead_letter::DeadLetterReason;
use domain::message::MessageKind;
use domain::resort::Language;
use store::letters::{self, Letter};
use store::{StoreError, pool};

use super::show::Details;
use super::tried::word;
use crate::actions::context::Context;
use crate::actions::words;

/// A sentence about a retry at this moment. Nothing is changed, and no row is locked.
pub(crate) async fn of_retry(
    context: &Context,
    letter: &Letter,
    details: &Details,
) -> Result<String, StoreError> {
    let kind = details.letter.message_kind.as_deref();
    let Some(kind) = kind.and_then(|kind| kind.parse::<MessageKind>().ok()) else {
        return Ok(of_event(details));
    };
    let judged = letter.clone();
    let (now, refused) = context
        .transaction(move |connection, planner| {
            let judged = letters::judge_all(connection, planner, std::slice::from_ref(&judged))?;
            let refused = judged.into_values().find_map(Result::err);
            Ok((pool::clock(connection)?, refused))
        })
        .await?;
    Ok(match refused.as_ref().map(word) {
        Some(word) => format!(
            "A retry would be refused now. {}",
            words::outcome(word).unwrap_or(word)
        ),
        None => sends(context, letter, details, kind, now),
    })
}

fn of_event(details: &Details) -> String {
    let letter = &details.letter;
    let source = letter.source.as_deref().unwrap_or("the source");
    if letter.reason == DeadLetterReason::Unmappable.as_str() {
        return format!("Retry reads the platform’s request again, with the file that {source} has now.");
    }
    "Retry hands the platform’s report to Bellhop again, unchanged. It counts once, however often it is retried."
        .to_owned()
}

/// `Retry sends the first reminder again now, to +30•••••••680, as the WhatsApp template reminder_1.`
fn sends(
    context: &Context,
    letter: &Letter,
    details: &Details,
    kind: MessageKind,
    now: DateTime<Utc>,
) -> String {
    let resort = letter.resort.as_ref().and_then(|id| context.resort(id));
    let guest = details.guest.as_ref();
    let language = guest.and_then(|guest| Language::parse(guest.language.as_deref()?));
    let template = resort
        .as_ref()
        .and_then(|resort| resort.template(kind, language.as_ref()))
        .map(|(_, template)| format!(", as the WhatsApp template {}", template.name));
    let quiet_until = resort
        .as_ref()
        .map(|resort| resort.may_go_at(kind, now).with_timezone(&resort.time_zone))
        .filter(|at| *at > now);
    let when = quiet_until.map_or_else(
        || "now".to_owned(),
        |at| format!("when quiet hours end ({})", at.format("%Y-%m-%d %H:%M %Z")),
    );
    let to = guest
        .and_then(|guest| guest.phone.as_deref())
        .map(|phone| format!(", to {phone}"));
    let warning = match letter.reason == DeadLetterReason::OutcomeUnknown.as_str() {
        true => " The guest may get it twice.",
        false => "",
    };
    format!(
        "Retry sends the {} again {when}{}{}.{warning}",
        words::kind(kind),
        to.unwrap_or_default(),
        template.unwrap_or_default(),
    )
}
