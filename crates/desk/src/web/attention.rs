//! `/`: what needs a person now.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use domain::ids::NO_RESORT;
use domain::overview::{Figure, Overview};
use store::letters::{Filter, Group, Standing};
use url::form_urlencoded;

use super::desk::Desk;
use super::ledger::Checked;
use super::page::{self, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::holds::HoldView;
use crate::actions::overview;
use crate::actions::words;

#[derive(Template)]
#[template(path = "attention.html")]
struct AttentionPage {
    frame: Frame,
    letters: Vec<Group>,
    holds: Vec<HoldView>,
    figures: Option<Figures>,
    /// Resort and source files that are refused.
    broken: Vec<String>,
    /// Only for members who see everything.
    ledger: Option<Checked>,
}

/// What `processor` writes once a minute, summed up.
struct Figures {
    made_at: DateTime<Utc>,
    /// Messages that should have gone and did not.
    due: i64,
    oldest_due: Option<DateTime<Utc>>,
    /// Of 24 hours, by state.
    messages: BTreeMap<String, i64>,
    /// Sources of the files that were not heard for 24 hours.
    silent: BTreeSet<String>,
}

impl Figures {
    fn of(overview: &Overview, made_at: DateTime<Utc>, sources: BTreeSet<String>) -> Self {
        let heard: BTreeSet<&str> = overview
            .sources
            .iter()
            .map(|heard| heard.source.as_str())
            .collect();
        let mut messages = BTreeMap::new();
        for Figure { name, count, .. } in &overview.messages {
            *messages.entry(name.clone()).or_default() += count;
        }
        Self {
            made_at,
            due: overview.due.iter().map(|figure| figure.count).sum(),
            oldest_due: overview.due.iter().filter_map(|figure| figure.oldest).min(),
            messages,
            silent: sources
                .into_iter()
                .filter(|source| !heard.contains(source.as_str()))
                .collect(),
        }
    }
}

pub(super) async fn show(desk: Data<Desk>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let scope = &visitor.access().scope;
    let sees_everything = visitor.access().reaches(None).is_ok();
    let files = desk.files.current();
    let open = Filter {
        standing: Some(Standing::Open),
        within: scope.clone(),
        ..Filter::default()
    };
    let letters = desk
        .store
        .run(move |connection| store::letters::groups(connection, &open));
    let sources = if sees_everything {
        files
            .all_source_rules()
            .map(|rules| rules.id.to_string())
            .collect()
    } else {
        BTreeSet::new()
    };
    let figures = overview::read(&desk.store, scope).await?;
    let broken = files
        .problems()
        .filter(|_| sees_everything)
        .map(ToString::to_string);
    page::answer(&AttentionPage {
        letters: letters.await?,
        holds: super::holds::visible(&desk, &visitor).await?,
        figures: figures.map(|(overview, made_at)| Figures::of(&overview, made_at, sources)),
        broken: broken.collect(),
        ledger: desk.ledger.last().filter(|_| sees_everything),
        frame: Frame::new(&desk, &visitor, Section::Attention, "What needs attention").await?,
    })
}

/// For the template: the list of the letters of a group.
fn list(group: &Group) -> String {
    let page = "/letters?";
    let mut query = form_urlencoded::Serializer::for_suffix(page.to_owned(), page.len());
    query.append_pair("reason", &group.reason);
    query.append_pair("resort", group.resort.as_deref().unwrap_or(NO_RESORT));
    query.finish()
}
