//! The program `sandbox`.

use std::process::ExitCode;

use sandbox::Settings;
use service::{About, Stop};

fn main() -> ExitCode {
    let about = About {
        name: "sandbox",
        version: env!("CARGO_PKG_VERSION"),
        about: "Emulates the WhatsApp Cloud API, for tests and for trying Bellhop out.",
        help: sandbox::HELP,
    };
    service::run(about, Settings::read, async |settings: Settings, stop: Stop| {
        Ok(sandbox::run(settings, stop).await?)
    })
}
