//! The command line.
//!
//! Each command has one file here, with its arguments, its help and its output. It calls `store` directly, or `actions` where
//! a command follows a rule that another face must follow too.
//!
//! Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings.

#![expect(
    clippy::doc_markdown,
    reason = "these doc comments are the help that people read on a terminal"
)]

mod arguments;
mod audit;
mod auth;
mod bookings;
mod command;
mod completions;
mod config;
mod guests;
mod holds;
mod input;
mod keys;
mod ledger;
mod letters;
mod man;
mod messages;
mod migrate;
mod output;
mod preview;
mod report;
mod seal;
mod serve;
mod session;
mod simulate;
mod source;
mod staff;
mod table;
mod token;
mod version;
mod webhook_out;
mod whatsapp;

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{FromArgMatches, Parser, Subcommand};
use clap_complete::CompleteEnv;
use service::{Environment, Failure, chain};

static VERSION: LazyLock<String> = LazyLock::new(|| service::version::full(env!("CARGO_PKG_VERSION")));

const ENVIRONMENT: &str = "\
Environment (each command asks only for what it uses, and names everything that is missing at once):
  DATABASE_URL         Postgres
  AMQP_URL             RabbitMQ, amqp:// or amqps://, with its vhost; a cluster's hosts with commas between them
  SSL_CERT_FILE        a PEM file of certificate authorities that are trusted instead of the system's; and
  SSL_CERT_DIR         folders of such files, separated by colons
  BELLHOP_CONFIG       the folder with resorts/*.toml and sources/*.toml
  BELLHOP_KEYS         the key ring: ID:BASE64(32 bytes), separated by commas; or
  BELLHOP_KEYS_FILE    a file that contains it
  WHATSAPP_API_URL     base of the Graph API [https://graph.facebook.com], for whatsapp and preview; and
  WHATSAPP_API_VERSION its pinned version [v25.0]
  HTTPS_PROXY          proxy for https, as sender has it, with HTTP_PROXY and NO_PROXY
  BELLHOP_STAFF_TOKEN  your token, which identifies you in the audit trail; see below
  RUST_LOG             the log level on stderr [info]; libraries never log below info
  LOG_FORMAT           json or text

To view personal data, to decide, to pause, and to change keys or staff you need a token, made by desk staff add. Without
the variable, desk prompts for the token once and stores it in $XDG_CONFIG_HOME/bellhop/token or ~/.config/bellhop/token,
which only you can read.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage or settings.

Examples:
  desk migrate                            prepare Postgres and RabbitMQ before a new version starts
  desk config check deploy/demo           check every resort's and source's file
  desk bookings list --check-in 2026-12-24  who arrives that day?
  desk bookings show azure-bay BK-1001    what happened to this booking, and what comes next?
  desk letters list --by reason           how many dead letters, and why?
  desk letters retry 12                   retry one of them
  desk source try lodgify sample.json     what would become of this webhook?
  desk simulate azure-bay guest.jsonl     what would these guests get, and when?
  desk whatsapp check azure-bay           are token, number and templates as the file needs them?
  desk preview azure-bay reminder_1       how do guests see this message?
  desk messages list --state dead --json  which messages were not sent?
  desk guests erase --phone -             delete a guest's personal data; prompts for the number
  desk keys reseal                        after every program has a new first key
  desk report --month 2026-10             what came of the carts, and did reminders earn it?
  desk ledger check                       is anything stuck or missing?
  desk staff add anna                     create a token for anna
  desk audit list --since 7d              who viewed or decided what?
  desk serve                              all of this as a page; desk staff link anna signs a browser in
  desk pause --resort azure-bay           hold a resort's messages until desk resume";

/// Support staff's tool: view bookings and messages, settle dead letters, answer guests' requests
#[derive(Debug, Parser)]
#[command(name = "desk", version = VERSION.as_str(), about, after_help = ENVIRONMENT, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Migrate(migrate::Arguments),
    /// Check the resort and source files
    #[command(subcommand)]
    Config(config::Command),
    Seal(seal::Arguments),
    /// Check and change the keys that encrypt personal data
    #[command(subcommand)]
    Keys(keys::Command),
    /// List and show bookings
    #[command(subcommand)]
    Bookings(bookings::Command),
    /// List dead letters, and settle them
    #[command(subcommand)]
    Letters(letters::Command),
    /// Answer a guest's request: export, stop or erase
    #[command(subcommand)]
    Guests(guests::Command),
    /// See what Bellhop makes of a platform's webhooks
    #[command(subcommand)]
    Source(source::Command),
    Simulate(simulate::Arguments),
    /// Check what WhatsApp knows of the resorts
    #[command(subcommand)]
    Whatsapp(whatsapp::Command),
    Preview(preview::Preview),
    Report(report::Arguments),
    /// List messages, and mark those that a lost database may have sent
    #[command(subcommand)]
    Messages(messages::Command),
    /// Check that no event or message is stuck or missing
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Add, remove and list members of the staff
    #[command(subcommand)]
    Staff(staff::Command),
    /// List what the staff did
    #[command(subcommand)]
    Audit(audit::Command),
    Pause(holds::Pause),
    Resume(holds::Resume),
    Holds(holds::List),
    /// See what resorts' own tools are still to be sent, and try whether they get it
    #[command(subcommand)]
    WebhookOut(webhook_out::Command),
    Serve(serve::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Version(version::Arguments),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done,
    /// The command worked, and its answer is no; it has printed the reason.
    Refused,
}

impl Answer {
    fn done_if(is_good: bool) -> Self {
        if is_good { Self::Done } else { Self::Refused }
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    CompleteEnv::with_factory(command::command)
        .var(completions::VARIABLE)
        .complete();
    let cli = parse();
    let environment = Environment::of_process();
    if let Err(problems) = service::logs::init(&environment) {
        output::complain(&problems.to_string());
        return ExitCode::from(2);
    }
    service::crash::arm(&environment);
    match answer(cli.command, &environment).map_err(Failure::from) {
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

/// What was asked for; ends the process after a usage error, or after `--help`.
fn parse() -> Cli {
    let mut command = command::command();
    let asked = Cli::from_arg_matches(&command.get_matches_mut());
    asked.unwrap_or_else(|error| error.format(&mut command).exit())
}

fn answer(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
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
            Command::Source(command) => source::run(command, environment).await,
            Command::Simulate(arguments) => simulate::run(arguments, environment),
            Command::Whatsapp(command) => whatsapp::run(command, environment).await,
            Command::Preview(arguments) => preview::run(arguments, environment).await,
            Command::Report(arguments) => report::run(arguments, environment).await,
            Command::Messages(command) => messages::run(command, environment).await,
            Command::Ledger(command) => ledger::run(command, environment).await,
            Command::Staff(command) => staff::run(command, environment).await,
            Command::Audit(command) => audit::run(command, environment).await,
            Command::Pause(arguments) => holds::pause(arguments, environment).await,
            Command::Resume(arguments) => holds::resume(arguments, environment).await,
            Command::Holds(arguments) => holds::list(arguments, environment).await,
            Command::WebhookOut(command) => webhook_out::run(command, environment).await,
            Command::Serve(arguments) => serve::run(&arguments, environment).await,
            Command::Completions(arguments) => completions::run(&arguments),
            Command::Man(arguments) => man::run(&arguments),
            Command::Version(arguments) => version::run(&arguments),
        }
    })
}
