//! The sender's program.

use std::process::ExitCode;

use sender::Settings;
use service::Stop;

fn main() -> ExitCode {
    service::run(
        sender::ABOUT,
        Settings::read,
        async |settings: Settings, stop: Stop| sender::start(settings, stop).await?.finished().await,
    )
}
