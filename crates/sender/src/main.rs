//! The sender's program.

use std::process::ExitCode;

use service::{About, Environment, Failure, Stop};

fn main() -> ExitCode {
    let about = About {
        name: "sender",
        version: env!("CARGO_PKG_VERSION"),
        about: "Sends due messages over the WhatsApp Cloud API.",
        help: sender::HELP,
    };
    service::run(
        about,
        async |environment: Environment, stop: Stop| -> Result<(), Failure> {
            let settings = sender::Settings::read(&environment)?;
            sender::start(settings, stop).await?.finished().await
        },
    )
}
