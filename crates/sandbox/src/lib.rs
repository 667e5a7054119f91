//! An emulator of the WhatsApp Cloud API, for tests and for trying Bellhop out.
//!
//! It is written from the published documentation, not from our client, so that the two can disagree. It accepts messages,
//! checks them as WhatsApp does, and reports back with signed notifications. It fails only when a script asks for it, and
//! nothing in it is random.
//!
//! Start with [`emulator`], which handles one message. [`HELP`] explains the scripts.

mod account;
mod clock;
mod connection;
mod conversations;
mod emulator;
mod graph;
mod journal;
mod limits;
mod media;
mod notification;
mod outbox;
mod phone;
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

pub async fn run(settings: Settings, stop: Stop) -> std::io::Result<()> {
    start(settings, &stop)?.finished().await
}
