//! `desk source …`

mod last;
mod presets;
mod trial;

use clap::Subcommand;
use service::Environment;

use super::{Answer, output, table};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Presets(presets::Arguments),
    Try(trial::Arguments),
    Last(last::Arguments),
}

pub(super) async fn run(command: Command, environment: &Environment) -> anyhow::Result<Answer> {
    match command {
        Command::Presets(arguments) => presets::run(&arguments),
        Command::Try(arguments) => trial::run(arguments, environment),
        Command::Last(arguments) => last::run(arguments, environment).await,
    }
}
