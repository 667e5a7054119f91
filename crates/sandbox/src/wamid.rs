//! Message ids in WhatsApp's form.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

/// The ids are unique over all runs of the sandbox.
#[derive(Debug)]
pub(crate) struct Wamids {
    run: String,
    next: AtomicU64,
}

impl Wamids {
    pub(crate) fn new() -> Self {
        let run = Uuid::now_v7().simple().to_string().to_uppercase();
        Self {
            run: run.chars().take(12).collect(),
            next: AtomicU64::new(1),
        }
    }

    /// For a message that the sandbox accepted.
    pub(crate) fn outbound(&self, recipient: &str) -> String {
        self.wamid(recipient, &[0x15, 0x02, 0x00, 0x11, 0x18])
    }

    /// For a message of a guest.
    pub(crate) fn inbound(&self, sender: &str) -> String {
        self.wamid(sender, &[0x15, 0x02, 0x00, 0x12, 0x18])
    }

    /// The trace id of an answer.
    pub(crate) fn trace(&self) -> String {
        format!("A{}{:010}", self.run, self.number())
    }

    fn wamid(&self, peer: &str, middle: &[u8]) -> String {
        let peer: String = peer
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(40)
            .collect();
        let tail = format!("{}{:010X}", self.run, self.number());
        let mut bytes = vec![0x1c, 0x18, u8::try_from(peer.len()).unwrap_or(u8::MAX)];
        bytes.extend(peer.bytes());
        bytes.extend(middle);
        bytes.push(u8::try_from(tail.len()).unwrap_or(u8::MAX));
        bytes.extend(tail.bytes());
        bytes.push(0);
        format!("wamid.{}", STANDARD.encode(bytes))
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}
