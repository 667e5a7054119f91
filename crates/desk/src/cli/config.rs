//! `desk config …`

use std::path::PathBuf;

use ::settings::Severity;
use clap::{Args, Subcommand};
use service::{Environment, Failure, Problems, chain};

use super::{Answer, output};
use crate::actions::config::{self, Secrets};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(Check),
}

/// Tell everything that is wrong, or unwise, in the resort and source files
///
/// Prints one line for each finding, FILE:LINE: error|warning: what. Exit code 1 when a file would be refused.
///
/// Examples:
///   desk config check                     the folder of BELLHOP_CONFIG
///   desk config check deploy/demo
///   desk config check --secrets           also looks every secret up, in this environment
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// The folder with resorts/ and sources/; left out: BELLHOP_CONFIG
    dir: Option<PathBuf>,
    /// Look the secrets up too: env: in this environment, file: on this disk, sealed: with BELLHOP_KEYS
    #[arg(long)]
    secrets: bool,
}

pub(super) fn run(command: Command, environment: &Environment) -> Result<Answer, Failure> {
    let Command::Check(arguments) = command;
    let secrets = if arguments.secrets {
        Secrets::Resolve
    } else {
        Secrets::Leave
    };
    let mut read = environment.reader();
    let folder = settings::folder(&mut read, arguments.dir);
    let key_ring = match secrets {
        Secrets::Resolve => settings::optional_key_ring(&mut read, environment),
        Secrets::Leave => None,
    };
    let folder = read.finish_with(|| folder)?;

    let findings = config::check(&folder, secrets, environment, key_ring.as_ref())
        .map_err(|error| Problems::one("BELLHOP_CONFIG", chain(&error)))?;

    for finding in &findings {
        output::print(&folder.join(finding.to_string()).display().to_string())?;
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    output::complain(&format!(
        "{}: {errors} errors, {} warnings",
        folder.display(),
        findings.len() - errors
    ));
    Ok(if errors == 0 {
        Answer::Done
    } else {
        Answer::Refused
    })
}
