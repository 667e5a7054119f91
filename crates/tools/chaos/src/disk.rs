//! The disk that Postgres keeps its tables on: a small tmpfs, which can be made as small as what lies on it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};

const WHOLE: &str = "4g";
/// What may still be written while it is full: a moment's work.
const SPARE_BYTES: u64 = 128 * 1024;

/// Where it is mounted.
#[derive(Debug, Clone)]
pub(crate) struct Disk(pub(crate) PathBuf);

impl Disk {
    /// From now on there is no room but for [`SPARE_BYTES`].
    pub(crate) async fn fill(&self) -> anyhow::Result<()> {
        let used = self.run("df", &["-B1", "--output=used"]).await?;
        let used = used
            .split_whitespace()
            .last()
            .and_then(|bytes| bytes.parse::<u64>().ok());
        let used = used.context("cannot read what df says")?;
        self.resize(&(used + SPARE_BYTES).to_string()).await
    }

    /// There is room again.
    pub(crate) async fn free(&self) -> anyhow::Result<()> {
        self.resize(WHOLE).await
    }

    async fn resize(&self, size: &str) -> anyhow::Result<()> {
        let options = format!("remount,size={size}");
        self.run("mount", &["-o", &options]).await.map(|_| ())
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(program);
        command.args(arguments).arg(&self.0);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{program} {}: {said}",
            arguments.join(" ")
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
