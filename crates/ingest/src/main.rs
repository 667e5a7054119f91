//! The program: settings, run, exit code.

use std::process::ExitCode;

use ingest::Settings;
use service::{About, Environment, Failure, Stop};

fn main() -> ExitCode {
    let about = About {
        name: "ingest",
        version: env!("CARGO_PKG_VERSION"),
        about: "Checks webhooks and publishes them to RabbitMQ.",
        help: ingest::HELP,
    };
    service::run(
        about,
        async |environment: Environment, stop: Stop| -> Result<(), Failure> {
            let settings = Settings::from_environment(&environment)?;
            let running = ingest::run(settings, stop).await?;
            Ok(running.finished().await?)
        },
    )
}
