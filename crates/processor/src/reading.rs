//! Whether this process can read what it is given: events of newer programs, and such as touch what those wrote, are not
//! for it.

use std::time::{Duration, Instant};

/// How long after an event went back another processor may take to have it; else it has come again by then.
const LINGER: Duration = Duration::from_secs(5);

/// What could not be read of late.
#[derive(Default)]
pub(crate) struct Reading(Option<(Instant, String)>);

impl Reading {
    /// Notes that an event is not for this process, which keeps it for `pause`.
    pub(crate) fn fails(&mut self, why: String, pause: Duration, now: Instant) {
        let known = self.0.as_ref().map(|(until, _)| *until);
        let until = now + pause + LINGER;
        self.0 = Some((known.map_or(until, |known| known.max(until)), why));
    }

    /// Whether everything could be read for a while, or why not.
    pub(crate) fn check(&self, now: Instant) -> Result<(), String> {
        match &self.0 {
            Some((until, why)) if now < *until => Err(why.clone()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_until_another_has_had_time_to_take_it() {
        let (mut reading, now) = (Reading::default(), Instant::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(reading.check(now).is_ok());

        reading.fails("newer".to_owned(), Duration::from_secs(30), now);
        reading.fails("newer too".to_owned(), Duration::from_secs(1), now);

        assert_eq!(reading.check(after(34)), Err("newer too".to_owned()));
        assert!(reading.check(after(36)).is_ok());
    }
}
