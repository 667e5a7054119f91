//! What all pages have around them, and how they are answered.

use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, LOCATION, REFRESH};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::staff::Role;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use store::guests::Waiting;
use store::letters::{self, Filter, Standing};
use store::pool;

use super::desk::Desk;
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::conversations;

/// Seconds for which a revealed value is shown.
const SHOWN_FOR: u8 = 60;

/// Guests that are counted at most.
const MOST_WAITING: i64 = 1_000;

/// The frame of a page, in `templates/layout.html`.
pub(super) struct Frame {
    /// Of the page, without the counts before it.
    pub(super) title: &'static str,
    /// The entry of the menu that is the present one.
    pub(super) section: Section,
    pub(super) member: String,
    pub(super) role: Role,
    /// Sees what belongs to no single resort.
    pub(super) sees_everything: bool,
    /// Whether they signed in here, and so can sign out.
    pub(super) has_session: bool,
    /// Open dead letters, of the member's resorts.
    pub(super) letters: i64,
    /// Guests who wait for an answer, of the member's resorts: the longest first, and those whose conversation rests last.
    pub(super) waiting: Vec<Waiting>,
    /// What has just been done, as a sentence.
    pub(super) notice: Option<String>,
    /// By the database's clock; ages are counted from it.
    pub(super) now: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Attention,
    Letters,
    Guests,
    Holds,
    Sources,
    Report,
    Audit,
    Settings,
    /// Not in the menu.
    Other,
}

impl Frame {
    pub(super) async fn new(
        desk: &Desk,
        visitor: &Visitor,
        section: Section,
        title: &'static str,
    ) -> Result<Self, Problem> {
        let open = Filter {
            standing: Some(Standing::Open),
            within: visitor.access().scope.clone(),
            ..Filter::default()
        };
        let read = desk
            .store
            .run(move |connection| Ok((pool::clock(connection)?, letters::extent(connection, &open)?)));
        let (now, (letters, _)) = read.await?;
        let scope = visitor.access().scope.clone();
        let waiting = conversations::waiting(&desk.store, scope, MOST_WAITING).await?;
        Ok(Self {
            title,
            section,
            member: visitor.identity.name.to_string(),
            role: visitor.access().role,
            sees_everything: visitor.access().reaches(None).is_ok(),
            has_session: visitor.session.is_some(),
            letters,
            waiting,
            notice: None,
            now,
        })
    }

    #[must_use]
    pub(super) fn with_notice(self, notice: Option<String>) -> Self {
        Self { notice, ..self }
    }

    /// For the template's menu.
    pub(super) fn is(&self, section: Section) -> bool {
        self.section == section
    }

    pub(super) fn may_decide(&self) -> bool {
        self.role >= Role::Support
    }

    /// How many guests wait now: not those whose conversation rests.
    pub(super) fn waits(&self) -> i64 {
        let waits = self.waiting.iter().filter(|one| one.snoozed_until.is_none());
        i64::try_from(waits.count()).unwrap_or(i64::MAX)
    }

    /// What waits, before the title, so that a tab in the background shows it.
    pub(super) fn counts(&self) -> String {
        match self.letters + self.waits() {
            0 => String::new(),
            waiting => format!("({waiting}) "),
        }
    }

    /// How long ago, in one unit, as people say it.
    pub(super) fn ago(&self, at: &DateTime<Utc>) -> String {
        let passed = self.now - *at;
        if passed < TimeDelta::zero() {
            return format!("in {}", span(-passed));
        }
        match passed.num_seconds() {
            0..10 => "just now".to_owned(),
            _ => format!("{} ago", span(passed)),
        }
    }
}

/// What was done before the browser was sent to this page: `?done=paused`. Anything else says nothing, so that nobody can
/// make a page say what they want.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

/// The words of `?done=` and their sentences.
const DONE: [(&str, &str); 22] = [
    (
        "opened",
        "The conversation is open for 15 minutes. The audit trail records that you looked.",
    ),
    ("answered", "Your answer is on its way."),
    ("assigned", "The conversation is assigned."),
    (
        "snoozed",
        "The conversation is snoozed until then, unless the guest writes again.",
    ),
    (
        "closed",
        "The conversation is closed, until the guest writes again.",
    ),
    ("reminders_resumed", "The guest gets reminders again."),
    ("withdrawn", "The message will not be sent."),
    ("sent_now", "The message is sent now."),
    (
        "paused",
        "Paused. The messages wait until someone ends the pause.",
    ),
    ("was_paused", "That is paused already."),
    (
        "resumed",
        "The hold has ended; its messages are sent at the usual pace.",
    ),
    ("was_resumed", "That hold had ended already."),
    ("retried", "It is queued again."),
    (
        "corrected",
        "The number is corrected. The letter stays open until it is retried.",
    ),
    (
        "corrected_and_retried",
        "The number is corrected, and the message is queued again.",
    ),
    ("settled_as_sent", "It is settled: the guest has the message."),
    (
        "settled_as_not_sent",
        "It is settled: the guest does not have the message, and it is not sent again.",
    ),
    ("letter_closed", "It is closed."),
    ("letter_assigned", "It is assigned."),
    (
        "letter_given_up",
        "It is handed back: colleagues see that no one works on it.",
    ),
    (
        "job_cancelled",
        "The job is stopped. Letters that are decided stay as they are.",
    ),
    ("job_was_over", "The job was over already."),
];

impl Done {
    pub(super) fn sentence(&self) -> Option<String> {
        let word = self.done.as_deref()?;
        let known = DONE.iter().find(|(known, _)| *known == word);
        known.map(|(_, sentence)| (*sentence).to_owned())
    }
}

/// The address of a booking's page.
pub(super) fn booking_path(resort: &str, booking: &str) -> String {
    let segment = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!("/bookings/{}/{}", segment(resort), segment(booking))
}

/// `3 min`, `5 h`, `2 days`.
pub(super) fn span(passed: TimeDelta) -> String {
    let (seconds, minutes, hours) = (passed.num_seconds(), passed.num_minutes(), passed.num_hours());
    match (seconds, minutes, hours) {
        (..60, ..) => format!("{seconds} s"),
        (_, ..60, _) => format!("{minutes} min"),
        (.., ..48) => format!("{hours} h"),
        _ => format!("{} days", passed.num_days()),
    }
}

/// A word of a table, as people write it.
pub(super) fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

/// For `datetime` of `<time>`.
pub(super) fn machine(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// For people: `2026-11-29 14:05:09 UTC`.
pub(super) fn exact(at: &DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

pub(super) fn answer(page: &impl Template) -> Result<HttpResponse, Problem> {
    Ok(fill(&mut HttpResponse::Ok(), page))
}

pub(super) fn fill(response: &mut HttpResponseBuilder, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(text) => response.content_type(ContentType::html()).body(text),
        Err(error) => {
            log::error!(event = "page_failed", error = service::chain(&error); "a page could not be made");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// A page with a revealed value: a minute later the browser loads it again, without the value.
///
/// This works without a script. Axe forbids the same as `<meta>`, which it finds; WCAG 2.2.1 allows a limit that is essential.
pub(super) fn reload_in_a_minute(response: &mut HttpResponseBuilder, path: &str) {
    response.insert_header((REFRESH, format!("{SHOWN_FOR}; url={path}")));
}

/// After a form: the browser loads the page with GET, so that reloading it changes nothing.
pub(super) fn go(to: &str) -> HttpResponse {
    HttpResponse::build(StatusCode::SEE_OTHER)
        .insert_header((LOCATION, to))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_largest_unit() {
        let said =
            [0, 59, 60, 3_599, 3_600, 172_799, 172_800].map(|seconds| span(TimeDelta::seconds(seconds)));

        assert_eq!(said, ["0 s", "59 s", "1 min", "59 min", "1 h", "47 h", "2 days"]);
    }
}
