//! How many ids the relay may publish now: a bound for the ids that wait in `messages`, so that a message that becomes due
//! later does not wait behind thousands of ids, and so that ids are not published again while they wait.

use broker::topology::Depths;
use tokio::sync::watch;

/// The most ids that wait in `messages`. RabbitMQ reports about once a second how many there are.
const BOUND: usize = 4_000;

pub(super) struct Room {
    depths: watch::Receiver<Option<Depths>>,
    published_since: usize,
}

impl Room {
    pub(super) fn new(depths: watch::Receiver<Option<Depths>>) -> Self {
        Self {
            depths,
            published_since: 0,
        }
    }

    /// Until RabbitMQ has reported, the queue counts as empty: the first messages do not wait for a report.
    pub(super) fn left(&mut self) -> usize {
        if self.depths.has_changed().unwrap_or(false) {
            self.published_since = 0;
        }
        let depths = *self.depths.borrow_and_update();
        let ready = depths.map_or(0, |depths| usize::try_from(depths.messages).unwrap_or(usize::MAX));
        BOUND.saturating_sub(ready.saturating_add(self.published_since))
    }

    pub(super) fn published(&mut self, ids: usize) {
        self.published_since += ids;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_published_counts_until_the_next_report() {
        let reports = watch::Sender::new(None);
        let report = |messages| {
            let depths = Depths {
                messages,
                ..Depths::default()
            };
            reports.send_replace(Some(depths));
        };
        let mut room = Room::new(reports.subscribe());
        assert_eq!(room.left(), 4_000);

        room.published(500);
        assert_eq!(room.left(), 3_500);
        report(3_000);
        assert_eq!(room.left(), 1_000);
        room.published(1_000);
        assert_eq!(room.left(), 0);
        report(50_000);
        assert_eq!(room.left(), 0);
        report(0);
        assert_eq!(room.left(), 4_000);
    }
}
