//! The processor's program.

use std::process::ExitCode;

use processor::Settings;
use service::Stop;

fn main() -> ExitCode {
    service::run(
        processor::ABOUT,
        Settings::read,
        async |settings: Settings, stop: Stop| processor::start(settings, stop).await?.finished().await,
    )
}
