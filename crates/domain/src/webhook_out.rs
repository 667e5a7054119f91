//! Webhooks out: what the resort's own tools are told, and when a call that failed is repeated.

use std::time::Duration;

use crate::message::Reason;
use crate::text_enum::text_enum;

text_enum! {
    /// What a resort's file can ask to be told of.
    WebhookEvent("event of [webhook_out]") {
        /// A message will not reach its guest by WhatsApp.
        NotDelivered = "not_delivered",
        /// A guest wants no more reminders.
        OptedOut = "opted_out",
        /// A guest wrote, and waits for staff.
        Answered = "answered",
        /// A dead letter was opened.
        DeadLetter = "dead_letter",
        /// One of our programs raised an alert.
        Alert = "alert",
        /// A person tries whether webhooks arrive; no file names it.
        Ping = "ping",
    }
}

text_enum! {
    /// How it stands with a webhook that a resort's own tool is still to be sent.
    WebhookState("state of a webhook") {
        /// It was not sent yet, or its first call is under way.
        New = "new",
        /// The tool did not take it, and it is sent again.
        Retrying = "retrying",
    }
}

impl WebhookEvent {
    /// The `type` in the body.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::NotDelivered => "message.not_delivered",
            Self::OptedOut => "guest.opted_out",
            Self::Answered => "guest.answered",
            Self::DeadLetter => "dead_letter.opened",
            Self::Alert => "alert.raised",
            Self::Ping => "ping",
        }
    }

    /// Those that a file can name.
    pub fn in_files() -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|event| *event != Self::Ping)
    }
}

/// The reasons for which a message is skipped although its guest could use it: they can be reached in another way.
///
/// All others say that it is not wanted, by the guest, by the resort, or by what became of the booking.
pub const UNREACHED: [Reason; 7] = [
    Reason::NoPhone,
    Reason::InvalidPhone,
    Reason::UsMarketing,
    Reason::MissingValue,
    Reason::Expired,
    Reason::MarketingLimit,
    Reason::WindowClosed,
];

/// The pauses after the first failure, the second, and so on, as Standard Webhooks and Svix have them: together a day and more.
///
/// Jitter takes at most a tenth of each. A failure after the last pause is final.
pub const PAUSES: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(10 * HOUR),
];
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// The longest pause that a receiver can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * HOUR);

/// How long to wait after so many failures, the last one included; `None`: that one was final.
///
/// `asked` is the receiver's `Retry-After`. `jitter` is a share in `0.0..=1.0` drawn by the caller.
pub fn pause_after(failures: u32, asked: Option<Duration>, jitter: f64) -> Option<Duration> {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let pause = PAUSES.get(index)?.mul_f64(1.0 - 0.1 * jitter.clamp(0.0, 1.0));
    Some(pause.max(asked.unwrap_or_default().min(LONGEST_ASKED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_reads_back_what_it_writes() {
        for event in WebhookEvent::ALL {
            assert_eq!(event.as_str().parse(), Ok(*event));
        }
        for state in WebhookState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
    }

    // shows: B225
    #[test]
    fn a_receiver_is_tried_eight_times_over_a_day() {
        let pauses: Vec<u64> = (1..=8)
            .map_while(|failures| pause_after(failures, None, 0.0))
            .map(|pause| pause.as_secs())
            .collect();

        assert_eq!(pauses, [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]);
        assert!(pauses.iter().sum::<u64>() > 24 * HOUR);
        assert_eq!(pause_after(2, None, 1.0), Some(Duration::from_secs(270)));
    }

    // shows: B226
    #[test]
    fn a_receiver_may_ask_for_a_longer_pause_of_a_day_at_most() {
        let asked = |seconds| pause_after(1, Some(Duration::from_secs(seconds)), 0.0);

        assert_eq!(asked(1), Some(Duration::from_secs(5)));
        assert_eq!(asked(90), Some(Duration::from_secs(90)));
        assert_eq!(asked(u64::MAX), Some(LONGEST_ASKED));
        assert_eq!(pause_after(8, Some(Duration::from_secs(90)), 0.0), None);
    }
}
