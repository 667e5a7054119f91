//! The status of a connection to RabbitMQ, for `/readyz`.

use std::sync::Arc;

use tokio::sync::watch;

/// Accurate within 2 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The exchanges and queues that the connection needs exist too.
    Connected,
    /// RabbitMQ accepts no message because its memory or disk runs short.
    Blocked,
    /// RabbitMQ does not answer at the moment. Publishing is still tried.
    Silent,
    /// Disconnected on purpose, which is no fault: the process leaves the queue to other processes for now.
    Paused(Arc<str>),
    /// Not connected, or the topology is missing or differs; the text says what and names no secret.
    Disconnected(Arc<str>),
}

impl Status {
    pub(crate) fn starting() -> Self {
        Self::Disconnected("not connected yet".into())
    }

    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Connected | Self::Paused(_))
    }

    /// # Errors
    /// Unless [ready](Self::is_ready), with what is missing.
    pub fn check(&self) -> Result<(), String> {
        if self.is_ready() {
            Ok(())
        } else {
            Err(self.to_string())
        }
    }

    /// Wakes those who follow the status only when it changes.
    pub(crate) fn publish(self, to: &watch::Sender<Self>) {
        to.send_if_modified(|known| {
            let changed = *known != self;
            *known = self;
            changed
        });
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
