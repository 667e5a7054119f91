//! Plays faults against the real programs while bookings are reported to them, and then checks the results.
//!
//! Started by `scripts/chaos`, which starts the servers. [`fault`] says what can go wrong, [`plan`] draws it from the
//! seed, [`bookings`] draws what the guests do; [`play`] and [`traffic`] let both happen on the [`stage`]; [`results`] compares
//! what came of it with what had to, and [`monitoring`] the alerts that
//! fired with what the faults explain. In a [`cluster`] a night is played instead, one fault after the other.

mod bookings;
mod cluster;
mod desk;
mod disk;
mod fault;
mod load_balancer;
mod monitoring;
mod plan;
mod play;
mod postgres;
mod processes;
mod quiet;
mod recovery;
mod report;
mod results;
mod run;
mod screen;
mod servers;
mod settings;
mod stage;
mod traffic;
mod whatsapp;

use std::process::ExitCode;

use service::{About, Stop};

use crate::settings::Settings;

fn main() -> ExitCode {
    let about = About {
        name: "chaos",
        version: env!("CARGO_PKG_VERSION"),
        about: "Runs Bellhop with faults, and checks the results.",
        help: settings::HELP,
    };
    service::run(about, Settings::read, async |settings: Settings, stop: Stop| {
        // An error means that another provider is in place, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(run::run(&settings, &stop).await?)
    })
}
