//! Measures against a yardstick: the same libraries doing the least that is needed, beside, in the same run.
//!
//! Started by `scripts/bench`, which starts the servers. [`checks`] is what `ingest` is compared with.

mod checks;
mod load;
mod report;
mod round;
mod settings;
mod yardstick;

use std::process::ExitCode;

use service::{About, Environment, Failure, Stop};

use crate::settings::Settings;

fn main() -> ExitCode {
    let about = About {
        name: "bench",
        version: env!("CARGO_PKG_VERSION"),
        about: "Measures against a yardstick, as ratios within one run.",
        help: settings::HELP,
    };
    service::run(
        about,
        |environment| Ok(environment.clone()),
        async |environment: Environment, stop: Stop| -> Result<(), Failure> {
            // An error means that another provider is in place, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
            if settings::is_yardstick(&environment) {
                return yardstick::serve(&environment, stop).await;
            }
            let settings = Settings::read(&environment)?;
            tokio::select! {
                measured = checks::measure(&settings) => Ok(measured?),
                () = stop.stopped() => Err(anyhow::anyhow!("interrupted").into()),
            }
        },
    )
}
