//! `desk completions` and `desk man`, with a real shell and the real man.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::program::{CONFIG, desk};

/// What the shell offers for the last of these words, as if Tab were pressed behind it.
fn completed_by_bash(words: &[&str]) -> BTreeSet<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "source <(desk completions bash); COMP_WORDS=({}); COMP_CWORD={}; COMP_TYPE=9; \
         _clap_complete_desk desk '{}' ''; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len() - 1,
        words.last().unwrap(),
    );
    let ended = shell("bash", &["-c", &script]);
    assert!(
        ended.status.success() && ended.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let said = String::from_utf8(ended.stdout).unwrap();
    said.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// With `desk` in its path, and the demo's files.
#[expect(
    clippy::disallowed_methods,
    reason = "the shell needs a path, of which only this process knows"
)]
fn shell(program: &str, arguments: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_BIN_EXE_desk")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", path)
        .env("BELLHOP_CONFIG", CONFIG)
        .env("MANWIDTH", "80");
    command.output().unwrap()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

// shows: B246
#[test]
fn bash_completes_commands_options_values_and_the_names_of_files() {
    assert_eq!(completed_by_bash(&["desk", "b"]), names(&["bookings"]));
    assert_eq!(
        completed_by_bash(&["desk", "letters", "c"]),
        names(&["close", "cancel-job"])
    );
    assert_eq!(
        completed_by_bash(&["desk", "letters", "list", "--rea"]),
        names(&["--reason"])
    );
    assert_eq!(
        completed_by_bash(&["desk", "letters", "list", "--reason", "unma"]),
        names(&["unmappable", "unmatched_stop"])
    );
    assert_eq!(
        completed_by_bash(&["desk", "bookings", "show", "az"]),
        names(&["azure-bay"])
    );
    assert_eq!(
        completed_by_bash(&["desk", "source", "last", "dir"]),
        names(&["direct"])
    );
}

#[test]
fn the_scripts_of_other_shells_are_whole_where_those_are_installed() {
    for (name, check) in [("zsh", "-n"), ("fish", "--no-execute")] {
        if Command::new(name).arg("--version").output().is_err() {
            continue;
        }
        let script = shell("desk", &["completions", name]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("script");
        fs::write(&file, script.stdout).unwrap();

        let checked = shell(name, &[check, file.to_str().unwrap()]);

        assert!(checked.status.success(), "{name}: {checked:?}");
    }
}

// shows: B247
#[tokio::test]
async fn every_command_has_a_manual_page_that_man_takes_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();

    let written = desk(&["man", folder.path().to_str().unwrap()], &[], "").await;
    let main = desk(&["man"], &[], "").await;

    written.check(0);
    let pages: BTreeSet<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(pages.len() > 50, "{pages:?}");
    let page = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(main.check(0).stdout.trim_end(), page("desk.1").trim_end());
    assert!(page("desk-letters-retry.1").contains("\\-\\-dry\\-run"));
    if Command::new("man").arg("--version").output().is_ok() {
        for name in ["desk.1", "desk-letters-retry.1", "desk-report.1"] {
            let file = folder.path().join(name);
            let shown = shell("man", &["--warnings", "-l", file.to_str().unwrap()]);
            assert!(shown.status.success() && shown.stderr.is_empty(), "{shown:?}");
        }
    }
}
