//! `/holds`: what is held and why, pauses, and their end.

use actix_web::HttpResponse;
use actix_web::web::{Data, Form, Query};
use askama::Template;
use domain::audit::Action;
use domain::hold::Coverage;
use domain::ids::{NumberId, ResortId};
use domain::message::MessageKind;
use domain::staff::Scope;
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
    let without_template = match visitor.access().scope.clone() {
        Scope::All => desk.store.run(store::holds::count_without_template).await?,
        Scope::Resorts(resorts) => {
            let counts = desk
                .store
                .run(move |connection| store::holds::count_of_resorts(connection, &resorts));
            counts.await?.remove(&None).unwrap_or_default()
        }
    };
    let holds = visible(&desk, &visitor).await?;
    page::answer(&HoldsPage {
        frame: Frame::new(&desk, &visitor, Section::Holds, "Holds")
            .await?
            .with_notice(done.sentence()),
        holds,
        resorts: theirs.iter().map(|resort| resort.id.to_string()).collect(),
        kinds: kinds.iter().map(ToString::to_string).collect(),
        without_template,
    })
}

/// The holds that concern the member's resorts, with how many of their messages wait. One of no resort concerns theirs too, unless
/// it is of a number that none of theirs sends from.
pub(super) async fn visible(desk: &Desk, visitor: &Visitor) -> Result<Vec<HoldView>, Problem> {
    let mut found = holds::list(&desk.store, None).await?;
    let Scope::Resorts(resorts) = visitor.access().scope.clone() else {
        return Ok(found);
    };
    found.retain(|hold| match (&hold.resort, &hold.number) {
        (Some(resort), _) => resorts.iter().any(|own| own.as_str() == resort),
        (None, Some(number)) => sends_from(desk, visitor, number),
        (None, None) => true,
    });
    let counts = desk
        .store
        .run(move |connection| store::holds::count_of_resorts(connection, &resorts));
    let counts = counts.await?;
    for hold in &mut found {
        let count = counts.get(&Some(hold.hold.clone()));
        hold.messages = count.copied().unwrap_or_default();
    }
    Ok(found)
}

/// Whether a resort of the member sends from this number.
fn sends_from(desk: &Desk, visitor: &Visitor, number: &str) -> bool {
    let files = desk.files.current();
    let mut resorts = files.resorts();
    resorts
        .any(|resort| resort.number.as_str() == number && visitor.access().reaches(Some(&resort.id)).is_ok())
}

pub(super) async fn pause(
    desk: Data<Desk>,
    visitor: Visitor,
    form: Form<Pause>,
) -> Result<HttpResponse, Problem> {
    let coverage = coverage(&form)?;
    visitor.allow(Action::Paused, coverage.resort.as_ref())?;
    if let Some(number) = &coverage.number {
        // Nor are other resorts' numbers proposed.
        if visitor.access().scope != Scope::All && !sends_from(&desk, &visitor, number.as_str()) {
            return Err(Problem::Invalid(
                "None of your resorts sends from that number.".to_owned(),
            ));
        }
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
    visitor
        .access()
        .has(Action::Resumed.needs())
        .map_err(Problem::Forbidden)?;
    // What is not theirs to see is answered as what is not there.
    let seen = visible(&desk, &visitor).await?;
    if !seen.iter().any(|one| one.hold == hold) {
        return Ok(page::go("/holds?done=was_resumed"));
    }
    let by = visitor.actor(desk.note(&note));
    let ended = holds::end(&desk.store, hold, by).await?;
    Ok(page::go(if ended {
        "/holds?done=resumed"
    } else {
        "/holds?done=was_resumed"
    }))
}
