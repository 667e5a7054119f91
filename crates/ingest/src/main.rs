//! The program of `ingest`.

use std::process::ExitCode;

use ingest::Settings;
use service::Stop;

fn main() -> ExitCode {
    service::run(
        ingest::ABOUT,
        Settings::read,
        async |settings: Settings, stop: Stop| ingest::start(settings, stop).await?.finished().await,
    )
}
