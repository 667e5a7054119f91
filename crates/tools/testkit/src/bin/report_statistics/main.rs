//! Computes what the report says, for the comparison with statsmodels by `scripts/test statistics`.
//!
//! Each line of stdin is a question, and each line of stdout its answer, numbers separated by spaces:
//! `share PART WHOLE` → low and high; `pooled REMINDED_BOOKED REMINDED HELD_OUT_BOOKED HELD_OUT…` → difference, low and high;
//! `needed RATE_HELD_OUT RATE_REMINDED SHARE` → the number of carts.

use std::process::ExitCode;
use std::str::FromStr;

use domain::report::statistics::{Difference, Share, needed};
use testkit::questions::answer_all;

fn main() -> ExitCode {
    answer_all(answer)
}

fn answer(line: &str) -> Option<String> {
    let (what, numbers) = line.split_once(' ')?;
    match what {
        "share" => {
            let [part, whole] = parsed(numbers)?.try_into().ok()?;
            let (low, high) = Share { part, whole }.interval();
            Some(format!("{low} {high}"))
        }
        "pooled" => {
            let numbers = parsed::<u64>(numbers)?;
            let (groups, []) = numbers.as_chunks::<4>() else {
                return None;
            };
            let share = |part, whole| Share { part, whole };
            let parts: Vec<(Share, Share)> = groups
                .iter()
                .map(|[a, n, b, m]| (share(*a, *n), share(*b, *m)))
                .collect();
            let Difference {
                difference,
                low,
                high,
                ..
            } = Difference::pooled(&parts)?;
            Some(format!("{difference} {low} {high}"))
        }
        "needed" => {
            let [held_out, reminded, share] = parsed(numbers)?.try_into().ok()?;
            Some(needed(held_out, reminded, share)?.to_string())
        }
        _ => None,
    }
}

fn parsed<T: FromStr>(numbers: &str) -> Option<Vec<T>> {
    numbers.split(' ').map(|number| number.parse().ok()).collect()
}
