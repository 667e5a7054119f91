//! `/settings`: the files that are in force, and what is wrong with them; the staff. Only to read.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use domain::resort::Mode;
use settings::{Finding, Severity};

use super::desk::Desk;
use super::page::{self, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    findings: Vec<Finding>,
    resorts: Vec<ResortRow>,
    members: Vec<MemberRow>,
}

struct ResortRow {
    id: String,
    name: String,
    zone: String,
    number: String,
    is_test: bool,
    kinds: String,
}

struct MemberRow {
    name: String,
    role: String,
    resorts: String,
    added_at: DateTime<Utc>,
    removed_at: Option<DateTime<Utc>>,
}

pub(super) async fn show(desk: Data<Desk>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    visitor.reach_everything()?;
    let files = desk.files.current();
    let resorts = files.resorts().map(|resort| ResortRow {
        id: resort.id.to_string(),
        name: resort.name.clone(),
        zone: resort.time_zone.to_string(),
        number: resort.number.to_string(),
        is_test: matches!(resort.mode, Mode::Test(_)),
        kinds: resort
            .moments
            .keys()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    });
    let members = desk.store.run(store::staff::list).await?;
    let members = members.into_iter().map(|member| MemberRow {
        name: member.name,
        role: member.role,
        resorts: member.resorts.map_or_else(
            || "all resorts".to_owned(),
            |resorts| resorts.into_iter().flatten().collect::<Vec<_>>().join(", "),
        ),
        added_at: member.added_at,
        removed_at: member.removed_at,
    });
    page::answer(&SettingsPage {
        frame: Frame::new(&desk, &visitor, Section::Settings, "Settings").await?,
        findings: files.problems().chain(files.warnings()).cloned().collect(),
        resorts: resorts.collect(),
        members: members.collect(),
    })
}
