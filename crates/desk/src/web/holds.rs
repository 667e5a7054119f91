//! `/holds`: what is held and why, pauses, and their end.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form, Query};
use askama::Template;
use domain::audit::Action;
use domain::hold::Coverage;
use domain::ids::{NumberId, ResortId};
use domain::message::MessageKind;
use serde::Deserialize;

use super::desk::Desk;
use super::page::{self, Done, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::holds::{self, HoldView};
use crate::actions::names;

#[derive(Template)]
#[template(path = "holds.html")]
struct HoldsPage {
    frame: Frame,
    holds: Vec<HoldView>,
    /// That the member may pause.
    resorts: Vec<String>,
    kinds: Vec<String>,
    without_template: i64,
}

#[derive(Deserialize)]
pub(super) struct Pause {
    resort: String,
    kind: String,
    number: String,
    note: String,
}

#[derive(Deserialize)]
pub(super) struct Resume {
    hold: String,
    note: String,
}

pub(super) async fn list(
    desk: Data<Desk>,
    visitor: Visitor,
    done: Query<Done>,
) -> Result<HttpResponse, Problem> {
    let files = desk.files.current();
    let resorts = files.resorts();
    let theirs = resorts.filter(|resort| visitor.access().reaches(Some(&resort.id)).is_ok());
    let theirs: Vec<_> = theirs.cloned().collect();
    let mut kinds: Vec<MessageKind> = theirs
        .iter()
        .flat_map(|resort| resort.moments.keys().copied())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    page::answer(&HoldsPage {
        frame: Frame::new(&desk, &visitor, Section::Holds, "Holds")
            .await?
            .with_notice(done.sentence()),
        holds: visible(&desk, &visitor).await?,
        resorts: theirs.iter().map(|resort| resort.id.to_string()).collect(),
        kinds: kinds.iter().map(ToString::to_string).collect(),
        without_template: desk.store.run(store::holds::count_without_template).await?,
    })
}

/// The holds of the member's resorts; one of no resort concerns theirs too.
pub(super) async fn visible(desk: &Desk, visitor: &Visitor) -> Result<Vec<HoldView>, Problem> {
    let mut found = holds::list(&desk.store, None).await?;
    found.retain(|hold| {
        let resort = hold.resort.as_deref().and_then(|id| ResortId::parse(id).ok());
        resort.is_none() || visitor.access().reaches(resort.as_ref()).is_ok()
    });
    Ok(found)
}

pub(super) async fn pause(
    desk: Data<Desk>,
    visitor: Visitor,
    form: Form<Pause>,
) -> Result<HttpResponse, Problem> {
    let coverage = coverage(&form)?;
    visitor.allow(Action::Paused, coverage.resort.as_ref())?;
    if let Some(number) = &coverage.number {
        let files = desk.files.current();
        names::check_number(&desk.store, Some(&files), number).await?;
    }
    let by = visitor.actor(desk.note(&form.note));
    let before = holds::pause(&desk.store, coverage, by).await?;
    Ok(page::go(match before {
        None => "/holds?done=paused",
        Some(_) => "/holds?done=was_paused",
    }))
}

fn coverage(form: &Pause) -> Result<Coverage, Problem> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let resort = given(&form.resort).map(|id| ResortId::parse(&id)).transpose();
    let number = given(&form.number).map(|id| NumberId::parse(&id)).transpose();
    let kind = given(&form.kind)
        .map(|kind| kind.parse::<MessageKind>())
        .transpose();
    Ok(Coverage {
        resort: resort.map_err(|_| Problem::Invalid("There is no such resort.".to_owned()))?,
        number: number.map_err(|_| Problem::Invalid("That is no id of a business number.".to_owned()))?,
        kind: kind.map_err(|_| Problem::Invalid("There is no such kind of message.".to_owned()))?,
        ..Coverage::default()
    })
}

pub(super) async fn resume(
    desk: Data<Desk>,
    visitor: Visitor,
    form: Form<Resume>,
) -> Result<HttpResponse, Problem> {
    let Resume { hold, note } = form.into_inner();
    let by = visitor.actor(desk.note(&note));
    let ended = holds::end(&desk.store, hold, by).await?;
    Ok(page::go(if ended {
        "/holds?done=resumed"
    } else {
        "/holds?done=was_resumed"
    }))
}
