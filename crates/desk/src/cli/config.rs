//! `desk config …`

use std::path::PathBuf;

use ::settings::{Finding, Resolve, Severity};
use clap::{Args, Subcommand};
use crypto::secret::Places;
use serde::Serialize;
use service::{Environment, Problems, chain};

use super::{Answer, output};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(Check),
}

/// Check the resort and source files for errors and warnings
///
/// Prints one line for each finding, FILE:LINE: error|warning: TEXT. Exit code 1 if the programs would reject a file.
///
/// Examples:
///   desk config check                     the folder of BELLHOP_CONFIG
///   desk config check deploy/demo
///   desk config check --secrets           also resolves every secret, in this environment
///   desk config check --json | jq '.[] | select(.severity == "error")'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// The folder with resorts/ and sources/ [default: BELLHOP_CONFIG]
    dir: Option<PathBuf>,
    /// Resolve the secrets too: env: in this environment, file: on this disk, sealed: with BELLHOP_KEYS
    #[arg(long)]
    secrets: bool,
    /// Print one JSON array of findings
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct FindingView<'a> {
    severity: &'static str,
    /// In the folder: `resorts/azure-bay.toml`.
    file: &'a str,
    line: usize,
    text: &'a str,
}

impl<'a> From<&'a Finding> for FindingView<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            severity: finding.severity.as_str(),
            file: &finding.file,
            line: finding.line,
            text: &finding.text,
        }
    }
}

pub(super) fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    let Command::Check(Check { dir, secrets, json }) = command;
    let named_by = if dir.is_some() { "DIR" } else { "BELLHOP_CONFIG" };
    let mut read = environment.reader();
    let folder = settings::folder(&mut read, dir);
    let (resolve, key_ring) = if secrets {
        let key_ring = settings::optional_key_ring(&mut read, environment);
        (Resolve::Everything, key_ring)
    } else {
        (Resolve::Nothing, None)
    };
    let folder = read.finish_with(|| folder)?;

    let places = Places {
        environment: &|name| environment.get(name).map(str::to_owned),
        key_ring: key_ring.as_ref(),
        base: &folder,
    };
    let findings = ::settings::check(&folder, resolve, &places)
        .map_err(|error| Problems::one(named_by, chain(&error)))?;

    if json {
        output::print_json(&findings.iter().map(FindingView::from).collect::<Vec<_>>())?;
    }
    for finding in findings.iter().filter(|_| !json) {
        output::print(&folder.join(finding.to_string()).display().to_string())?;
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    let warnings = findings.len() - errors;
    output::complain(&format!(
        "{}: {}, {}",
        folder.display(),
        output::count(errors, "error"),
        output::count(warnings, "warning")
    ));
    Ok(Answer::done_if(errors == 0))
}
