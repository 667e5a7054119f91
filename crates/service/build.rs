//! Notes the commit that is built, for `--version`: `BELLHOP_COMMIT` where it is set (as in an image, which has no
//! repository), else what git says.
//!
//! Only for release builds: otherwise cargo would compile every program again after each commit.

use std::process::Command;

#[expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to a build script by its environment"
)]
fn main() {
    println!("cargo::rerun-if-env-changed=BELLHOP_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if !is_release || std::env::var_os("BELLHOP_COMMIT").is_some() {
        return;
    }
    // The log of HEAD grows with each commit, merge and checkout.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"]);
    if let (Some(commit), Some(log)) = (git(&["rev-parse", "--short=12", "HEAD"]), log) {
        println!("cargo::rerun-if-changed={log}");
        println!("cargo::rustc-env=BELLHOP_COMMIT={commit}");
    }
}

/// What git prints; `None` without git or outside of a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let ended = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(ended.stdout).ok()?;
    (ended.status.success() && !said.trim().is_empty()).then(|| said.trim().to_owned())
}
