//! `/report`: what came of a month's carts, and what the hold-out says about reminders. Filters are in the address, so that it can be
//! sent to an owner; printed, it is one page.

mod chart;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use domain::ids::ResortId;
use serde::Deserialize;

use super::desk::Desk;
use super::page::{self, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::report::{self, Asked, Part, Reading, ReportView};
use crate::actions::words;
use chart::Chart;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    frame: Frame,
    found: ReportView,
    /// That the member works for.
    resorts: Vec<String>,
    /// The one that was asked for; empty: all of them.
    resort: String,
    chart: Chart,
}

impl ReportPage {
    /// What the page is about: the resort that was asked for, or all of them.
    fn part(&self) -> &Part {
        match self.found.resorts.as_slice() {
            [only] => only,
            _ => &self.found.total,
        }
    }
}

/// The filter, as the address and the form have it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    resort: String,
    month: String,
}

pub(super) async fn show(
    desk: Data<Desk>,
    visitor: Visitor,
    filter: Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let invalid = |what: &str| Problem::Invalid(what.to_owned());
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let resort = given(&filter.resort).map(|id| ResortId::parse(&id)).transpose();
    let resort = resort.map_err(|_| invalid("That is no name of a resort."))?;
    let month = given(&filter.month).map(|month| month.parse()).transpose();
    let month = month.map_err(|_| invalid("A month is written 2026-11."))?;
    let context = desk.context();
    if let Some(resort) = &resort {
        visitor.reach(Some(resort))?;
        context.resort(resort).ok_or(Problem::NotFound)?;
    }
    let within = visitor.access().scope.clone();
    let ids = context.files().resorts().map(|resort| &resort.id);
    let theirs = ids.filter(|id| within.includes(Some(id)));
    let resorts = theirs.map(ToString::to_string).collect();
    let asked = Asked {
        resort,
        month,
        within: within.clone(),
        reading: Reading::AsCounted,
    };

    let found = report::read(&context, &asked).await?;

    page::answer(&ReportPage {
        frame: Frame::new(&desk, &visitor, Section::Report, "Report").await?,
        chart: Chart::of(&found.months),
        found,
        resorts,
        resort: filter.into_inner().resort,
    })
}
