//! WhatsApp's rate limits of a number and of a pair of number and guest. Off by default.

use std::collections::HashMap;

use serde::Deserialize;

use crate::clock::Millis;
use crate::graph::GraphError;

const SECOND_MS: Millis = 1000;

#[derive(Debug, Default)]
pub(crate) struct Limits {
    rules: Rules,
    numbers: HashMap<String, Millis>,
    pairs: HashMap<(String, String), Millis>,
}

/// The body of `POST /sandbox/limits`; what is left out does not limit.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    /// Messages per second of one number.
    #[serde(default)]
    per_second: Option<u32>,
    #[serde(default)]
    pair: Option<Pair>,
}

/// One message to the same person per interval, after a burst.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    #[serde(default = "six_seconds")]
    every_ms: u32,
    #[serde(default = "burst")]
    burst: u32,
}

fn six_seconds() -> u32 {
    6000
}

fn burst() -> u32 {
    45
}

impl Limits {
    pub(crate) fn set(&mut self, rules: Rules) {
        *self = Self {
            rules,
            ..Self::default()
        };
    }

    /// Counts a message; an error is 130429 or 131056.
    pub(crate) fn take(&mut self, number: &str, recipient: &str, now: Millis) -> Result<(), GraphError> {
        if let Some(per_second) = self.rules.per_second {
            let interval_us = SECOND_MS * 1000 / Millis::from(per_second.max(1));
            let used_until = self.numbers.entry(number.to_owned()).or_default();
            take(used_until, now * 1000, interval_us, Millis::from(per_second))
                .ok_or_else(|| GraphError::new(130_429))?;
        }
        if let Some(pair) = &self.rules.pair {
            let used_until = self
                .pairs
                .entry((number.to_owned(), recipient.to_owned()))
                .or_default();
            take(
                used_until,
                now,
                Millis::from(pair.every_ms),
                Millis::from(pair.burst),
            )
            .ok_or_else(|| GraphError::new(131_056))?;
        }
        Ok(())
    }
}

/// Takes one unit from a bucket that holds `burst` and gains one per `interval`.
fn take(used_until: &mut Millis, now: Millis, interval: Millis, burst: Millis) -> Option<()> {
    let next = (*used_until).max(now) + interval;
    if next - now > interval * burst.max(1) {
        return None;
    }
    *used_until = next;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_a_burst_and_then_one_message_each_interval() {
        let mut limits = Limits::default();
        limits.set(serde_json::from_str(r#"{ "pair": { "burst": 2 } }"#).unwrap());
        let mut take = |to: &str, now| limits.take("1", to, now).map_err(|error| error.code);

        assert_eq!(
            [take("a", 0), take("a", 0), take("a", 0)],
            [Ok(()), Ok(()), Err(131_056)]
        );
        assert_eq!(take("b", 0), Ok(()));
        assert_eq!([take("a", 5999), take("a", 6000)], [Err(131_056), Ok(())]);
    }

    #[test]
    fn a_number_sends_so_many_messages_a_second() {
        let mut limits = Limits::default();
        limits.set(serde_json::from_str(r#"{ "per_second": 80 }"#).unwrap());
        let mut sent = |now| (0..200).filter(|_| limits.take("1", "a", now).is_ok()).count();

        assert_eq!([sent(1000), sent(1500), sent(3000)], [80, 40, 80]);
    }
}
