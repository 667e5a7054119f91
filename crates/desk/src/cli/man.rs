//! `desk man`

use std::path::PathBuf;

use clap::Args;
use clap_mangen::Man;

use super::{Answer, command, output};

/// Print the manual page, or write one for each command
///
/// Without DIR it prints desk(1). Where scripts/install was used all pages are in place: man desk, man desk-letters-retry.
///
/// Examples:
///   desk man > desk.1; man ./desk.1
///   desk man ~/.local/share/man/man1        then: man desk-letters-retry
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The folder for desk.1, desk-letters.1, desk-letters-retry.1 and so on; it is made where it is missing
    dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    if let Some(dir) = &arguments.dir {
        std::fs::create_dir_all(dir)?;
        clap_mangen::generate_to(command::command(), dir)?;
    } else {
        let mut page = Vec::new();
        Man::new(command::command().disable_help_subcommand(true)).render(&mut page)?;
        output::print(&String::from_utf8(page)?)?;
    }
    Ok(Answer::Done)
}
