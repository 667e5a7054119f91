//! RabbitMQ, and nothing else.
//!
//! Whoever publishes holds a [`publisher::Publisher`] and learns what became of each message; whoever consumes takes
//! batches from a [`consumer::Consumer`] and answers every delivery with a [`consumer::Verdict`]. Nobody else sees a
//! channel. Start with [`topology`]: it lists every exchange and queue, and where refused messages go.
//!
//! Nothing here knows Postgres, opens a sealed body or counts a metric: what happened is returned.

pub mod address;
mod connection;
pub mod consumer;
pub mod drain;
pub mod envelope;
pub mod letter;
mod properties;
pub mod publisher;
mod pulse;
pub mod status;
pub mod topology;

pub use address::Address;
pub use status::Status;
