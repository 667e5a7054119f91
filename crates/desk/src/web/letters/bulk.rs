//! An action on many letters: first what it would do, then the job that does it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Form};
use askama::Template;
use domain::audit::Action;
use domain::dead_letter::Standing;
use domain::ids::LetterId;
use domain::letter_job::JobAction;
use serde::Deserialize;
use store::letters::{self as stored, Filter};
use store::staff;
use url::form_urlencoded;

use super::asked::Asked;
use super::jobs::said;
use crate::actions::letters::filter::MOST_LETTERS;
use crate::actions::letters::jobs::{self, DryRun, NotMade};
use crate::actions::words::happened;
use crate::web::desk::Desk;
use crate::web::page::{self, Frame, Section};
use crate::web::problem::{Problem, sentence};
use crate::web::visitor::{Visitor, assignee};

/// How long a person waits for a dry run at most.
const DRY_RUN: Duration = Duration::from_secs(4);

#[derive(Template)]
#[template(path = "letters_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    /// `retry`, `assign` or `close`.
    action: String,
    asked: Asked,
    total: i64,
    /// Of a retry.
    dry_run: Option<DryRun>,
    /// What happened to them, the most frequent first.
    kinds: Vec<(String, i64)>,
    /// How many a member has taken, by member; without those that no one has.
    taken: Vec<(String, i64)>,
    members: Vec<String>,
}

/// What was ticked, and what for.
#[derive(Default)]
struct Picked {
    action: String,
    which: String,
    filter: String,
    letters: BTreeSet<LetterId>,
}

impl Picked {
    /// A form's field may come several times here.
    fn read(form: &str) -> Self {
        let mut picked = Self::default();
        for (key, value) in form_urlencoded::parse(form.as_bytes()) {
            match &*key {
                "action" => picked.action = value.into_owned(),
                "which" => picked.which = value.into_owned(),
                "filter" => picked.filter = value.into_owned(),
                "letter[]" => picked.letters.extend(value.parse::<LetterId>()),
                _ => {}
            }
        }
        picked
    }
}

#[derive(Deserialize)]
pub(in crate::web) struct Confirmed {
    action: String,
    filter: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    to: String,
}

/// Shows what an action would do; nothing is changed.
pub(in crate::web) async fn confirm(
    desk: Data<Desk>,
    visitor: Visitor,
    form: String,
) -> Result<HttpResponse, Problem> {
    visitor.allow(Action::LetterJobMade, None)?;
    let picked = Picked::read(&form);
    let filter = match picked.which.as_str() {
        "all" => Asked::read(&visitor, &picked.filter)?.filter,
        _ if picked.letters.is_empty() => {
            return Err(Problem::Invalid(
                "Tick a letter, or take all that match.".to_owned(),
            ));
        }
        _ if picked.letters.len() > MOST_LETTERS => {
            return Err(Problem::Invalid(format!(
                "Tick {MOST_LETTERS} letters at most, or take all that match."
            )));
        }
        _ => Filter {
            letters: picked.letters,
            ..Filter::default()
        },
    };
    let asked = Asked::of(
        &visitor,
        Filter {
            standing: Some(Standing::Open),
            ..filter
        },
    );
    let dry_run = match picked.action.as_str() {
        "retry" => {
            let context = Arc::new(desk.context());
            let run = jobs::dry_run(context, desk.broker.clone(), asked.filter.clone(), DRY_RUN);
            Some(run.await?)
        }
        "assign" | "close" => None,
        _ => return Err(Problem::Invalid("There is no such action.".to_owned())),
    };
    let filter = asked.filter.clone();
    let (kinds, taken, members) = desk
        .store
        .run(move |connection| {
            let kinds = stored::count_by_reason(connection, &filter)?;
            let taken = stored::count_by_assignee(connection, &filter)?;
            Ok((kinds, taken, staff::names_within(connection, &filter.within)?))
        })
        .await?;
    page::answer(&ConfirmPage {
        frame: Frame::new(&desk, &visitor, Section::Letters, "Letters").await?,
        action: picked.action,
        asked,
        total: kinds.iter().map(|kind| kind.count).sum(),
        dry_run,
        kinds: kinds
            .iter()
            .map(|kind| (happened(&kind.reason).to_owned(), kind.count))
            .collect(),
        taken,
        members,
    })
}

/// Makes the job.
pub(in crate::web) async fn make(
    desk: Data<Desk>,
    visitor: Visitor,
    form: Form<Confirmed>,
) -> Result<HttpResponse, Problem> {
    visitor.allow(Action::LetterJobMade, None)?;
    let asked = Asked::read(&visitor, &form.filter)?;
    let action = match form.action.as_str() {
        "retry" => JobAction::Retry,
        "close" => JobAction::Close,
        "assign" => JobAction::Assign(assignee(&form.to)?),
        _ => return Err(Problem::Invalid("There is no such action.".to_owned())),
    };
    let by = visitor.actor(desk.note(&form.note));
    match jobs::make(&desk.store, action, asked.filter, by).await {
        Ok((id, _)) => Ok(page::go(&format!("/letters/jobs/{id}"))),
        Err(NotMade::Store(error)) => Err(error.into()),
        Err(why @ (NotMade::NothingMatches | NotMade::WithoutNote)) => {
            Err(Problem::Invalid(sentence(&why.to_string())))
        }
    }
}

/// For the template: the list from which the letters come.
fn back(asked: &Asked) -> String {
    if asked.filter.letters.is_empty() {
        return asked.at("/letters");
    }
    "/letters".to_owned()
}
