//! `/letters/jobs`: what is done with many letters, and how far it is.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use domain::audit::Action;

use super::asked::Asked;
use crate::actions::letters::jobs::{self, JobView};
use crate::actions::words;
use crate::web::desk::Desk;
use crate::web::page::{self, Done, Frame, Section};
use crate::web::problem::Problem;
use crate::web::visitor::Visitor;

/// How many jobs are listed.
const MOST: i64 = 50;

#[derive(Template)]
#[template(path = "letter_jobs.html")]
struct JobsPage {
    frame: Frame,
    jobs: Vec<JobView>,
}

#[derive(Template)]
#[template(path = "letter_job.html")]
struct JobPage {
    frame: Frame,
    job: JobView,
    /// The letters that it is about; `None`: they are a guest's, who is in no address.
    letters: Option<String>,
}

impl JobPage {
    fn is_running(&self) -> bool {
        self.job.state == "running"
    }
}

/// Its counts and its filter tell of every resort that its maker works for: members of some resorts see their own alone.
fn is_visible(visitor: &Visitor, job: &JobView) -> bool {
    visitor.access().reaches(None).is_ok() || job.made_by == visitor.identity.name.as_str()
}

async fn load(desk: &Desk, visitor: &Visitor, id: i64) -> Result<JobView, Problem> {
    let found = jobs::find(&desk.store, id).await?;
    found
        .filter(|job| is_visible(visitor, job))
        .ok_or(Problem::NotFound)
}

pub(in crate::web) async fn list(desk: Data<Desk>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let mut jobs = jobs::list(&desk.store, MOST).await?;
    jobs.retain(|job| is_visible(&visitor, job));
    page::answer(&JobsPage {
        frame: Frame::new(&desk, &visitor, Section::Letters, "Jobs").await?,
        jobs,
    })
}

pub(in crate::web) async fn show(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
    done: Query<Done>,
) -> Result<HttpResponse, Problem> {
    let job = load(&desk, &visitor, *id).await?;
    let asked = Asked::read(&visitor, &format!("{}&state=all", job.filter)).ok();
    let asked = asked.filter(|asked| asked.filter.guest.is_none());
    page::answer(&JobPage {
        frame: Frame::new(&desk, &visitor, Section::Letters, "Job")
            .await?
            .with_notice(done.sentence()),
        letters: asked.map(|asked| asked.at("/letters")),
        job,
    })
}

pub(in crate::web) async fn cancel(
    desk: Data<Desk>,
    visitor: Visitor,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let job = load(&desk, &visitor, *id).await?;
    visitor.allow(Action::LetterJobCancelled, None)?;
    let cancelled = jobs::cancel(&desk.store, job.id, visitor.actor(None)).await?;
    let done = if cancelled {
        "job_cancelled"
    } else {
        "job_was_over"
    };
    Ok(page::go(&format!("/letters/jobs/{}?done={done}", job.id)))
}

/// What is done, in words.
fn told(job: &JobView) -> String {
    match (job.action, &job.assignee) {
        (Some("assign"), Some(name)) => format!("assign to {name}"),
        (Some("assign"), None) => "assign to nobody".to_owned(),
        (Some(action), _) => action.to_owned(),
        (None, _) => "of a newer program".to_owned(),
    }
}

/// Why letters were left, by the word in counts.
pub(super) fn said(word: &str) -> String {
    words::outcome(word).map_or_else(|| word.replace('_', " "), ToOwned::to_owned)
}
