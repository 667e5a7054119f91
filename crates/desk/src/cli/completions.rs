//! `desk completions`, and the names that are completed from files.

use std::path::Path;

use clap::{Args, ValueEnum};
use clap_complete::CompletionCandidate;
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};
use service::Environment;

use super::{Answer, output};

/// The variable that makes this program complete a line instead of carrying it out; the scripts set it.
pub(super) const VARIABLE: &str = "COMPLETE";

/// Print the script that completes desk's arguments in a shell
///
/// It completes commands, options, and their values: reasons, states, files, and the resorts and sources of BELLHOP_CONFIG.
/// Where scripts/install was used it is in place.
///
/// Examples:
///   source <(desk completions bash)                  in ~/.bashrc
///   source <(desk completions zsh)                   in ~/.zshrc
///   desk completions fish | source                   in config.fish
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Answer> {
    let shell: &dyn EnvCompleter = match arguments.shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    };
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "desk", "desk", "desk", &mut script)?;
    let mut script = String::from_utf8(script)?;
    if matches!(arguments.shell, Shell::Zsh) {
        script.push_str(ZSH_AUTOLOADED);
    }
    output::print(&script)?;
    Ok(Answer::Done)
}

/// As a file `_desk` of a folder in `fpath`, the script is the function that completes, and is called for the first time
/// when something is to be completed.
const ZSH_AUTOLOADED: &str = r#"
if [[ "${funcstack[1]}" == _desk ]]; then
    _clap_dynamic_completer_desk "$@"
fi
"#;

/// The resorts of `BELLHOP_CONFIG`, by the names of their files, which are not read.
pub(super) fn resorts() -> Vec<CompletionCandidate> {
    names_in("resorts")
}

/// The sources, likewise.
pub(super) fn sources() -> Vec<CompletionCandidate> {
    names_in("sources")
}

fn names_in(folder: &str) -> Vec<CompletionCandidate> {
    let environment = Environment::of_process();
    let Some(config) = environment.get("BELLHOP_CONFIG") else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(Path::new(config).join(folder)) else {
        return Vec::new();
    };
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut names: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter_map(|path| path.file_stem().map(ToOwned::to_owned))
        .collect();
    names.sort();
    names.into_iter().map(CompletionCandidate::new).collect()
}
