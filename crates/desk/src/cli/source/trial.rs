//! `desk source try`

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use domain::ids::{ResortId, SourceId};
use foreign_json::Charset;
use serde_json::Value as Json;
use service::Environment;

use super::{Answer, output, table};
use crate::actions::trial::{Bench, ElementView, FieldView, Outcome, Sample, Trial};
use crate::settings;

/// Wider cells are cut; --json has them whole.
const WIDEST: usize = 44;

/// Show what a source makes of a webhook, field by field, without sending it
///
/// SOURCE is one of the files in BELLHOP_CONFIG or, where none has that name, a preset (desk source presets). FILE has the
/// webhook's body; - reads it from stdin. Prints a table of the fields, what matched in when, and the event in our own
/// format. Values are shown: it is your sample. Exit code 1 if any of it would be refused.
///
/// Needs nothing for a preset. BELLHOP_CONFIG adds your sources, and a resort's time zone and country; without it times are
/// in UTC, and a number without a country code counts as a British one.
///
/// Examples:
///   desk source try lodgify sample.json
///   desk source try shopify order.json --header "X-Shopify-Topic: orders/create"
///   desk source try mews event.json --fetched reservation.json     with what the platform's API answered
///   cat sample.json | desk source try lodgify - --json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Arguments {
    /// A source, or a preset
    source: SourceId,
    /// The webhook's body as JSON, or - for stdin
    file: PathBuf,
    /// For a preset: the resort whose time zone and country count [default: the first]
    #[arg(long)]
    resort: Option<ResortId>,
    /// A header of the webhook, NAME:VALUE; may be given several times
    #[arg(long, value_name = "NAME:VALUE", value_parser = |text: &str| pair(text, ':'))]
    header: Vec<(String, String)>,
    /// A parameter of the webhook's address, NAME=VALUE; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = |text: &str| pair(text, '='))]
    query: Vec<(String, String)>,
    /// What the platform's API answered about the booking, as JSON
    #[arg(long, value_name = "FILE")]
    fetched: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn pair(text: &str, between: char) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(between)
        .ok_or_else(|| format!("has no {between} between name and value"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

pub(super) fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let files = settings::optional_files(&mut read);
    let key_ring = settings::optional_key_ring(&mut read, environment);
    read.finish_with(|| Some(()))?;
    let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
    let sample = Sample {
        body: json(&arguments.file)?,
        headers: arguments.header.into_iter().map(lower).collect(),
        query: arguments.query.into_iter().collect::<BTreeMap<_, _>>(),
        fetched: arguments.fetched.as_deref().map(json).transpose()?,
    };
    let bench = Bench {
        files: files.as_ref(),
        key_ring: key_ring.as_ref(),
    };
    let trial = bench.run(&arguments.source, arguments.resort.as_ref(), sample)?;
    if arguments.json {
        output::print_json(&trial)?;
    } else {
        output::print(&text(&trial)?)?;
    }
    Ok(Answer::done_if(!trial.is_refused()))
}

/// Reads a body as `ingest` does, with its repairs.
fn json(path: &Path) -> anyhow::Result<Json> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().read_to_end(&mut bytes).context("cannot read stdin")?;
    } else {
        bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    }
    let read = foreign_json::read(&bytes, Charset::UTF_8);
    Ok(read
        .with_context(|| format!("cannot use {}", path.display()))?
        .value)
}

fn text(trial: &Trial) -> anyhow::Result<String> {
    if let Some(fault) = &trial.fault {
        return Ok(format!("refused: {fault}"));
    }
    if trial.elements.is_empty() {
        return Ok("ignored: the request holds no event".to_owned());
    }
    let mut text = String::new();
    for element in &trial.elements {
        if trial.elements.len() > 1 {
            text.push_str(&format!("element {}\n", element.index));
        }
        if trial.is_mapped {
            text.push_str(&reading(element));
        }
        text.push_str(&outcome(&element.outcome)?);
        text.push('\n');
    }
    Ok(text)
}

fn reading(element: &ElementView) -> String {
    let matched = match (element.row, &element.when) {
        (Some(row), Some(when)) => format!("row {row}: {}", when.join(", ")),
        _ => "no row".to_owned(),
    };
    let about = [
        ["words".to_owned(), element.words.join(", ")],
        ["when".to_owned(), matched],
    ];
    let mut text = table::rows("", &about);
    if !element.fields.is_empty() {
        let heads = ["field", "expression", "found", "cast", "verdict"];
        text.push('\n');
        text.push_str(&table::headed(heads, element.fields.iter().map(row)));
    }
    text.push('\n');
    text
}

fn row(field: &FieldView) -> [String; 5] {
    [
        field.field.to_owned(),
        cell(field.expression.as_deref().unwrap_or_default()),
        value(&field.found),
        value(&field.cast),
        field.verdict.clone(),
    ]
}

fn value(value: &Json) -> String {
    match value {
        Json::Null => "-".to_owned(),
        value => cell(&value.to_string()),
    }
}

/// On one line, and not too wide.
fn cell(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|one| if one.is_control() { ' ' } else { one })
        .collect();
    if line.chars().count() <= WIDEST {
        return line;
    }
    let cut: String = line.chars().take(WIDEST - 1).collect();
    format!("{cut}…")
}

fn outcome(outcome: &Outcome) -> anyhow::Result<String> {
    Ok(match outcome {
        Outcome::Event { event, id_is_made } => {
            let made = match (id_is_made, event.get("id").is_some()) {
                (true, true) => "its id is made by Bellhop\n",
                (true, false) => "its id is made by Bellhop, with the keys\n",
                (false, _) => "",
            };
            format!(
                "accepted as this event\n{made}{}\n",
                serde_json::to_string_pretty(event)?
            )
        }
        Outcome::Ignored { reason } => format!("ignored: {reason}\n"),
        Outcome::Fetch { resort, booking } => {
            format!("accepted: the platform is asked about {resort}/{booking}; --fetched tries its answer\n")
        }
        Outcome::Unmappable { faults } => format!("refused: {}\n", faults.join(", ")),
        Outcome::ResortUnavailable => "refused: the file of its resort is broken or missing\n".to_owned(),
    })
}
