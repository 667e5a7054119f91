//! Whether a difference between two groups is more than chance, and how many carts that takes.
//!
//! `scripts/test statistics` compares every function with statsmodels.

/// 97.5 % of a normal distribution lie below it: both ends of a 95 % interval.
const Z_95: f64 = 1.959_963_984_540_054;
/// 80 % lie below it: the power that [`needed`] asks for.
const Z_POWER: f64 = 0.841_621_233_572_914_3;

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    pub part: u64,
    pub whole: u64,
}

impl Share {
    pub fn rate(self) -> f64 {
        if self.whole == 0 {
            return 0.0;
        }
        to_f64(self.part) / to_f64(self.whole)
    }

    /// The 95 % interval of the rate behind it: Wilson's score interval, which is right for few carts and for rates near 0.
    pub fn interval(self) -> (f64, f64) {
        if self.whole == 0 {
            return (0.0, 1.0);
        }
        let (rate, number, square) = (self.rate(), to_f64(self.whole), Z_95 * Z_95);
        let centre = (rate + square / (2.0 * number)) / (1.0 + square / number);
        let variance = rate * (1.0 - rate) / number + square / (4.0 * number * number);
        let margin = Z_95 * variance.sqrt() / (1.0 + square / number);
        ((centre - margin).max(0.0), (centre + margin).min(1.0))
    }
}

/// How much more of one group booked than of the other, with its 95 % interval; all are shares of 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    pub reminded: f64,
    pub held_out: f64,
    pub difference: f64,
    pub low: f64,
    pub high: f64,
}

impl Difference {
    /// Of one resort's month: Newcombe's interval, from Wilson's of each group. `None`: a group is empty.
    pub fn between(reminded: Share, held_out: Share) -> Option<Self> {
        if reminded.whole == 0 || held_out.whole == 0 {
            return None;
        }
        let (one, other) = (reminded.rate(), held_out.rate());
        let ((one_low, one_high), (other_low, other_high)) = (reminded.interval(), held_out.interval());
        let difference = one - other;
        Some(Self {
            reminded: one,
            held_out: other,
            difference,
            low: difference - (one - one_low).hypot(other_high - other),
            high: difference + (one_high - one).hypot(other - other_low),
        })
    }

    /// Of several resorts or months together.
    ///
    /// Each is compared within itself and weighs as much as it can tell (the weights of Cochran, Mantel and Haenszel). Adding the
    /// groups up first would be wrong: where a resort at which many book holds out more guests than another, the sums differ
    /// without any effect. The interval joins those of the parts as Newcombe's joins those of two groups.
    pub fn pooled(parts: &[(Share, Share)]) -> Option<Self> {
        let compared = parts.iter().filter_map(|(reminded, held_out)| {
            let (one, other) = (to_f64(reminded.whole), to_f64(held_out.whole));
            Some((one * other / (one + other), Self::between(*reminded, *held_out)?))
        });
        let compared: Vec<(f64, Self)> = compared.collect();
        let weights: f64 = compared.iter().map(|(weight, _)| weight).sum();
        if compared.is_empty() {
            return None;
        }
        let mean = |of: fn(&Self) -> f64| {
            let sum: f64 = compared.iter().map(|(weight, part)| weight * of(part)).sum();
            sum / weights
        };
        let margin = |of: fn(&Self) -> f64| {
            let squares = compared
                .iter()
                .map(|(weight, part)| (weight / weights * of(part)).powi(2));
            squares.sum::<f64>().sqrt()
        };
        let difference = mean(|part| part.difference);
        Some(Self {
            reminded: mean(|part| part.reminded),
            held_out: mean(|part| part.held_out),
            difference,
            low: difference - margin(|part| part.difference - part.low),
            high: difference + margin(|part| part.high - part.difference),
        })
    }
}

/// How many carts, of both groups together, show a true difference between these rates in 4 of 5 cases (80 % power, 5 % two-sided).
///
/// `None`: no number does, because the rates are equal or a group is empty.
pub fn needed(held_out_rate: f64, reminded_rate: f64, held_out_share: f64) -> Option<u64> {
    let difference = (reminded_rate - held_out_rate).abs();
    let is_share = |share: f64| share > 0.0 && share < 1.0;
    if !is_share(held_out_share) || difference < 1e-6 {
        return None;
    }
    // The reminded for each guest who is held out.
    let ratio = (1.0 - held_out_share) / held_out_share;
    let variance = |rate: f64| rate * (1.0 - rate);
    let together = ratio.mul_add(reminded_rate, held_out_rate) / (1.0 + ratio);
    let by_chance = Z_95 * ((1.0 + 1.0 / ratio) * variance(together)).sqrt();
    let by_effect = Z_POWER * (variance(held_out_rate) + variance(reminded_rate) / ratio).sqrt();
    let held_out = ((by_chance + by_effect) / difference).powi(2);
    Some(to_u64(held_out / held_out_share))
}

#[expect(clippy::cast_precision_loss, reason = "counts of carts are far below 2^53")]
fn to_f64(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates; the value is positive"
)]
fn to_u64(count: f64) -> u64 {
    count.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(part: u64, whole: u64) -> Share {
        Share { part, whole }
    }

    // shows: B216
    #[test]
    fn the_numbers_of_carts_that_are_needed_are_those_of_the_table() {
        for (rates, by_share) in [
            ((0.05, 0.08), [6_239, 3_464, 2_118]),
            ((0.05, 0.10), [2_609, 1_444, 869]),
            ((0.10, 0.15), [3_993, 2_223, 1_371]),
            ((0.10, 0.20), [1_181, 656, 398]),
        ] {
            for (held_out_share, expected) in [0.1, 0.2, 0.5].into_iter().zip(by_share) {
                assert_eq!(
                    needed(rates.0, rates.1, held_out_share),
                    Some(expected),
                    "{rates:?}"
                );
            }
        }
        assert_eq!(needed(0.1, 0.1, 0.5), None);
        assert_eq!(needed(0.1, 0.2, 0.0), None);
        assert_eq!(needed(0.1, 0.2, 1.0), None);
    }

    #[test]
    fn nothing_is_compared_with_an_empty_group() {
        assert_eq!(Difference::between(share(3, 10), share(0, 0)), None);
        assert_eq!(Difference::pooled(&[]), None);
        assert_eq!(Difference::pooled(&[(share(3, 10), share(0, 0))]), None);
    }

    #[test]
    fn one_part_alone_is_pooled_to_itself_and_an_empty_one_adds_nothing() {
        let alone = Difference::between(share(30, 100), share(2, 20)).unwrap();
        let pooled =
            Difference::pooled(&[(share(30, 100), share(2, 20)), (share(5, 9), share(0, 0))]).unwrap();

        assert!((pooled.low - alone.low).abs() < 1e-12, "{pooled:?} {alone:?}");
        assert!((pooled.high - alone.high).abs() < 1e-12, "{pooled:?} {alone:?}");
    }

    // shows: B216
    #[test]
    fn resorts_that_hold_out_different_shares_show_no_effect_where_none_of_them_does() {
        let (few_book, many_book) = (
            (share(45, 900), share(5, 100)),
            (share(100, 500), share(100, 500)),
        );

        let pooled = Difference::pooled(&[few_book, many_book]).unwrap();

        assert!(pooled.difference.abs() < 1e-12, "{pooled:?}");
    }
}
