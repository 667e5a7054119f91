//! `desk whatsapp …`

use ::settings::{Resolve, Snapshot};
use clap::{Args, Subcommand};
use crypto::secret::Places;
use domain::ids::ResortId;
use service::{Environment, Problems, chain};

use super::{Answer, output};
use crate::actions::names;
use crate::actions::whatsapp_check::{FindingView, Severity, WhatsAppCheck};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(Check),
}

/// Ask WhatsApp about token, number, notifications and templates, and compare them with the files
///
/// Prints one finding after another, FILE:LINE: ok|warning|error: TEXT, with what will happen and what to do. Changes nothing.
/// Exit code 1 if there is an error. Needs BELLHOP_CONFIG, the access tokens where the files say they are, and, to know
/// whether notifications arrive and verify, DATABASE_URL. Templates need business_account_id in [whatsapp] of the file.
///
/// Examples:
///   desk whatsapp check                   every resort
///   desk whatsapp check azure-bay
///   desk whatsapp check --json | jq '.[] | select(.severity == "error")'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// The resort [default: every resort]
    resort: Option<ResortId>,
    /// Print a JSON array of findings
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    let Command::Check(Check { resort, json }) = command;
    let mut read = environment.reader();
    let folder = settings::folder(&mut read, None);
    let client = settings::whatsapp(&mut read);
    let store = settings::optional_database(&mut read);
    let key_ring = settings::optional_key_ring(&mut read, environment);
    let (folder, client) = read.finish_with(|| Some((folder?, client?)))?;

    let places = Places {
        environment: &|name| environment.get(name).map(str::to_owned),
        key_ring: key_ring.as_ref(),
        base: &folder,
    };
    let files = ::settings::load(&folder, Resolve::AccessTokens, &places)
        .map_err(|error| Problems::one("BELLHOP_CONFIG", chain(&error)))?;
    let resorts = chosen(&files, resort)?;

    let mut check = WhatsAppCheck::new(&client, &files, &folder, store.as_ref());
    let mut found = Vec::new();
    for (index, id) in resorts.iter().enumerate() {
        if resorts.len() > 1 {
            output::complain(&format!("{id} ({} of {})", index + 1, resorts.len()));
        }
        let findings = check.of_resort(id).await?;
        if !json {
            for finding in &findings {
                output::print(&text(finding))?;
            }
        }
        found.extend(findings);
    }
    if json {
        output::print_json(&found)?;
    }
    let count = |severity| {
        found
            .iter()
            .filter(|view| view.finding.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    output::complain(&format!(
        "{}: {}, {}",
        output::count(resorts.len(), "resort"),
        output::count(errors, "error"),
        output::count(warnings, "warning")
    ));
    Ok(Answer::done_if(errors == 0))
}

fn chosen(files: &Snapshot, resort: Option<ResortId>) -> anyhow::Result<Vec<ResortId>> {
    match resort {
        Some(resort) => {
            names::check_resort_file(files, &resort)?;
            Ok(vec![resort])
        }
        None => {
            let mut all: Vec<ResortId> = files.resort_ids().cloned().collect();
            all.sort();
            Ok(all)
        }
    }
}

fn text(view: &FindingView) -> String {
    let finding = &view.finding;
    let severity = finding.severity.as_str();
    let mut text = format!("{}:{}: {severity}: {}\n", view.file, view.line, finding.text);
    for (label, words) in [("then", &finding.effect), ("do", &finding.remedy)] {
        if !words.is_empty() {
            text.push_str(&format!("    {label}: {words}\n"));
        }
    }
    text
}
