//! The processor's program.

use std::process::ExitCode;

use service::{About, Environment, Failure, Stop};

fn main() -> ExitCode {
    let about = About {
        name: "processor",
        version: env!("CARGO_PKG_VERSION"),
        about: "Merges events into bookings, wakes them, hands due messages to the senders.",
        help: processor::HELP,
    };
    service::run(
        about,
        async |environment: Environment, stop: Stop| -> Result<(), Failure> {
            let settings = processor::Settings::read(&environment)?;
            processor::start(settings, stop).await?.finished().await
        },
    )
}
