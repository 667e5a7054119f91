//! `desk version`

use clap::Args;

use super::{Answer, VERSION, output};

/// Print the version, and the commit that it was built of
///
/// The commit is known of release builds from git.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> anyhow::Result<Answer> {
    output::print(&format!("desk {}", *VERSION))?;
    Ok(Answer::Done)
}
