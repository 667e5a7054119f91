//! RabbitMQ, and nothing else.
//!
//! A program publishes through a [`publisher::Publisher`] and learns the outcome of each message; it takes batches from a
//! [`consumer::Consumer`] and settles every delivery with a [`consumer::Verdict`]. No other crate sees a channel. Start
//! with [`topology`]: it lists every exchange and queue, and where refused messages go.
//!
//! Nothing here knows Postgres, opens a sealed body or counts a metric: the caller gets outcomes and counts them.

pub mod address;
mod connection;
pub mod consumer;
pub mod dead_letter;
pub mod drain;
pub mod envelope;
mod liveness;
mod properties;
pub mod publisher;
pub mod sealing;
pub mod status;
pub mod topology;

pub use address::Address;
pub use status::Status;
