//! The place of a piece of work in a trace, as W3C's header `traceparent` writes it.
//!
//! Pure: the caller draws the random numbers of new ids.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A span, and the trace that it belongs to. It names no person.
///
/// Its text is version 00 of <https://www.w3.org/TR/trace-context/#traceparent-header>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    flags: u8,
}

/// A text that says of no span which trace it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no traceparent")]
pub struct InvalidTraceparent;

/// The flag `sampled`: the programs of this trace record their spans.
const SAMPLED: u8 = 0x01;

impl TraceContext {
    /// The first span of a trace, which is recorded.
    pub fn begin(trace: u128, span: u64) -> Self {
        // An id of zeros is invalid; no other is worse than another.
        Self {
            trace: trace.max(1),
            span: span.max(1),
            flags: SAMPLED,
        }
    }

    /// A span of the same trace, which this one caused.
    #[must_use]
    pub fn child(self, span: u64) -> Self {
        Self {
            span: span.max(1),
            ..self
        }
    }

    pub fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// As 32 digits: the name of the trace in log lines and in tools that show traces.
    pub fn trace_id(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:032x}", self.trace))
    }

    /// As 16 digits.
    pub fn span_id(self) -> impl fmt::Display {
        fmt::from_fn(move |f| write!(f, "{:016x}", self.span))
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, flags } = self;
        write!(f, "00-{trace:032x}-{span:016x}-{flags:02x}")
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    /// Of a later version it reads what version 00 has too, as the recommendation asks.
    fn from_str(text: &str) -> Result<Self, InvalidTraceparent> {
        let mut fields = text.splitn(5, '-');
        let mut field = |digits| fields.next().and_then(|field| number(field, digits));
        let (version, trace, span, flags) = (field(2), field(32), field(16), field(2));
        let has_more = fields.next().is_some();
        match (version, trace, span, flags) {
            (Some(0xff), ..) | (_, Some(0), ..) | (_, _, Some(0), _) => Err(InvalidTraceparent),
            (Some(version), Some(trace), Some(span), Some(flags)) if version > 0 || !has_more => Ok(Self {
                trace,
                span: u64::try_from(span).map_err(|_| InvalidTraceparent)?,
                flags: u8::try_from(flags).map_err(|_| InvalidTraceparent)? & SAMPLED,
            }),
            _ => Err(InvalidTraceparent),
        }
    }
}

/// A number of exactly so many digits, in lower case.
fn number(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_number = text.len() == digits && text.bytes().all(is_hex);
    is_number.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_written_as_it_was_read() {
        let context: TraceContext = TEXT.parse().unwrap();

        assert_eq!(context.to_string(), TEXT);
        assert!(context.is_sampled());
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span_id().to_string(), "00f067aa0ba902b7");
        assert_eq!(
            context.child(0xb7).to_string(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000b7-01"
        );
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known_and_what_is_no_traceparent_is_none() {
        let later = TEXT.replacen("00-", "cc-", 1) + "-what-the-future-will-be-like";

        assert_eq!(later.parse(), TEXT.parse::<TraceContext>());
        let unsampled = TEXT.replace("-01", "-02").parse::<TraceContext>().unwrap();
        assert!(!unsampled.is_sampled());
        for text in [
            "",
            "00",
            &TEXT.replacen("00-", "ff-", 1),
            &TEXT.to_uppercase(),
            &TEXT.replacen('4', "+", 1),
            &format!("{TEXT}-more"),
            &format!("{TEXT}0"),
            &TEXT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &TEXT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &TEXT.replace("00f067aa0ba902b7", "00f067aa0ba902"),
            &TEXT.replace("-01", "-x1"),
            &TEXT.replace("-01", ""),
        ] {
            assert_eq!(text.parse::<TraceContext>(), Err(InvalidTraceparent), "{text}");
        }
    }

    #[test]
    fn an_id_is_never_of_zeros_alone() {
        let context = TraceContext::begin(0, 0).child(0);

        assert_eq!(context.to_string().parse(), Ok(context));
    }
}
