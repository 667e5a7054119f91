//! Postgres: every table, row and query.
//!
//! Functions take a connection and domain types and return domain types; rows stay inside. The caller opens the
//! transaction. Every lock is taken in the order erasures, bookings, messages, letters, each by key, so no two can wait for each
//! other in a circle. Personal data are sealed before they enter a table.
//!
//! Start with [`planning`]: it is where facts become messages.

pub mod audit;
pub mod bookings;
pub mod claims;
pub mod conversations;
pub mod database_url;
mod erasure_lock;
pub mod error;
pub mod events;
pub mod figures;
pub mod guest_data;
mod guest_key;
pub mod guest_names;
pub mod guests;
pub mod holds;
pub mod ledger;
pub mod letters;
pub mod messages;
pub mod migrations;
pub mod names;
pub mod notes;
mod planner;
pub mod planning;
pub mod poison;
pub mod pool;
mod pooler;
mod refusals;
pub mod relay;
pub mod reseal;
pub mod results;
pub mod rights;
mod rows;
pub mod senders;
pub mod staff;
mod unmatched_letters;
#[rustfmt::skip]
mod schema;

pub use database_url::DatabaseUrl;
pub use diesel::PgConnection as Connection;
pub use error::{Fault, StoreError};
pub use pool::Store;
