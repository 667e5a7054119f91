//! The desk's command line, asked as the support staff would.

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

/// The desk's program, if there is one to ask.
pub(crate) struct Desk {
    program: Option<String>,
}

impl Desk {
    pub(crate) fn new(program: Option<String>) -> Self {
        Self { program }
    }

    /// The booking's status; `None` without a desk, or while the desk does not know the booking.
    pub(crate) async fn status(&self, resort: &str, booking: &str) -> anyhow::Result<Option<String>> {
        let Some(program) = self.program.clone() else {
            return Ok(None);
        };
        let mut command = Command::new(program);
        command
            .args(["bookings", "show", resort, booking, "--json"])
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .context("the thread that asked the desk has died")?
            .context("cannot start the desk")?;
        // 1: it does not know the booking yet.
        ensure!(
            output.status.code() != Some(2),
            "the desk did not understand the question: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        if !output.status.success() {
            return Ok(None);
        }
        let shown: Value =
            serde_json::from_slice(&output.stdout).context("cannot read what the desk shows")?;
        Ok(shown.get("status").and_then(Value::as_str).map(str::to_owned))
    }

    pub(crate) fn is_there(&self) -> bool {
        self.program.is_some()
    }
}
