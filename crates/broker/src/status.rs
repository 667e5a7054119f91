//! Whether RabbitMQ can be worked with, for `/readyz`.

use std::sync::Arc;

/// What is known of a connection; it tells the truth within 2 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// All is well: exchanges and queues are there too.
    Connected,
    /// RabbitMQ takes nothing because memory or disk run short.
    Blocked,
    /// Connected, but RabbitMQ does not answer. Publishing is still tried.
    Silent,
    /// Disconnected on purpose: the process leaves the queue to others for now, which is no fault.
    Paused(Arc<str>),
    /// Not connected, or the topology is missing or differs; the text says what and names no secret.
    Disconnected(Arc<str>),
}

impl Status {
    pub(crate) fn starting() -> Self {
        Self::Disconnected("not connected yet".into())
    }

    /// Whether this process can do its work.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Connected | Self::Paused(_))
    }

    /// The same, with what is missing.
    pub fn check(&self) -> Result<(), String> {
        if self.is_ready() {
            Ok(())
        } else {
            Err(self.to_string())
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connected => f.write_str("connected"),
            Self::Blocked => f.write_str("RabbitMQ blocks publishers: its memory or disk runs short"),
            Self::Silent => f.write_str("RabbitMQ does not answer"),
            Self::Paused(reason) | Self::Disconnected(reason) => f.write_str(reason),
        }
    }
}
