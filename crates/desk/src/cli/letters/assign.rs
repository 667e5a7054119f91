//! `desk letters assign`

use clap::{ArgGroup, Args};
use domain::ids::{LetterId, StaffName};
use service::Environment;

use super::auth::ReasonArgs;
use super::{Answer, output, session};
use crate::actions::letters;

/// Give letters to a member of the staff to take care of
///
/// Needs DATABASE_URL, and your token (see desk --help).
///
/// Examples:
///   desk letters assign 12 13 --to anna
///   desk letters assign 12 --to-nobody
///   desk letters list --assignee anna
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("whom").args(["to", "to_nobody"]).required(true))]
pub(in crate::cli) struct Arguments {
    /// The letters' numbers
    #[arg(value_name = "ID", required = true)]
    ids: Vec<LetterId>,
    /// Who takes care of them
    #[arg(long, value_name = "NAME")]
    to: Option<StaffName>,
    /// Nobody takes care of them any more
    #[arg(long)]
    to_nobody: bool,
    #[command(flatten)]
    reason: ReasonArgs,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let (store, by) = session::store_for_staff(arguments.reason, environment).await?;
    let whom = arguments
        .to
        .as_ref()
        .map_or_else(|| "nobody's".to_owned(), |name| format!("{name}'s"));

    let decided = letters::assign(&store, arguments.ids, arguments.to, by).await?;

    let mut answer = Answer::Done;
    for (id, decided) in decided {
        match decided {
            Ok(_) => output::print(&format!("letter {id}: {whom}"))?,
            Err(declined) => answer = super::decline(id, &declined),
        }
    }
    Ok(answer)
}
