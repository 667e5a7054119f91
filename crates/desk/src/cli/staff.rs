//! `desk staff …`

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use crypto::token::Token;
use domain::ids::StaffName;
use serde::Serialize;
use service::Environment;
use store::staff::{self, Unchanged};

use super::auth::ReasonArgs;
use super::{Answer, output, session, table};
use crate::settings;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Add(Add),
    Remove(Remove),
    List(List),
}

/// Add a member of the staff, and print their token
///
/// The token is printed to stdout, once: only its hash is stored. It lets its owner act under this name, which the audit
/// trail records. The first member is added without a token; after that, members add members. To replace a lost token,
/// remove the person and add them again.
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
    reason: ReasonArgs,
}

/// Remove a member of the staff, whose token becomes invalid
///
/// The audit trail keeps their name. The last member cannot be removed.
///
/// Needs DATABASE_URL, and your token (see desk --help).
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Remove {
    /// The name under which they act
    name: StaffName,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// List the present and former members of the staff
///
/// Needs DATABASE_URL.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    /// Print one JSON array instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct MemberView {
    name: String,
    added_at: DateTime<Utc>,
    removed_at: Option<DateTime<Utc>>,
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    match command {
        Command::Add(arguments) => add(arguments, environment).await,
        Command::Remove(arguments) => remove(arguments, environment).await,
        Command::List(arguments) => list(&arguments, environment).await,
    }
}

async fn add(Add { name, reason }: Add, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let login = reason.read_without_token(&mut read, environment);
    let (store, login) = read.finish_with(|| Some((store?, login?)))?;
    let by = if store.run(staff::is_empty).await? {
        login.unidentified(name.clone())
    } else {
        login.identify(&store).await?
    };

    let token = Token::generate();
    let (hash, added) = (token.hash(), name.clone());
    let done = store
        .transaction(move |connection| staff::add(connection, &by, &added, &hash))
        .await?;

    done.map_err(|unchanged| refused(&name, unchanged))?;
    output::print(token.reveal())?;
    output::complain(&format!(
        "this is the token of {name}: keep it secret, it is not shown again"
    ));
    Ok(Answer::Done)
}

async fn remove(Remove { name, reason }: Remove, environment: &Environment) -> anyhow::Result<Answer> {
    let (store, by) = session::store_for_staff(reason, environment).await?;

    let removed = name.clone();
    let done = store
        .transaction(move |connection| staff::remove(connection, &by, &removed))
        .await?;

    done.map_err(|unchanged| refused(&name, unchanged))?;
    output::print(&format!("{name} is no member of the staff any more"))?;
    Ok(Answer::Done)
}

fn refused(name: &StaffName, unchanged: Unchanged) -> anyhow::Error {
    match unchanged {
        Unchanged::Uninvited => anyhow!("refused: {unchanged}"),
        _ => anyhow!("refused: {name} {unchanged}"),
    }
}

async fn list(arguments: &List, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let store = read.finish_with(|| store)?;

    let members = store.run(staff::list).await?;

    let views = members.into_iter().map(|member| MemberView {
        name: member.name,
        added_at: member.added_at,
        removed_at: member.removed_at,
    });
    let views: Vec<_> = views.collect();
    let if_empty = "there is no member yet; desk staff add NAME adds the first";
    output::print_list(&views, arguments.json, if_empty, row)?;
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
