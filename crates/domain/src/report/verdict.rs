//! What the figures allow to say. A page that shows a [`Verdict`] cannot claim more than the data.

use super::Figures;
use super::statistics::{self, Difference, Share};

/// Where nothing better is known: so many book without a reminder, and the difference that would be worth knowing.
const ASSUMED_RATE: f64 = 0.05;
const ASSUMED_EFFECT: f64 = 0.03;

/// What the hold-out says about reminders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// There is nothing to compare with: no guest was held out, or all were.
    NoComparison,
    /// The interval includes 0: chance alone may be the cause.
    TooFew { difference: Difference, needed: Needed },
    /// More of the guests who were reminded booked.
    More(Difference),
    /// Fewer of the guests who were reminded booked.
    Fewer(Difference),
}

/// How many carts it would take to know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needed {
    /// Of both groups together, at the share that is held out now.
    pub carts: u64,
    /// The rates that this was computed for.
    pub from: f64,
    pub to: f64,
    /// They are an assumption; otherwise those that were observed.
    pub is_assumed: bool,
}

impl Verdict {
    /// Of resorts, or of months, each of which is compared within itself.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a Figures>) -> Self {
        let groups: Vec<(Share, Share)> = parts.into_iter().map(Figures::groups).collect();
        let Some(difference) = Difference::pooled(&groups) else {
            return Self::NoComparison;
        };
        if difference.low > 0.0 {
            return Self::More(difference);
        }
        if difference.high < 0.0 {
            return Self::Fewer(difference);
        }
        match Needed::of(&difference, held_out_share(&groups)) {
            Some(needed) => Self::TooFew { difference, needed },
            None => Self::NoComparison,
        }
    }
}

impl Needed {
    fn of(difference: &Difference, held_out_share: f64) -> Option<Self> {
        // The observed difference where there is one that is worth knowing: for a tiny one the number means nothing.
        if difference.difference >= 0.01 {
            let (from, to) = (difference.held_out, difference.reminded);
            let carts = statistics::needed(from, to, held_out_share)?;
            return Some(Self {
                carts,
                from,
                to,
                is_assumed: false,
            });
        }
        let from = match difference.held_out {
            rate if rate > 0.0 => rate.min(1.0 - ASSUMED_EFFECT),
            _ => ASSUMED_RATE,
        };
        let to = from + ASSUMED_EFFECT;
        let carts = statistics::needed(from, to, held_out_share)?;
        Some(Self {
            carts,
            from,
            to,
            is_assumed: true,
        })
    }
}

fn held_out_share(groups: &[(Share, Share)]) -> f64 {
    let held_out: u64 = groups.iter().map(|(_, held_out)| held_out.whole).sum();
    let reminded: u64 = groups.iter().map(|(reminded, _)| reminded.whole).sum();
    Share {
        part: held_out,
        whole: held_out + reminded,
    }
    .rate()
}
