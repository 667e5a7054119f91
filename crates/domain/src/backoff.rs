//! How long to wait before trying again.

use std::time::Duration;

/// Pauses that double from `first` up to `longest`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Backoff {
    /// For connections to servers: from 100 ms to 3 s, so that a connection is back within 5 s of its server.
    pub const RECONNECT: Self = Self {
        first: Duration::from_millis(100),
        longest: Duration::from_secs(3),
    };

    /// The pause after `failures` failures in a row (0 counts as 1). `jitter`, a share in `0.0..=1.0` drawn by the
    /// caller, takes away up to half of it, so that many processes do not return at the same moment.
    pub fn pause(&self, failures: u32, jitter: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1_u32 << doublings).min(self.longest);
        full.mul_f64(1.0 - 0.5 * jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_jitter_takes_at_most_half() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(3),
        };

        assert_eq!(backoff.pause(1, 0.0), Duration::from_millis(100));
        assert_eq!(backoff.pause(3, 0.0), Duration::from_millis(400));
        assert_eq!(backoff.pause(400, 0.0), Duration::from_secs(3));
        assert_eq!(backoff.pause(400, 1.0), Duration::from_millis(1500));
    }
}
