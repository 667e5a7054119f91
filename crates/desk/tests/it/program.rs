//! Calls the program with an environment of its own.

use std::io::Write;
use std::process::{Command, Stdio};

pub(crate) const KEYS: &str =
    "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=,lookup:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
pub(crate) const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/demo");

#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn check(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        self.check(0);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Runs `desk` without this process's environment and waits for its end.
pub(crate) async fn desk(arguments: &[&str], environment: &[(&str, &str)], stdin: &str) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_desk"));
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let stdin = stdin.to_owned();
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // A program that reads no stdin may have ended already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    });
    let output = ended.await.unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
