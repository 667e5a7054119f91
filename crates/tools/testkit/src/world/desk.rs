//! The desk's command line, as the support staff would use it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{World, must};
use crate::program::{self, Program};

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: Option<i32>,
    /// The result.
    pub stdout: String,
    /// Everything else.
    pub stderr: String,
}

impl Ended {
    /// Expects an exit code.
    ///
    /// # Panics
    /// Where it was another.
    #[track_caller]
    pub fn check(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl World {
    /// Starts the desk's page.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn serve_desk(&self) -> Program {
        let started = Program::start("desk", &self.variables_of("desk"), self.folder.path()).await;
        must("desk", started)
    }

    /// Runs `desk` with these arguments, separated by blanks, and waits for its end.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub async fn desk(&self, arguments: &str) -> Ended {
        self.desk_with(arguments, &[]).await
    }

    /// As [`World::desk`], with these variables more.
    ///
    /// # Panics
    /// As [`World::desk`].
    pub async fn desk_with(&self, arguments: &str, more: &[(&str, &str)]) -> Ended {
        self.run_desk(arguments, more, "").await
    }

    /// As [`World::desk`], with this on stdin.
    ///
    /// # Panics
    /// As [`World::desk`].
    pub async fn desk_saying(&self, arguments: &str, stdin: &str) -> Ended {
        self.run_desk(arguments, &[], stdin).await
    }

    async fn run_desk(&self, arguments: &str, more: &[(&str, &str)], stdin: &str) -> Ended {
        let mut command = Command::new(must("desk", program::binary("desk")));
        command
            .args(arguments.split_whitespace())
            .env_clear()
            .envs(self.variables_of("desk"))
            .envs(more.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let stdin = stdin.to_owned();
        let ran = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn()?;
            if let Some(mut input) = child.stdin.take() {
                // One that reads nothing may be gone already.
                let _ = input.write_all(stdin.as_bytes());
            }
            child.wait_with_output()
        })
        .await;
        let output = must("desk", must("desk", ran));
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// The letters that `desk letters list` finds with these arguments.
    ///
    /// # Panics
    /// Where it ends otherwise than with 0 and a JSON array.
    pub async fn letters(&self, arguments: &str) -> Vec<Value> {
        let ended = self.desk(&format!("letters list --json {arguments}")).await;
        ended.check(0);
        must("the letters", serde_json::from_str(&ended.stdout))
    }
}
