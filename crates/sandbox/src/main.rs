//! The program `sandbox`.

use std::process::ExitCode;

use sandbox::Settings;
use service::{About, Environment, Failure, Stop};

fn main() -> ExitCode {
    let about = About {
        name: "sandbox",
        version: env!("CARGO_PKG_VERSION"),
        about: "Emulates the WhatsApp Cloud API, for tests and for trying Bellhop out.",
        help: sandbox::HELP,
    };
    service::run(
        about,
        async |environment: Environment, stop: Stop| -> Result<(), Failure> {
            let settings = Settings::read(&environment)?;
            Ok(sandbox::run(settings, stop).await?)
        },
    )
}
