//! `desk staff …`

use anyhow::{Error, anyhow};
use clap::{Args, Subcommand};
use domain::ids::StaffName;
use service::{Environment, Failure};

use super::acting::Why;
use super::{Answer, output, table};
use crate::actions::staff::{self, MemberView, Unchanged};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Add(Add),
    Remove(Remove),
    List(List),
}

/// Add a member of the staff, and print their token
///
/// The token goes to stdout, once: only its hash is kept. Whoever has it acts under this name, and the audit trail says so.
/// The first member needs no token; after that, members add members. If a token is lost, remove the person and add them
/// again.
///
/// Needs DATABASE_URL, and your token (see desk --help) unless you are the first.
///
/// Examples:
///   desk staff add anna
///   desk staff add ben --note "joins on Monday"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Add {
    /// The name under which they act
    name: StaffName,
    #[command(flatten)]
    why: Why,
}

/// Remove a member of the staff: their token is no longer valid
///
/// The audit trail keeps what they did. The last member stays.
///
/// Needs DATABASE_URL, and your token (see desk --help).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Remove {
    /// The name under which they act
    name: StaffName,
    #[command(flatten)]
    why: Why,
}

/// List who is, or was, on the staff
///
/// Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<Answer, Failure> {
    match command {
        Command::Add(arguments) => add(arguments, environment).await,
        Command::Remove(arguments) => remove(arguments, environment).await,
        Command::List(arguments) => list(&arguments, environment).await,
    }
}

async fn add(arguments: Add, environment: &Environment) -> Result<Answer, Failure> {
    let Add { name, why } = arguments;
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let acting = why.read_anybody(&mut read, environment);
    let (store, acting) = read.finish_with(|| Some((store?, acting?)))?;
    let by = if staff::is_empty(&store).await.map_err(Error::from)? {
        acting.unknown(name.clone())
    } else {
        acting.identify(&store).await?
    };

    let token = staff::add(&store, by, name.clone()).await.map_err(Error::from)?;

    let token = token.map_err(|unchanged| refused(&name, unchanged))?;
    output::print(token.reveal())?;
    output::complain(&format!(
        "that is the token of {name}: give it to nobody else, it is not shown again"
    ));
    Ok(Answer::Done)
}

async fn remove(arguments: Remove, environment: &Environment) -> Result<Answer, Failure> {
    let Remove { name, why } = arguments;
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let acting = why.read(&mut read, environment);
    let (store, acting) = read.finish_with(|| Some((store?, acting?)))?;
    let by = acting.identify(&store).await?;

    let removed = staff::remove(&store, by, name.clone())
        .await
        .map_err(Error::from)?;

    removed.map_err(|unchanged| refused(&name, unchanged))?;
    output::print(&format!("{name} is no member of the staff any more"))?;
    Ok(Answer::Done)
}

fn refused(name: &StaffName, unchanged: Unchanged) -> Error {
    match unchanged {
        Unchanged::Uninvited => anyhow!("refused: {unchanged}"),
        _ => anyhow!("refused: {name} {unchanged}"),
    }
}

async fn list(arguments: &List, environment: &Environment) -> Result<Answer, Failure> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let store = read.finish_with(|| store)?;

    let found = staff::list(&store).await.map_err(Error::from)?;

    if arguments.json {
        output::print_json(&found)?;
    } else if found.is_empty() {
        output::complain("nobody; desk staff add NAME adds the first");
    } else {
        let rows: Vec<_> = found.iter().map(row).collect();
        output::print(&table::rows("", &rows))?;
    }
    Ok(Answer::Done)
}

fn row(member: &MemberView) -> [String; 3] {
    let removed = member.removed_at.map(table::instant);
    [
        member.name.clone(),
        format!("since {}", table::instant(member.added_at)),
        removed.map(|at| format!("removed {at}")).unwrap_or_default(),
    ]
}
