//! The frame of a program that takes no arguments.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::environment::{Environment, Problems};
use crate::metrics::MetricError;
use crate::{Stop, chain, columns, crash, logs, misspelt, version};

/// How long threads that cannot be interrupted may hold up the end of the process.
const THREADS_DEADLINE: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy)]
pub struct About {
    pub name: &'static str,
    pub version: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// The body of `--help`: variables with their defaults, endpoints, signals, exit codes.
    pub help: &'static str,
}

/// Why a program ended other than by being asked to.
#[derive(Debug)]
pub enum Failure {
    /// The settings are wrong; exit code 2.
    Settings(Problems),
    /// Anything else; exit code 1.
    Other(anyhow::Error),
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Settings(problems)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Problems>() {
            Ok(problems) => Self::Settings(problems),
            Err(error) => Self::Other(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<MetricError> for Failure {
    fn from(error: MetricError) -> Self {
        Self::Other(error.into())
    }
}

/// Runs a program that takes no arguments until it ends or is asked to stop.
///
/// Answers `--help` and `--version`, refuses other arguments, sets up the logs and the signals, and gives the main
/// function the settings and the stop on a multi-threaded runtime. The exit code is 0 after a clean end, 2 for wrong
/// settings (all named on stderr), 1 otherwise.
pub fn run<S, M>(about: About, read: impl FnOnce(&Environment) -> Result<S, Problems>, main: M) -> ExitCode
where
    M: AsyncFnOnce(S, Stop) -> Result<(), Failure>,
{
    match ask(std::env::args().skip(1)) {
        Ask::Run => {}
        Ask::Help => {
            let head = format!("{} {}\n{}", about.name, about.version, about.about);
            return tell(&columns::fit(&format!("{head}\n\n{}", about.help)));
        }
        Ask::Version => return tell(&format!("{} {}", about.name, version::full(about.version))),
        Ask::Unknown => {
            let name = about.name;
            complain(&format!(
                "{name}: takes no arguments but --help and --version; it is set up by environment variables"
            ));
            return ExitCode::from(2);
        }
    }
    match set_up(read)
        .map_err(Failure::Settings)
        .and_then(|settings| live(settings, main))
    {
        Ok(()) => {
            log::info!(event = "stopped"; "stopped");
            ExitCode::SUCCESS
        }
        Err(Failure::Settings(problems)) => {
            complain(&problems.to_string());
            ExitCode::from(2)
        }
        Err(Failure::Other(error)) => {
            log::error!(error = chain(error.as_ref()), event = "failed"; "ended with a failure");
            ExitCode::FAILURE
        }
    }
}

/// Reads the settings of the logs and of the program, and reports the problems of both at once.
fn set_up<S>(read: impl FnOnce(&Environment) -> Result<S, Problems>) -> Result<S, Problems> {
    let environment = Environment::of_process();
    let logs = logs::init(&environment);
    crash::arm(&environment);
    if logs.is_ok() {
        misspelt::warn_about(&environment);
    }
    match (logs, read(&environment)) {
        (Ok(()), read) => read,
        (Err(problems), Ok(_)) => Err(problems),
        (Err(mut problems), Err(others)) => {
            problems.extend(others);
            Err(problems)
        }
    }
}

fn live<S, M>(settings: S, main: M) -> Result<(), Failure>
where
    M: AsyncFnOnce(S, Stop) -> Result<(), Failure>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let stop = Stop::on_signals()?;
        let ended = stop
            .within_shutdown_deadline(main(settings, stop.clone()))
            .await
            .map_err(anyhow::Error::from)?;
        match stop.wrong_settings() {
            Some(problems) => Err(Failure::Settings(problems)),
            None => ended,
        }
    });
    runtime.shutdown_timeout(THREADS_DEADLINE);
    ended
}

#[derive(Debug, PartialEq)]
enum Ask {
    Run,
    Help,
    Version,
    Unknown,
}

fn ask(mut arguments: impl Iterator<Item = String>) -> Ask {
    let first = arguments.next();
    match first.as_deref() {
        None => Ask::Run,
        Some("--help" | "-h") => Ask::Help,
        Some("--version" | "-V") => Ask::Version,
        Some(_) => Ask::Unknown,
    }
}

/// Writes to stdout; a reader that has gone away (`--help | head`) is no failure.
fn tell(text: &str) -> ExitCode {
    let _ = writeln!(io::stdout(), "{}", text.trim_end());
    ExitCode::SUCCESS
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_help_and_version_are_taken_as_arguments() {
        let asked = |arguments: &[&str]| ask(arguments.iter().map(|&argument| argument.to_owned()));

        assert_eq!(asked(&[]), Ask::Run);
        assert_eq!(asked(&["-h"]), Ask::Help);
        assert_eq!(asked(&["--version"]), Ask::Version);
        assert_eq!(asked(&["serve"]), Ask::Unknown);
    }

    #[test]
    fn wrong_settings_are_recognised_below_other_errors() {
        let failure = Failure::from(anyhow::Error::from(Problems::one("AMQP_URL", "is not set")));

        assert!(matches!(failure, Failure::Settings(_)));
    }
}
