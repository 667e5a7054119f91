//! Postgres: every table, row and query.
//!
//! Functions take a connection and domain types and return domain types; rows stay inside. The caller opens the
//! transaction. Personal data are encrypted before they enter a table.
//!
//! Every transaction takes its locks in one order, and the locks of one kind in the order of their keys, so no two
//! transactions deadlock:
//!
//! 1. erasure locks ([`guest_data`]), which are advisory locks;
//! 2. rows of `holds`;
//! 3. rows of `bookings`;
//! 4. rows of `messages`;
//! 5. rows of `letters` (dead letters).
//!
//! A statement that takes locks in another order uses `SKIP LOCKED`, and so never waits.
//!
//! Start with [`planning`]: it is where facts become messages.

pub mod answers;
pub mod audit;
pub mod bookings;
pub mod claims;
mod connections;
pub mod conversations;
pub mod database_url;
mod erasure_lock;
pub mod error;
pub mod events;
pub mod fetches;
pub mod figures;
pub mod guest_data;
mod guest_key;
pub mod guest_names;
pub mod guests;
pub mod holds;
pub mod known_templates;
pub mod ledger;
pub mod letters;
pub mod messages;
pub mod migrations;
pub mod moments;
pub mod names;
pub mod notes;
pub mod overview;
mod planner;
pub mod planning;
pub mod poison;
pub mod pool;
mod pooler;
mod prepared;
pub mod raised_alerts;
mod refusals;
pub mod relay;
pub mod report;
pub mod report_gaps;
pub mod reseal;
pub mod results;
pub mod rights;
mod rows;
pub mod senders;
pub mod sessions;
pub mod source_reports;
pub mod staff;
pub mod template_categories;
mod unmatched_letters;
pub mod webhooks_out;
#[rustfmt::skip]
mod schema;

pub use database_url::DatabaseUrl;
pub use diesel::PgConnection as Connection;
pub use error::{Fault, StoreError};
pub use pool::Store;
