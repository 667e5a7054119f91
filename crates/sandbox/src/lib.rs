//! WhatsApp as seen from outside: the Cloud API for trying out and for tests.
//!
//! Written from what is published about the Cloud API, not from our client, so that both can disagree.
//! It takes messages, checks them as WhatsApp would, and reports back with signed notifications; it fails only when
//! it is asked to, and nothing in it is random.
//!
//! Start with [`emulator`]: what becomes of one message. [`help`](HELP) tells how it is scripted.

mod clock;
mod conversations;
mod emulator;
mod graph;
mod journal;
mod limits;
mod notification;
mod outbox;
mod request;
mod routes;
mod scripts;
mod server;
mod settings;
mod templates;
mod wamid;

pub use server::{Sandbox, start};
pub use settings::{Callback, Settings, StatusTimes};
pub use templates::{InvalidTemplates, Templates};

use service::Stop;

/// The body of `--help`.
pub const HELP: &str = include_str!("help.txt");

/// Serves until the stop.
pub async fn run(settings: Settings, stop: Stop) -> std::io::Result<()> {
    start(settings, &stop)?.finished().await
}
