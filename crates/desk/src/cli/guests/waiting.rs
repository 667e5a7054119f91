//! `desk guests waiting`, `desk guests resume`

use chrono::{DateTime, Utc};
use domain::staff::Scope;
use serde::Serialize;
use service::Environment;

use super::super::{Answer, output, table};
use super::{SubjectArgs, refuse};
use crate::actions::conversations;
use crate::actions::guests::{self, Resumed};
use crate::settings;

/// More than anyone answers before looking again.
const AT_MOST: i64 = 1_000;

#[derive(Debug, Serialize)]
struct View {
    resort: String,
    /// The guest's newest booking at the resort.
    booking: Option<String>,
    /// When they wrote last.
    replied_at: DateTime<Utc>,
    /// When they wrote the first message that nobody has answered.
    since: DateTime<Utc>,
    assignee: Option<String>,
    /// They do not count as waiting until then, unless they write again.
    snoozed_until: Option<DateTime<Utc>>,
}

pub(super) async fn list(json: bool, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let store = read.finish_with(|| store)?;
    let waiting = conversations::waiting(&store, Scope::All, AT_MOST).await?;
    let views: Vec<View> = waiting
        .into_iter()
        .map(|one| View {
            resort: one.resort,
            booking: one.booking,
            replied_at: one.replied_at,
            since: one.since,
            assignee: one.assignee,
            snoozed_until: one.snoozed_until,
        })
        .collect();
    if json {
        output::print_json(&views)?;
    } else if views.is_empty() {
        output::print("nobody waits for an answer")?;
    } else {
        let row = |view: &View| {
            [
                table::instant(view.since),
                view.resort.clone(),
                view.booking.clone().unwrap_or_else(|| "-".to_owned()),
                view.assignee.clone().unwrap_or_else(|| "-".to_owned()),
                view.snoozed_until.map(table::instant).unwrap_or_default(),
            ]
        };
        let heads = ["since", "resort", "booking", "assignee", "snoozed until"];
        output::print(&table::headed(heads, views.iter().map(row)))?;
    }
    Ok(Answer::Done)
}

pub(super) async fn resume(subject: SubjectArgs, environment: &Environment) -> anyhow::Result<Answer> {
    let (context, by, person) = subject.open(environment).await?;

    match guests::resume(&context, &person, by).await? {
        Resumed::Done(resorts) if resorts.is_empty() => {
            output::print(&format!("{person}: nothing was paused"))?;
        }
        Resumed::Done(resorts) => {
            for resort in resorts {
                output::print(&format!("{person}: reminders from {resort} may go again"))?;
            }
        }
        Resumed::NotFound(why) => {
            refuse(&person, &why);
            return Ok(Answer::Refused);
        }
    }
    Ok(Answer::Done)
}
