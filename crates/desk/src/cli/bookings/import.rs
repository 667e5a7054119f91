//! `desk bookings import`

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::num::NonZeroU32;
use std::path::PathBuf;

use anyhow::Context as _;
use chrono::Utc;
use clap::Args;
use domain::ids::SourceId;
use serde::Serialize;
use service::Environment;

use crate::actions::event_file::{EventReader, Problem};
use crate::actions::import::{self, Importer, Lines, Tally};
use crate::cli::auth::ReasonArgs;
use crate::cli::{Answer, output, session};
use crate::settings;

/// Import bookings from a file of events, without sending anything for the past
///
/// FILE has events in Bellhop's own format, one JSON object a line; with --source, what that source's platform sends, one request
/// a line. Each is checked like a webhook. What was past when the file is imported sends nothing; what the stays still ask for
/// (a review request after a departure to come, say) is sent in its time. Carts are recorded and get no reminder.
///
/// A line without an id has one made of its content, so the same file may be imported again: what is there already is passed
/// over, which is also how an import goes on that was interrupted. It goes slowly, and waits while webhooks wait. Wrong lines are
/// listed and left out; exit code 1 if there are any.
///
/// Needs DATABASE_URL, AMQP_URL, BELLHOP_CONFIG, BELLHOP_KEYS and your token (see desk --help); --dry-run only BELLHOP_CONFIG.
///
/// Examples:
///   desk bookings import bookings.jsonl --dry-run      check every line first
///   desk bookings import bookings.jsonl --note "the first day"
///   desk bookings import reservations.jsonl --source shop
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Arguments {
    /// The events, one a line
    file: PathBuf,
    /// The source whose platform wrote the lines
    #[arg(long)]
    source: Option<SourceId>,
    /// Check every line, and import nothing
    #[arg(long, conflicts_with = "note")]
    dry_run: bool,
    /// Events a minute
    #[arg(long, value_name = "N", default_value = "10000")]
    per_minute: NonZeroU32,
    /// Print one JSON document at the end
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reason: ReasonArgs,
}

#[derive(Serialize)]
struct Document<'t> {
    #[serde(flatten)]
    tally: &'t Tally,
    problems: &'t [Problem],
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let (file, source) = (arguments.file.clone(), arguments.source.clone());
    let open = || {
        let opened = File::open(&file).with_context(|| format!("cannot open {}", file.display()))?;
        anyhow::Ok(BufReader::new(opened).split(b'\n'))
    };
    let mut told = Told {
        json: arguments.json,
        problems: Vec::new(),
    };
    let tally = if arguments.dry_run {
        let mut read = environment.reader();
        let files = settings::files(&mut read);
        let ring = settings::optional_key_ring(&mut read, environment);
        let files = read.finish_with(|| files)?;
        let reader = EventReader::new(
            &files,
            source.as_ref(),
            SourceId::import(),
            ring.as_ref(),
            Utc::now(),
        )?;
        import::check(Lines::new(&reader, open()?), &mut |problem| told.problem(problem))?
    } else {
        let session = session::publishing(arguments.reason, environment).await?;
        let (files, ring) = (session.context.files(), &session.context.key_ring);
        let reader = EventReader::new(files, source.as_ref(), SourceId::import(), Some(ring), Utc::now())?;
        let lines = Lines::new(&reader, open()?);
        let importer = Importer::new(&session.context, session.broker.clone(), arguments.per_minute);
        let imported = importer
            .run(&session.by, lines, &mut |tale| told.tale(tale))
            .await;
        imported.context("interrupted; import the same file again to continue")?
    };
    if arguments.json {
        output::print_json(&Document {
            tally: &tally,
            problems: &told.problems,
        })?;
    } else {
        output::print(&summary(&tally, arguments.dry_run))?;
    }
    Ok(Answer::done_if(tally.bad == 0))
}

/// What was told on the way: on stderr at once, but for the problems of a JSON document.
struct Told {
    json: bool,
    problems: Vec<Problem>,
}

impl Told {
    fn problem(&mut self, problem: Problem) {
        if self.json {
            self.problems.push(problem);
        } else {
            output::complain(&problem.to_string());
        }
    }

    fn tale(&mut self, tale: import::Tale<'_>) {
        match tale {
            import::Tale::Problem(problem) => self.problem(problem),
            import::Tale::Progress(tally, per_minute) => {
                output::complain(&format!("{}, {per_minute} a minute", counts(tally)));
            }
            import::Tale::Waiting(events) => {
                output::complain(&format!(
                    "waiting: {} in the queue",
                    output::count(events, "event")
                ));
            }
            import::Tale::Unconfirmed(why) => {
                output::complain(&format!("{why}; trying again"));
            }
        }
    }
}

fn counts(tally: &Tally) -> String {
    format!(
        "{}: {} imported, {} there already, {} wrong",
        output::count(tally.lines, "line"),
        output::count(tally.imported, "event"),
        tally.known,
        output::count(tally.bad, "line")
    )
}

fn summary(tally: &Tally, is_dry_run: bool) -> String {
    if is_dry_run {
        return format!(
            "{}: {} would be imported, {} there already, {} wrong",
            output::count(tally.lines, "line"),
            output::count(tally.events - tally.known, "event"),
            tally.known,
            output::count(tally.bad, "line")
        );
    }
    counts(tally)
}
