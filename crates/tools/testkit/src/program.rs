//! One of our programs as a child process: its address, its log, its end.

use std::fmt::Write as _;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use std::{env, fs, io};

use serde_json::Value;

/// How many lines of each log a failed test shows.
const TAIL: usize = 60;
/// Longer than a start or an end may take.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A running program. It is killed when this value is dropped.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
    address: SocketAddr,
}

impl Program {
    /// Starts a binary with these variables and no others, its log in this folder, and waits until it listens.
    ///
    /// # Errors
    /// Where it does not; the error shows its log.
    pub async fn start(name: &str, variables: &[(String, String)], folder: &Path) -> anyhow::Result<Self> {
        Self::start_as(name, name, variables, folder).await
    }

    /// As [`Program::start`], under a name of its own: that of its log.
    ///
    /// # Errors
    /// As [`Program::start`].
    pub async fn start_as(
        name: &str,
        program: &str,
        variables: &[(String, String)],
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = fs::File::options().create(true).append(true).open(&log)?;
        // A program that is started once more appends: only what comes now tells its address.
        let begin = output.metadata()?.len();
        let path = binary(program)?;
        // The only one that is no program of its own: it is a command of the desk.
        let arguments: &[&str] = if program == "desk" { &["serve"] } else { &[] };
        let child = Command::new(&path)
            .args(arguments)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .map_err(|error| anyhow::anyhow!("cannot start {}: {error}", path.display()))?;
        let mut program = Self {
            name: name.to_owned(),
            child,
            log,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        program.address = program.listening(begin).await?;
        Ok(program)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that it has written so far, over all of its starts with this log.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `STOP`, which stops it until `CONT`.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let (signal, id) = (format!("-{signal}"), self.child.id().to_string());
        let sent = Command::new("kill").args([&signal, &id]).status()?;
        anyhow::ensure!(sent.success(), "cannot signal {}", self.name);
        Ok(())
    }

    /// The processor time that its threads have used so far, to a hundredth of a second.
    ///
    /// # Errors
    /// Where it has ended, or this is not Linux.
    pub fn cpu_time(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // proc(5): utime and stime are the 14th and 15th field; the second, in brackets, may hold blanks.
        let rest = stat.rsplit(')').next().unwrap_or_default();
        let used = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = used.sum::<Result<u64, _>>()?;
        // USER_HZ, which Linux keeps at 100 on all usual machines.
        Ok(Duration::from_millis(ticks * 10))
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// Where the system refuses to say.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Asks it to stop, with SIGTERM, and returns its exit code.
    ///
    /// # Errors
    /// Where it does not end within half a minute.
    pub async fn stop(&mut self) -> anyhow::Result<Option<i32>> {
        self.signal("TERM")?;
        let ending = async {
            loop {
                if let Some(status) = self.ended()? {
                    return Ok(status.code());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, ending).await?
    }

    /// The kernel's state of the process: `T` is stopped, `Z` has ended.
    pub(crate) fn state(&self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }

    /// Ends it as a power cut would: SIGKILL.
    pub fn kill(mut self) {
        self.end();
    }

    pub(super) fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the line that tells the address.
    async fn listening(&mut self, begin: u64) -> anyhow::Result<SocketAddr> {
        let waiting = async {
            loop {
                let written = read_from(&self.log, begin)?;
                if let Some(address) = written.lines().find_map(address_in) {
                    return Ok(address);
                }
                if let Some(status) = self.ended()? {
                    anyhow::bail!("{} ended with {status}:\n{written}", self.name);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await?
    }

    /// The end of its log, for a test that failed.
    pub(crate) fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let mut text = format!("--- the end of {}'s log\n", self.name);
        for line in lines.iter().skip(lines.len().saturating_sub(TAIL)) {
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

/// The binary that the same build made: beside a program of ours, one folder above a test.
///
/// # Errors
/// Where it is not there.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let ours = env::current_exe()?;
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let mut places = ours.ancestors().skip(1).take(2).map(|folder| folder.join(&file));
    places
        .find(|path| path.is_file())
        .ok_or_else(|| anyhow::anyhow!("{file} is not there; cargo build --workspace --bins makes it"))
}

/// What was written to a log since then. A line that is only half there comes whole the next time.
fn read_from(log: &Path, begin: u64) -> io::Result<String> {
    let mut file = fs::File::open(log)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut written = Vec::new();
    file.read_to_end(&mut written)?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    let is_it = line.get("message")?.as_str()? == "listening";
    line.get("address").filter(|_| is_it)?.as_str()?.parse().ok()
}

/// Whether a JSON log has a line with this id in its field `event` or `alert`.
pub fn has_line(log: &str, id: &str) -> bool {
    ["event", "alert"]
        .iter()
        .any(|field| log.contains(&format!(r#""{field}":"{id}""#)))
}
