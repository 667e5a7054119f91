//! The broker crate against the real RabbitMQ, a vhost for each test.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail where it stands"
)]

mod harness;

mod abandoned;
mod connecting;
mod consuming;
mod draining;
mod publishing;
mod topology;
