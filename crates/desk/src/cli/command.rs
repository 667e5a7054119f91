//! The command line as a value: what is parsed, shown as help, completed in shells and written as manual pages.
//!
//! Two things are added to the commands' doc comments: their lines, which are wider than terminals, are broken, and names in
//! files are completed.

use clap::{Arg, Command, CommandFactory};
use clap_complete::ArgValueCandidates;
use service::columns::{COLUMNS, fit};

use super::{Cli, completions};

/// The whole command line.
pub(super) fn command() -> Command {
    fitted(Cli::command().max_term_width(COLUMNS), "desk")
}

/// A command that is called as `path` says.
fn fitted(mut command: Command, path: &str) -> Command {
    if let Some(text) = command.get_long_about().map(ToString::to_string) {
        command = command.long_about(fit(&text));
    }
    if let Some(text) = command.get_after_help().map(ToString::to_string) {
        command = command.after_help(fit(&text));
    }
    if let Some(usage) = broken_usage(&command, path) {
        command = command.override_usage(usage);
    }
    command.mut_args(completed).mut_subcommands(|inner| {
        let path = format!("{path} {}", inner.get_name());
        fitted(inner, &path)
    })
}

/// A usage that is too wide, with each group of options of which one is required on a line of its own.
fn broken_usage(command: &Command, path: &str) -> Option<String> {
    let usage = command.clone().bin_name(path).render_usage().to_string();
    let is_wide = usage.chars().count() > COLUMNS;
    let usage = usage.strip_prefix("Usage: ").filter(|_| is_wide)?;
    Some(usage.replace(" <--", "\n         <--"))
}

fn completed(arg: Arg) -> Arg {
    match arg.get_id().as_str() {
        "resort" => arg.add(ArgValueCandidates::new(completions::resorts)),
        "source" => arg.add(ArgValueCandidates::new(completions::sources)),
        _ => arg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &Command) {
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let mut whole = command.clone();
        for (kind, help) in [
            ("-h", whole.render_help().to_string()),
            ("--help", whole.render_long_help().to_string()),
        ] {
            for line in help.lines() {
                assert!(line.chars().count() <= COLUMNS, "{name} {kind}: {line}");
            }
        }
        command.get_subcommands().for_each(check);
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn no_line_of_a_help_is_wider_than_80_columns() {
        let mut all = command();
        all.build();

        check(&all);
    }
}
