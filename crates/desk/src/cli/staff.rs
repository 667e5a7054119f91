//! `desk staff …`

use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use crypto::token::Token;
use domain::ids::{ResortId, StaffName};
use domain::staff::{Access, Role, Scope};
use serde::Serialize;
use service::Environment;
use store::sessions;
use store::staff::{self, Identity, Unchanged};

use super::auth::ReasonArgs;
use super::{Answer, output, session, table};
use crate::settings;

const LINK_LIFE: Duration = Duration::from_mins(10);

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Add(Add),
    Role(Change),
    Link(Link),
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
    access: AccessArgs,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// What a member may do, and where.
#[derive(Debug, Args)]
struct AccessArgs {
    /// viewer sees, with personal data hidden; support decides; admin also changes the staff and the keys, and exports
    /// and erases guests [default: support; the first member is admin]
    #[arg(long, value_name = "ROLE")]
    role: Option<Role>,
    /// Only at this resort; repeat it for several [default: all resorts]
    #[arg(long = "resort", value_name = "RESORT")]
    resorts: Vec<ResortId>,
}

impl AccessArgs {
    fn read(self) -> Access {
        let scope = if self.resorts.is_empty() {
            Scope::All
        } else {
            Scope::Resorts(self.resorts.into_iter().collect())
        };
        Access {
            role: self.role.unwrap_or(Role::Support),
            scope,
        }
    }
}

/// Give a member another role, or other resorts
///
/// What is not named has its default: `desk staff role ben --role viewer` makes Ben a viewer of all resorts. It holds from
/// the next command or page on.
///
/// Needs DATABASE_URL, and the token of an admin (see desk --help).
///
/// Examples:
///   desk staff role ben --role viewer
///   desk staff role ben --role support --resort azure-bay --resort olive-hill
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Change {
    /// The name under which they act
    name: StaffName,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    reason: ReasonArgs,
}

/// Print a link that signs a browser in at the desk's page
///
/// The link works once, within ten minutes, for whoever opens it: give it to the member alone. Members make links for
/// themselves, admins for all.
///
/// Needs DATABASE_URL, DESK_PUBLIC_URL unless the page is at http://127.0.0.1:8083, and your token (see desk --help).
///
/// Examples:
///   desk staff link anna
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Link {
    /// Whose browser it signs in
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
    role: String,
    /// Null: all.
    resorts: Option<Vec<String>>,
    added_at: DateTime<Utc>,
    removed_at: Option<DateTime<Utc>>,
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    match command {
        Command::Add(arguments) => add(arguments, environment).await,
        Command::Role(arguments) => change(arguments, environment).await,
        Command::Link(arguments) => link(arguments, environment).await,
        Command::Remove(arguments) => remove(arguments, environment).await,
        Command::List(arguments) => list(&arguments, environment).await,
    }
}

async fn add(arguments: Add, environment: &Environment) -> anyhow::Result<Answer> {
    let Add { name, access, reason } = arguments;
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
    let hash = token.hash();
    let added = Identity {
        name: name.clone(),
        access: access.read(),
    };
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

async fn change(arguments: Change, environment: &Environment) -> anyhow::Result<Answer> {
    let Change { name, access, reason } = arguments;
    let (store, by) = session::store_for_staff(reason, environment).await?;

    let to = Identity {
        name: name.clone(),
        access: access.read(),
    };
    let role = to.access.role;
    let done = store
        .transaction(move |connection| staff::change(connection, &by, &to))
        .await?;

    done.map_err(|unchanged| refused(&name, unchanged))?;
    output::print(&format!("{name} has the role {role} now"))?;
    Ok(Answer::Done)
}

async fn link(Link { name, reason }: Link, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let store = settings::database(&mut read);
    let page = settings::public_url(&mut read);
    let login = reason.read(&mut read, environment);
    let (store, page, login) = read.finish_with(|| Some((store?, page?, login?)))?;
    let by = login.identify(&store).await?;

    let token = Token::generate();
    let (hash, member) = (token.hash(), name.clone());
    let done = store
        .transaction(move |connection| sessions::make_link(connection, &by, &member, &hash, LINK_LIFE))
        .await?;

    done.map_err(|unchanged| refused(&name, unchanged))?;
    output::print(&page.sign_in(&token))?;
    output::complain(&format!(
        "this signs a browser in as {name}, once, within ten minutes"
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
        role: member.role,
        resorts: member
            .resorts
            .map(|resorts| resorts.into_iter().flatten().collect()),
        added_at: member.added_at,
        removed_at: member.removed_at,
    });
    let views: Vec<_> = views.collect();
    let if_empty = "there is no member yet; desk staff add NAME adds the first";
    output::print_list(&views, arguments.json, if_empty, HEADS, row)?;
    Ok(Answer::Done)
}

const HEADS: [&str; 5] = ["name", "role", "resorts", "added", "removed"];

fn row(member: &MemberView) -> [String; 5] {
    let everywhere = || "all resorts".to_owned();
    let removed = member.removed_at.map(table::instant);
    [
        member.name.clone(),
        member.role.clone(),
        member
            .resorts
            .as_ref()
            .map_or_else(everywhere, |resorts| resorts.join(", ")),
        table::instant(member.added_at),
        removed.unwrap_or_default(),
    ]
}
