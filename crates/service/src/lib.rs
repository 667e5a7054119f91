//! How a process lives: its environment, stop signal, logs, metrics and health.
//!
//! Nothing here knows what Bellhop does, and no other crate of the workspace is used. It is the only place that reads
//! environment variables, sets up the logger and names the metrics library.
//!
//! A program without arguments is one call of [`run`]; start reading there. Programs with a command line of
//! their own use [`Environment`], [`logs`] and [`Stop`] by themselves.

pub mod columns;
pub mod crash;
pub mod daemon;
pub mod environment;
pub mod health;
pub mod http;
pub mod logs;
pub mod metrics;
pub mod misspelt;
pub mod periodic;
pub mod stop;
pub mod version;

mod lock;
mod process_name;
mod program;
mod systemd;

pub use domain::error_chain::chain;
pub use environment::{Environment, Problems};
pub use lock::lock;
pub use process_name::process_name;
pub use program::{About, Failure, run};
pub use stop::Stop;
