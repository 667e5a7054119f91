//! The command line: reads arguments, asks for what a command needs, prints what came of it.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings.

#![expect(
    clippy::doc_markdown,
    reason = "these doc comments are the help that people read on a terminal"
)]

mod acting;
mod arguments;
mod audit;
mod bookings;
mod config;
mod guests;
mod holds;
mod input;
mod keys;
mod ledger;
mod letters;
mod messages;
mod migrate;
mod opening;
mod output;
mod seal;
mod staff;
mod table;
mod token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service::{Environment, Failure, chain};

const ENVIRONMENT: &str = "\
Environment (each command asks only for what it uses, and names everything that is missing at once):
  DATABASE_URL         Postgres
  AMQP_URL             RabbitMQ, amqp:// or amqps://, with its vhost
  SSL_CERT_FILE        certificate authorities that amqps:// trusts instead of the system's, a file in PEM form; and
  SSL_CERT_DIR         folders of such files, separated by colons
  BELLHOP_CONFIG       the folder with resorts/*.toml and sources/*.toml
  BELLHOP_KEYS         the key ring, ID:BASE64(32 bytes) separated by commas; or
  BELLHOP_KEYS_FILE    a file with it
  BELLHOP_STAFF_TOKEN  your token: what you do is recorded under your name in the audit trail; see below
  RUST_LOG             what is logged to stderr [info]; libraries never log below info
  LOG_FORMAT           json or text

Looking at personal data, deciding, pausing, and changing keys or staff need a token, made by desk staff add. Without the
variable it is asked for once, on a terminal, and kept in $XDG_CONFIG_HOME/bellhop/token or ~/.config/bellhop/token, which
nobody else may read.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings.

Examples:
  desk migrate                               prepare Postgres and RabbitMQ before a new version starts
  desk config check deploy/demo              is every resort's and source's file good?
  desk bookings show azure-bay BK-1001       what happened to this guest, and what is still to come?
  desk letters list --by reason              how many dead letters, and why?
  desk letters retry 12                      try it once more
  desk messages list --state dead --json     what did not go out?
  desk guests erase --phone -                forget a guest; asks for the number
  desk keys reseal                           after a new key was made the first one, everywhere
  desk ledger check                          is anything stuck or missing?
  desk staff add anna                        her token; the first one needs nobody else's
  desk audit list --since 7d                 who looked at whom, who decided what, and why?
  desk pause --resort azure-bay              hold everything of a resort; desk resume lets it go";

/// Lets people see and settle what could not be done automatically.
#[derive(Debug, Parser)]
#[command(name = "desk", version, about, after_help = ENVIRONMENT, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Migrate(migrate::Arguments),
    /// Look after the resort and source files
    #[command(subcommand)]
    Config(config::Command),
    Seal(seal::Arguments),
    /// Check and change the keys that encrypt personal data
    #[command(subcommand)]
    Keys(keys::Command),
    /// Look at bookings
    #[command(subcommand)]
    Bookings(bookings::Command),
    /// Look at dead letters, and settle them
    #[command(subcommand)]
    Letters(letters::Command),
    /// Answer a guest's request: export, stop or erase
    #[command(subcommand)]
    Guests(guests::Command),
    /// Look at messages
    #[command(subcommand)]
    Messages(messages::Command),
    /// Check that nothing is stuck or missing
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Add and remove members of the staff
    #[command(subcommand)]
    Staff(staff::Command),
    /// Look up who did what
    #[command(subcommand)]
    Audit(audit::Command),
    Pause(holds::Pause),
    Resume(holds::Resume),
    Holds(holds::List),
}

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done,
    /// It did its work, and the answer is no; it has said why.
    Refused,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment::of_process();
    if let Err(problems) = service::logs::init(&environment) {
        output::complain(&problems.to_string());
        return ExitCode::from(2);
    }
    service::crash::arm(&environment);
    match answer(cli.command, &environment) {
        Ok(Answer::Done) => ExitCode::SUCCESS,
        Ok(Answer::Refused) => ExitCode::FAILURE,
        Err(Failure::Settings(problems)) => {
            output::complain(&problems.to_string());
            ExitCode::from(2)
        }
        Err(Failure::Other(error)) => {
            output::complain(&format!("desk: {}", chain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

fn answer(command: Command, environment: &Environment) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command {
            Command::Migrate(arguments) => migrate::run(&arguments, environment).await,
            Command::Config(command) => config::run(command, environment),
            Command::Seal(arguments) => seal::run(&arguments, environment),
            Command::Keys(command) => keys::run(command, environment).await,
            Command::Bookings(command) => bookings::run(command, environment).await,
            Command::Letters(command) => letters::run(command, environment).await,
            Command::Guests(command) => guests::run(command, environment).await,
            Command::Messages(command) => messages::run(command, environment).await,
            Command::Ledger(command) => ledger::run(command, environment).await,
            Command::Staff(command) => staff::run(command, environment).await,
            Command::Audit(command) => audit::run(command, environment).await,
            Command::Pause(arguments) => holds::pause(arguments, environment).await,
            Command::Resume(arguments) => holds::resume(arguments, environment).await,
            Command::Holds(arguments) => holds::list(arguments, environment).await,
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
