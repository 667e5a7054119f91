//! What tests share: a database for each, and the programs that play a demonstration.
//!
//! Never a dependency of a shipped binary.

pub mod database;
pub mod rights;
pub mod vhost;
pub mod world;
