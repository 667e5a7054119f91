//! Plays the journey of one guest against a running system, and shows the conversation as the guest saw it.
//!
//! Started by `scripts/demo`, which starts everything else. [`journey`] holds the story.

mod desk;
mod journey;
mod phone;
mod platform;
mod screen;
mod season;

use std::process::ExitCode;

use reqwest::Url;
use service::{About, Environment, Problems, Stop};

use crate::desk::Desk;
use crate::journey::Journey;
use crate::phone::Phone;
use crate::platform::{Platform, Speaks};
use crate::screen::Screen;
use crate::season::Season;

const HELP: &str = "\
Plays one guest's journey: abandons a booking, is reminded twice, confirms, stays, and is asked for a review.

  DEMO_INGEST_URL   where ingest listens, such as http://127.0.0.1:8080
  DEMO_SANDBOX_URL  where the sandbox listens, such as http://127.0.0.1:8090
  DEMO_DESK         the desk's program, asked for the booking's status; left out: not asked
  DEMO_DESK_LINK    a link of `desk staff link`, by which the desk's page is tried in the end; left out: it is not
  DEMO_SEASON       so many guests instead, whose month the desk's report must show to the cent; the default is one guest's journey
  DEMO_PLATFORM     json, our own format (default), or lodgify, whose payloads are mapped
  DIRECT_SECRET, LODGIFY_SECRET   sign the webhooks of the source \"direct\" or \"lodgify\"

Exit code 0 when every message came and was read, 1 when one did not, 2 for wrong settings.";

fn main() -> ExitCode {
    let about = About {
        name: "demo",
        version: env!("CARGO_PKG_VERSION"),
        about: "Shows Bellhop at work.",
        help: HELP,
    };
    service::run(about, prepare, async |play: Play, stop: Stop| {
        tokio::select! {
            result = play.run() => Ok(result?),
            () = stop.stopped() => Err(anyhow::anyhow!("interrupted").into()),
        }
    })
}

/// What is played.
enum Play {
    Journey(Journey),
    Season(Season),
}

impl Play {
    async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Journey(mut journey) => journey.play().await,
            Self::Season(season) => season.play().await,
        }
    }
}

fn prepare(environment: &Environment) -> Result<Play, Problems> {
    // An error means that another provider is in place, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut read = environment.reader();
    let ingest = read.parsed("DEMO_INGEST_URL", address);
    let sandbox = read.parsed("DEMO_SANDBOX_URL", address);
    let desk = read.optional("DEMO_DESK");
    let link = read.optional_parsed("DEMO_DESK_LINK", address);
    let speaks = read.parsed_or("DEMO_PLATFORM", Speaks::named, Speaks::OurFormat);
    let secret = read.required(speaks.secret());
    let guests = read.optional_parsed("DEMO_SEASON", |text| {
        text.parse::<u32>().map_err(|_| "is not a number of guests")
    });
    let (ingest, sandbox) = read.finish_with(|| ingest.zip(sandbox))?;
    // Keeps the demo usable on machines without root certificates: all it talks to is plain http.
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .map_err(|error| Problems::one("environment", error.without_url()))?;
    let platform = Platform::new(http.clone(), ingest, speaks, secret);
    let phone = Phone::new(http, sandbox);
    let (desk, screen) = (Desk::new(desk, link), Screen::on_stdout());
    Ok(match guests {
        Some(guests) => Play::Season(Season {
            platform,
            phone,
            desk,
            screen,
            guests,
        }),
        None => Play::Journey(Journey::new(platform, phone, desk, screen)),
    })
}

fn address(text: &str) -> Result<Url, &'static str> {
    Url::parse(text).map_err(|_| "is not a URL such as http://127.0.0.1:8080")
}
