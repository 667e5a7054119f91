//! A real ingest over real HTTP, with the real RabbitMQ where it matters.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

mod answers;
mod authentication;
mod bad_input;
mod clients;
mod fuzz;
mod habits;
mod http;
mod integrating;
mod mapped;
mod process;
mod publishing;
mod slow;
mod traces;
mod vhost;
mod whatsapp;
mod world;
