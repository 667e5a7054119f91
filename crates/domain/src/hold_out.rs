//! The hold-out: the share of a resort's guests who get no reminders, so that what reminders earn can be measured.
//!
//! A guest's [`Draw`] is a number between 0 and 1 that depends on their phone and the resort alone. A guest whose draw is below the
//! share is held out, with every cart: a share of 20 % holds out all guests of a share of 10 %, and more.

use std::fmt;

use crate::ids::ResortId;
use crate::phone_number::PhoneNumber;

const MILLION: u32 = 1_000_000;

/// The share of guests who get no reminders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct HoldOut {
    /// In millionths.
    millionths: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a share from \"0%\" to \"100%\", such as \"10%\" or \"2.5%\", with at most 4 decimals")]
pub struct InvalidHoldOut;

impl HoldOut {
    pub const NONE: Self = Self { millionths: 0 };

    /// Reads `10%` and `2.5%`.
    pub fn parse(text: &str) -> Result<Self, InvalidHoldOut> {
        let number = text.strip_suffix('%').ok_or(InvalidHoldOut)?.trim_end();
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |text: &str, longest| {
            (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_number(whole, 3) || !is_number(decimals, 4) {
            return Err(InvalidHoldOut);
        }
        let millionths: u32 = format!("{whole}{decimals:0<4}")
            .parse()
            .map_err(|_| InvalidHoldOut)?;
        (millionths <= MILLION)
            .then_some(Self { millionths })
            .ok_or(InvalidHoldOut)
    }

    pub const fn millionths(self) -> u32 {
        self.millionths
    }

    pub const fn is_none(self) -> bool {
        self.millionths == 0
    }

    pub const fn is_everybody(self) -> bool {
        self.millionths == MILLION
    }

    /// Whether a guest with this draw gets no reminders.
    pub fn holds(self, draw: Draw) -> bool {
        // draw / 2^64 < millionths / 10^6, without rounding.
        u128::from(draw.0) * u128::from(MILLION) < u128::from(self.millionths) << 64
    }
}

/// Shows it as [`HoldOut::parse`] reads it.
impl fmt::Display for HoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:04}", self.millionths % 10_000);
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        write!(f, "{}{point}{decimals}%", self.millionths / 10_000)
    }
}

/// What was drawn for a guest at a resort: a fraction of 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw(u64);

impl Draw {
    /// What is hashed, with a key: the label keeps the hash apart from those by which numbers are found.
    pub fn hash_input(resort: &ResortId, guest: &PhoneNumber) -> String {
        format!("hold_out/{resort}/{}", guest.reveal())
    }

    /// The first 8 bytes of the hash.
    pub fn of_hash(hash: [u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = hash;
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(text: &str) -> HoldOut {
        HoldOut::parse(text).unwrap()
    }

    #[test]
    fn a_share_is_a_percentage_and_shows_as_it_was_written() {
        for text in ["0%", "10%", "2.5%", "0.0001%", "33.3333%", "100%"] {
            assert_eq!(share(text).to_string(), text);
        }
        assert_eq!(share("10.50 %"), share("10.5%"));
        for text in [
            "10",
            "0.1",
            "%",
            ".5%",
            "5.%",
            "101%",
            "100.0001%",
            "-1%",
            "1e1%",
            "1.00001%",
            "0010%",
            "ten%",
            "١%",
        ] {
            assert_eq!(HoldOut::parse(text), Err(InvalidHoldOut), "{text}");
        }
    }

    #[test]
    fn nobody_is_held_out_at_0_percent_and_everybody_at_100() {
        for draw in [Draw(0), Draw(1), Draw(u64::MAX)] {
            assert!(!HoldOut::NONE.holds(draw));
            assert!(share("100%").holds(draw));
        }
        assert!(share("50%").holds(Draw(u64::MAX / 2)));
        assert!(!share("50%").holds(Draw(u64::MAX / 2 + 1)));
    }

    // shows: B212
    #[test]
    fn whoever_is_held_out_at_a_share_is_so_at_every_greater_share() {
        let shares = ["0%", "0.5%", "2.5%", "10%", "20%", "50%", "99.9%", "100%"].map(share);
        for step in 0..1_000_u64 {
            let draw = Draw(step * (u64::MAX / 1_000));
            let held: Vec<bool> = shares.iter().map(|share| share.holds(draw)).collect();
            assert!(held.is_sorted(), "{draw:?} {held:?}");
        }
    }

    #[test]
    fn a_draw_is_a_guests_at_one_resort() {
        let input = |resort: &str, guest: &str| {
            let guest = PhoneNumber::parse(guest, None).unwrap();
            Draw::hash_input(&ResortId::parse(resort).unwrap(), &guest)
        };

        assert_eq!(
            input("seaside", "+30 691 234 5678"),
            "hold_out/seaside/+306912345678"
        );
        assert_ne!(input("seaside", "+306912345678"), input("hills", "+306912345678"));
    }
}
