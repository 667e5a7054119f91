//! Measures Bellhop as it is shipped, beside yardsticks that do the least that is needed, in the same run.
//!
//! Started by `scripts/bench`, which starts the servers. [`measure`] says what there is to measure; each round sets a
//! [`stage`] of its own, lets the [`load`] sign and send webhooks, the [`sink`] answer as WhatsApp does, and checks the
//! [`reconciliation`].

mod bench;
mod chart;
mod connection;
mod figures;
mod floor;
mod load;
mod measure;
mod reconciliation;
mod settings;
mod sink;
mod stage;
mod table;
mod usage;
mod webhook;

use std::process::ExitCode;

use service::{About, Environment, Failure, Stop};

use crate::bench::Bench;
use crate::settings::Settings;

fn main() -> ExitCode {
    let about = About {
        name: "bench",
        version: env!("CARGO_PKG_VERSION"),
        about: "Measures Bellhop beside yardsticks, as ratios within one run.",
        help: settings::HELP,
    };
    service::run(
        about,
        |environment| Ok(environment.clone()),
        async |environment: Environment, stop: Stop| -> Result<(), Failure> {
            // An error means that another provider is in place, which serves as well.
            let _ = rustls::crypto::ring::default_provider().install_default();
            if environment.get(floor::FLOOR).is_some() {
                return floor::serve(&environment, stop).await;
            }
            let settings = Settings::read(&environment)?;
            tokio::select! {
                measured = run(settings) => Ok(measured?),
                () = stop.stopped() => Err(anyhow::anyhow!("interrupted").into()),
            }
        },
    )
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    let bench = Bench::new(settings).await?;
    for measurement in bench.settings.measurements.clone() {
        let report = measurement.run(&bench).await?;
        table::print(&report);
        table::write(&report, &bench.settings.results)?;
        chart::write(&report, &bench.settings.results)?;
    }
    Ok(())
}
