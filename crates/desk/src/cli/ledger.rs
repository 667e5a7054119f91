//! `desk ledger check`

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;

use anyhow::Context;
use chrono::TimeDelta;
use clap::{Args, Subcommand};
use domain::duration::InvalidDuration;
use service::Environment;

use super::{Answer, output, table};
use crate::actions::ledger::{self, AcceptedEvents, FindingView, LedgerView, TooLong};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Check(Check),
}

/// Check that every event and message has finished or is on time
///
/// Every event must be applied, ignored or a dead letter; every message must be on its way or have ended with a reason.
/// Overdue ones are listed with advice where to look, and the exit code is 1. Otherwise only a summary of counts is printed.
///
/// First imports the letters of the dead queues; if RabbitMQ is away it warns, and does not look for missing letters. After
/// that it only reads, locks nothing, and may run at any time.
///
/// With --accepted it also names the events that were accepted and are not here, as after a restore of Postgres or the loss of
/// a queue. Run it when `events` is empty.
///
/// Needs DATABASE_URL, AMQP_URL and BELLHOP_CONFIG. If the senders have SENDER_UNKNOWN_AFTER and SENDER_SILENCE_LETTER, set
/// them here too: they say how long a call may stay unresolved.
///
/// Examples:
///   desk ledger check
///   desk ledger check --margin 1m              minutes after the programs were restarted
///   desk ledger check --json
///   journalctl -u bellhop-ingest --since 2026-11-29 -o cat | desk ledger check --accepted -
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// Allowed delay of the programs' background work
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = margin)]
    margin: TimeDelta,
    /// A log of ingest, in JSON lines: every event that it calls accepted must be stored; - reads stdin
    #[arg(long, value_name = "FILE")]
    accepted: Vec<PathBuf>,
    /// Print one JSON document with counts and findings
    #[arg(long)]
    json: bool,
}

fn margin(text: &str) -> Result<TimeDelta, InvalidDuration> {
    let margin = domain::duration::parse(text)?;
    TimeDelta::from_std(margin).map_err(|_| InvalidDuration)
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    let Command::Check(arguments) = command;
    let mut read = environment.reader();
    let (store, broker) = (settings::database(&mut read), settings::broker(&mut read));
    let folder = settings::folder(&mut read, None);
    let silence_policy = settings::silence_policy(&mut read);
    let (store, broker, folder) = read.finish_with(|| Some((store?, broker?, folder?)))?;

    let too_long = TooLong {
        margin: arguments.margin,
        silence_policy,
    };
    let accepted = read_logs(&arguments.accepted)?;
    if accepted.unnamed > 0 {
        output::complain(&format!(
            "{} accepted requests, such as WhatsApp's reports, have no event's id in the log: not looked for",
            accepted.unnamed
        ));
    }
    let found = ledger::check(&store, &broker, &folder, too_long, accepted, ledger::SHOWN).await?;

    if arguments.json {
        output::print_json(&found)?;
    } else {
        output::print(&text(&found))?;
    }
    Ok(Answer::done_if(found.findings.is_empty()))
}

fn read_logs(paths: &[PathBuf]) -> anyhow::Result<AcceptedEvents> {
    let mut accepted = AcceptedEvents::default();
    for path in paths {
        let read = if path.as_os_str() == "-" {
            accepted.read(io::stdin().lock())
        } else {
            File::open(path).and_then(|file| accepted.read(BufReader::new(file)))
        };
        read.with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(accepted)
}

fn text(found: &LedgerView) -> String {
    let summary = found.counts.iter().map(|(of, states)| {
        let states: Vec<String> = states
            .iter()
            .map(|(state, count)| format!("{state} {count}"))
            .collect();
        [of.replace('_', " "), states.join(", ")]
    });
    let rows: Vec<_> = found.findings.iter().map(row).collect();
    let advice: Vec<_> = advice(&found.findings);
    let more = if found.more { "and more\n" } else { "" };
    let verdict = match rows.len() {
        0 if !found.letters_are_here => {
            "nothing is stuck, but dead letters were not looked for: RabbitMQ is away\n".to_owned()
        }
        0 => "nothing is stuck: everything has finished, or is on time\n".to_owned(),
        count => format!("{}\n", output::count(count, "finding")),
    };
    [
        table::rows("", &summary.collect::<Vec<_>>()),
        table::rows("", &rows),
        more.to_owned(),
        table::rows("", &advice),
        verdict,
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join("\n")
}

fn row(finding: &FindingView) -> [String; 5] {
    [
        finding.trouble.to_owned(),
        finding.since.map(table::instant).unwrap_or_default(),
        finding.subject.clone(),
        finding.booking.clone().unwrap_or_default(),
        finding.detail.clone(),
    ]
}

/// The advice for each kind of finding, once.
fn advice(findings: &[FindingView]) -> Vec<[String; 2]> {
    let mut all: Vec<_> = findings
        .iter()
        .map(|finding| [finding.trouble.to_owned(), finding.advice.to_owned()])
        .collect();
    all.dedup();
    all
}
