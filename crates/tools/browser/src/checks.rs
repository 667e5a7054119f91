//! What others say of a page: axe-core of its accessibility, html-validate of its HTML. Both are npm's, and installed by
//! `scripts/test` into `target/tools/pages`, with the versions of `scripts/lib/pages`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

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
    html_validate_all(&[("page".to_owned(), html.to_owned())])
}

/// As [`html_validate`], for many pages with their names, in one run of Node.js: its start takes longer than a page.
///
/// # Errors
/// As [`html_validate`]; and where a name is none of a file.
pub fn html_validate_all(pages: &[(String, String)]) -> anyhow::Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    for (name, html) in pages {
        fs::write(folder.path().join(format!("{name}.html")), html)?;
    }
    let output = Command::new("node")
        .arg(installed(HTML_VALIDATE)?)
        .args(["--config", RULES, "--formatter", "text"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .context("cannot start Node.js: scripts/test says how to install it")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let own = format!("{}/", folder.path().display());
    let found: Vec<String> = said
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.replace(&own, ""))
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
