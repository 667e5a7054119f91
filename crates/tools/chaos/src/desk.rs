//! The desk's command line, as an operator would use it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;

/// How the results are asked for in the end.
const LEDGER: &[&str] = &["ledger", "check", "--margin", "10s", "--json"];

/// The desk's program, past all proxies.
#[derive(Debug)]
pub(crate) struct Desk {
    program: PathBuf,
    variables: Vec<(String, String)>,
}

impl Desk {
    pub(crate) fn new(program: PathBuf, variables: Vec<(String, String)>) -> Self {
        Self { program, variables }
    }

    /// Brings schema and queues to what they must be.
    pub(crate) async fn migrate(&self) -> anyhow::Result<()> {
        let (code, said) = self.run(&["migrate"]).await?;
        anyhow::ensure!(code == Some(0), "desk migrate ended with {code:?}: {said}");
        Ok(())
    }

    /// What `desk ledger check` finds that should not be; each with its trouble.
    pub(crate) async fn ledger(&self) -> anyhow::Result<Vec<String>> {
        let (code, said) = self.run(LEDGER).await?;
        let book: Value = serde_json::from_str(&said)
            .with_context(|| format!("desk ledger check ended with {code:?}: {said}"))?;
        let findings = book.get("findings").and_then(Value::as_array);
        let mut found: Vec<String> = findings.into_iter().flatten().map(Value::to_string).collect();
        if found.is_empty() && code != Some(0) {
            found.push(format!("desk ledger check ended with {code:?}"));
        }
        Ok(found)
    }

    /// The calls that broke a rule, as the owner's report names them.
    pub(crate) async fn broken_rules(&self) -> anyhow::Result<Vec<String>> {
        let (code, said) = self.run(&["report", "--json"]).await?;
        let report: Value = serde_json::from_str(&said)
            .with_context(|| format!("desk report ended with {code:?}: {said}"))?;
        let broken = report
            .get("broken")
            .and_then(Value::as_array)
            .context("desk report says nothing of broken rules")?;
        Ok(broken.iter().map(Value::to_string).collect())
    }

    /// The exit code, and what it printed; where that is nothing, its complaints.
    async fn run(&self, arguments: &'static [&'static str]) -> anyhow::Result<(Option<i32>, String)> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await?
            .context("cannot start the desk")?;
        let said = if output.stdout.is_empty() {
            output.stderr
        } else {
            output.stdout
        };
        Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    }
}
