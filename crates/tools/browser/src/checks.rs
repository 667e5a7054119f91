//! What others say of a page: axe-core of its accessibility, html-validate of its HTML. Both are npm's, and installed by
//! `scripts/test` into `target/tools/pages`, with the versions of `scripts/lib/pages`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{fs, thread};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::Browser;
use crate::browser::target;

const AXE: &str = "axe-core/axe.min.js";
const HTML_VALIDATE: &str = "html-validate/bin/html-validate.mjs";
/// Its settings: the rules that it recommends.
const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/html-validate.json");

impl Browser {
    /// The rules of axe-core that the page breaks, each with the elements that do; none where all is well.
    ///
    /// # Errors
    /// Where axe-core is not installed.
    pub async fn axe(&self) -> anyhow::Result<Vec<String>> {
        if self.run("return 'axe' in window", &[]).await? != Value::Bool(true) {
            let axe = fs::read_to_string(installed(AXE)?)?;
            self.run(&axe, &[]).await?;
        }
        let run = "return axe.run().then((results) => results.violations.map((broken) => \
                   `${broken.id}: ${broken.help}: ` + broken.nodes.map((node) => node.target.join(' ')).join(', ')))";
        let found = self.run(run, &[]).await?;
        let found = found.as_array().context("axe-core answered otherwise")?;
        Ok(found
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect())
    }
}

/// What html-validate finds in a page, one line each; none where all is well.
///
/// # Errors
/// Where html-validate or Node.js is not installed.
pub fn html_validate(html: &str) -> anyhow::Result<Vec<String>> {
    let mut process = Command::new("node")
        .arg(installed(HTML_VALIDATE)?)
        .args(["--config", RULES, "--formatter", "text", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start Node.js: scripts/test says how to install it")?;
    let mut input = process.stdin.take().context("Node.js has no input")?;
    let html = html.to_owned();
    // It may answer before it has read all.
    let writing = thread::spawn(move || input.write_all(html.as_bytes()));
    let output = process.wait_with_output()?;
    let _ = writing.join();
    let said = String::from_utf8_lossy(&output.stdout);
    let found: Vec<String> = said
        .lines()
        .map(str::to_owned)
        .filter(|line| !line.is_empty())
        .collect();
    ensure!(
        output.status.success() || !found.is_empty(),
        "html-validate failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(found)
}

fn installed(file: &str) -> anyhow::Result<PathBuf> {
    let path = target()?.join("tools/pages/node_modules").join(file);
    ensure!(
        path.exists(),
        "{file} is not installed: run scripts/test, which installs it with npm"
    );
    Ok(path)
}
