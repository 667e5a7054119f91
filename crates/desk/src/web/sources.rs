//! `/sources`: what each source was answered lately, and what would become of a payload that is pasted.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{Data, Form, Path};
use askama::Template;
use domain::ids::SourceId;
use domain::source_report::SourceAnswer;
use domain::staff::Scope;
use foreign_json::Charset;
use serde::Deserialize;
use serde_json::Value as Json;
use settings::{Snapshot, SourceRules};

use super::desk::Desk;
use super::page::{self, Frame, Section};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::actions::source_answers::{self, SourceAnswers};
use crate::actions::trial::{Bench, Outcome, Sample, Trial};

#[derive(Template)]
#[template(path = "sources.html")]
struct SourcesPage {
    frame: Frame,
    sources: Vec<Row>,
    /// Files of sources that cannot be read; only for members who see everything.
    broken: Vec<String>,
}

struct Row {
    id: String,
    is_mapped: bool,
    requests: u64,
    refused: u64,
    last: Option<SourceAnswer>,
}

#[derive(Template)]
#[template(path = "source.html")]
struct SourcePage {
    frame: Frame,
    answers: SourceAnswers,
    form: Pasted,
    trial: Option<Trial>,
    /// Why the payload could not be tried.
    refused: Option<String>,
}

#[derive(Default, Deserialize)]
pub(super) struct Pasted {
    payload: String,
    /// One `Name: value` a line.
    headers: String,
}

pub(super) async fn list(desk: Data<Desk>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    let files = desk.files.current();
    let mut sources = Vec::new();
    for rules in visible(&files, &visitor) {
        let answers = source_answers::last(&desk.store, &rules.id).await?;
        let count = |is_counted: &dyn Fn(u16) -> bool| {
            let counts = answers.counts.iter();
            counts
                .filter(|one| is_counted(one.status))
                .map(|one| one.count)
                .sum()
        };
        sources.push(Row {
            id: rules.id.to_string(),
            is_mapped: rules.mapping.is_some(),
            requests: count(&|_| true),
            refused: count(&|status| status >= 400),
            last: answers.answers.first().cloned(),
        });
    }
    let broken = files
        .problems()
        .filter(|finding| finding.file.starts_with("sources/"));
    let broken = broken
        .filter(|_| visitor.access().reaches(None).is_ok())
        .map(ToString::to_string);
    page::answer(&SourcesPage {
        frame: Frame::new(&desk, &visitor, Section::Sources, "Sources").await?,
        sources,
        broken: broken.collect(),
    })
}

/// The sources that speak for a resort of the member.
fn visible(files: &Snapshot, visitor: &Visitor) -> Vec<Arc<SourceRules>> {
    match &visitor.access().scope {
        Scope::All => files.all_source_rules().cloned().collect(),
        Scope::Resorts(resorts) => files.sources_of(resorts).cloned().collect(),
    }
}

fn rules(files: &Snapshot, visitor: &Visitor, source: &str) -> Result<Arc<SourceRules>, Problem> {
    let known = visible(files, visitor).into_iter();
    let mut known = known.filter(|rules| rules.id.as_str() == source);
    known.next().ok_or(Problem::NotFound)
}

pub(super) async fn show(
    desk: Data<Desk>,
    visitor: Visitor,
    source: Path<String>,
) -> Result<HttpResponse, Problem> {
    answer(&desk, &visitor, &source, Pasted::default(), Ok(None)).await
}

/// Tries a payload; nothing of it is stored.
pub(super) async fn try_payload(
    desk: Data<Desk>,
    visitor: Visitor,
    source: Path<String>,
    pasted: Form<Pasted>,
) -> Result<HttpResponse, Problem> {
    let pasted = pasted.into_inner();
    let id = SourceId::parse(&source).map_err(|_| Problem::NotFound)?;
    // Before anything is tried: how long it takes would tell of other resorts' sources.
    rules(&desk.files.current(), &visitor, &source)?;
    let tried = trial(&desk, &id, &pasted).map(Some);
    answer(&desk, &visitor, &source, pasted, tried).await
}

async fn answer(
    desk: &Desk,
    visitor: &Visitor,
    source: &str,
    form: Pasted,
    tried: Result<Option<Trial>, String>,
) -> Result<HttpResponse, Problem> {
    let files = desk.files.current();
    let rules = rules(&files, visitor, source)?;
    let (trial, refused) = match tried {
        Ok(trial) => (trial, None),
        Err(refused) => (None, Some(refused)),
    };
    page::answer(&SourcePage {
        frame: Frame::new(desk, visitor, Section::Sources, "Source").await?,
        answers: source_answers::last(&desk.store, &rules.id).await?,
        form,
        trial,
        refused,
    })
}

fn trial(desk: &Desk, source: &SourceId, pasted: &Pasted) -> Result<Trial, String> {
    let files = desk.files.current();
    let body = foreign_json::read(pasted.payload.as_bytes(), Charset::UTF_8);
    let body = body.map_err(|error| format!("The payload cannot be used: {error}."))?;
    let mut headers = BTreeMap::new();
    for line in pasted.headers.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = line
            .split_once(':')
            .ok_or("A header is written Name: value, one on each line.")?;
        headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    let sample = Sample {
        body: body.value,
        headers,
        query: BTreeMap::new(),
        fetched: None,
    };
    let bench = Bench {
        files: Some(&files),
        key_ring: Some(&desk.key_ring),
    };
    bench
        .run(source, None, sample)
        .map_err(|error| service::chain(&error))
}

/// For the template: a value on one line.
fn value(value: &Json) -> String {
    match value {
        Json::Null => "–".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// For the template: the event, indented.
fn pretty(event: &Json) -> String {
    serde_json::to_string_pretty(event).unwrap_or_default()
}
