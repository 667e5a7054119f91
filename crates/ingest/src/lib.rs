//! Checks a webhook, publishes it, answers.
//!
//! It knows no Postgres: what it accepted lies in the queue `events`, confirmed by the broker, before the caller hears
//! of it. Start with `routes/webhook.rs`, which makes the checks in their order; [`validation`] says what a
//! body must be, [`problem`] what a caller is told.

mod access;
mod body;
mod content_type;
mod events;
mod help;
mod metrics;
mod problem;
mod request_log;
mod routes;
mod running;
mod settings;
mod state;
mod upkeep;
mod validation;

pub use help::HELP;
pub use running::{Running, run};
pub use settings::{Settings, WhatsApp};
