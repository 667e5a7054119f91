//! What tests share: a database for each, our programs as processes, lines that can be disturbed.
//!
//! Never a dependency of a shipped binary.

pub mod dashboards;
pub mod database;
pub mod plain_browser;
pub mod plans;
pub mod platform;
pub mod program;
pub mod prometheus;
pub mod proxy;
pub mod questions;
pub mod rights;
pub mod server;
pub mod terminal;
pub mod tls;
pub mod vhost;
pub mod world;
