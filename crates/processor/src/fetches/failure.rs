//! Why a platform did not tell what it was asked for, and what follows.

use std::time::Duration;

use domain::backoff::Backoff;
use reqwest::StatusCode;
use store::fetches::Charge;

/// A platform may not know its own new booking yet: what it refuses is asked this often again, each time after [`REFUSAL_PAUSE`].
const REFUSALS: u32 = 3;
const REFUSAL_PAUSE: Duration = Duration::from_secs(10);
/// What may pass is tried this long.
pub(super) const GIVEN_UP_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(10),
    longest: Duration::from_secs(30 * 60),
};
/// The longest rest that one answer can ask for, for its whole source.
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);

/// Why there is no answer. The texts name neither addresses nor anything personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection, no answer in time, 408, 429 or 5xx: it may pass.
    Passing {
        why: String,
        /// The platform says when to come again.
        retry_after: Option<Duration>,
        /// The platform limits how often it is asked.
        is_throttled: bool,
    },
    /// The platform does not accept our credentials: a person has to mend them, and then this passes.
    Unauthorized(String),
    /// The platform refuses this question, or its answer must not be used.
    Refused(String),
}

/// What follows from a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Retry { after: Duration, charge: Charge },
    DeadLetter,
}

impl Failure {
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self::Passing {
            why: why.into(),
            retry_after: None,
            is_throttled: false,
        }
    }

    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }

    /// Of an answer that is no success.
    pub(super) fn of_status(status: StatusCode, retry_after: Option<Duration>) -> Self {
        let why = format!("the platform answered {}", status.as_u16());
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Unauthorized(why),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                Self::Passing {
                    why,
                    retry_after,
                    is_throttled: status == StatusCode::TOO_MANY_REQUESTS,
                }
            }
            _ if status.is_server_error() => Self::Passing {
                why,
                retry_after,
                is_throttled: false,
            },
            _ => Self::Refused(why),
        }
    }

    pub(super) fn why(&self) -> &str {
        match self {
            Self::Passing { why, .. } | Self::Unauthorized(why) | Self::Refused(why) => why,
        }
    }

    /// How long the whole source is to be left alone.
    pub(super) fn rest(&self) -> Option<Duration> {
        match self {
            Self::Passing {
                retry_after,
                is_throttled: true,
                ..
            } => Some(retry_after.unwrap_or(BACKOFF.first).min(LONGEST_REST)),
            _ => None,
        }
    }

    /// What follows after so many earlier failures, of which the platform refused so many. `is_over`: they began longer ago than
    /// [`GIVEN_UP_AFTER`]. `jitter` is as for [`Backoff::pause`].
    pub(super) fn next(&self, failures: u32, refusals: u32, is_over: bool, jitter: f64) -> Next {
        match self {
            Self::Refused(_) if refusals >= REFUSALS => Next::DeadLetter,
            Self::Refused(_) => Next::Retry {
                after: REFUSAL_PAUSE,
                charge: Charge::Refusal,
            },
            Self::Passing { .. } | Self::Unauthorized(_) if is_over => Next::DeadLetter,
            Self::Passing { retry_after, .. } => {
                let asked = retry_after.unwrap_or_default().min(GIVEN_UP_AFTER);
                Next::Retry {
                    after: BACKOFF.pause(failures + 1, jitter).max(asked),
                    charge: Charge::Failure,
                }
            }
            Self::Unauthorized(_) => Next::Retry {
                after: BACKOFF.pause(failures + 1, jitter),
                charge: Charge::Failure,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn of(status: u16) -> Failure {
        Failure::of_status(StatusCode::from_u16(status).unwrap(), None)
    }

    #[test]
    fn what_a_platform_refuses_is_asked_three_times_again_and_then_given_up() {
        let again = Next::Retry {
            after: secs(10),
            charge: Charge::Refusal,
        };
        for status in [400, 404, 410, 422, 304] {
            for refusals in 0..3 {
                assert_eq!(of(status).next(refusals, refusals, false, 0.0), again, "{status}");
            }
            assert_eq!(of(status).next(3, 3, false, 0.0), Next::DeadLetter, "{status}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_with_growing_pauses_for_a_day() {
        let pause = |failure: &Failure, failures| failure.next(failures, 0, false, 0.0);
        let after = |seconds| Next::Retry {
            after: secs(seconds),
            charge: Charge::Failure,
        };
        for status in [401, 403, 408, 425, 429, 500, 503, 599] {
            let failure = of(status);
            assert_eq!(pause(&failure, 0), after(10), "{status}");
            assert_eq!(pause(&failure, 1), after(20), "{status}");
            assert_eq!(pause(&failure, 40), after(1_800), "{status}");
            assert_eq!(failure.next(9, 0, true, 0.0), Next::DeadLetter, "{status}");
        }
    }

    #[test]
    fn a_platform_is_left_alone_as_long_as_it_asks_for() {
        let of = |status, pause| Failure::of_status(StatusCode::from_u16(status).unwrap(), Some(pause));
        let after = |pause| Next::Retry {
            after: pause,
            charge: Charge::Failure,
        };

        assert_eq!(of(503, secs(90)).next(0, 0, false, 1.0), after(secs(90)));
        assert_eq!(of(503, secs(1)).next(0, 0, false, 0.0), after(secs(10)));
        assert_eq!(
            of(503, secs(u64::MAX)).next(0, 0, false, 0.0),
            after(GIVEN_UP_AFTER)
        );
        assert_eq!(of(503, secs(90)).rest(), None);
        assert_eq!(of(429, secs(90)).rest(), Some(secs(90)));
        assert_eq!(of(429, secs(86_400)).rest(), Some(secs(3_600)));
    }
}
