//! What a guest wants to receive, whatever the booking.

use chrono::{DateTime, Utc};

/// The newest words of a guest on marketing, at one resort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// When the guest last said stop.
    pub opted_out_at: Option<DateTime<Utc>>,
    /// When the guest last said that messages are welcome again.
    pub opted_in_at: Option<DateTime<Utc>>,
}

impl Wishes {
    /// Whether reminders and review requests must not go. Of two words of one instant, stop wins.
    pub fn is_opted_out(&self) -> bool {
        self.opted_out_at
            .is_some_and(|out| self.opted_in_at.is_none_or(|back| out >= back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_wish_counts_and_stop_wins_a_tie() {
        let at = |second| DateTime::from_timestamp(second, 0);
        let wishes = |out, back| {
            Wishes {
                opted_out_at: out,
                opted_in_at: back,
            }
            .is_opted_out()
        };

        assert!(wishes(at(5), None) && wishes(at(5), at(5)) && wishes(at(6), at(5)));
        assert!(!wishes(None, None) && !wishes(at(5), at(6)));
    }
}
