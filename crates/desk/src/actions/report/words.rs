//! What a report says in sentences. No sentence says more than its [`Verdict`] does.

use domain::report::statistics::{Difference, Share};
use domain::report::verdict::Needed;
use domain::report::{Figures, Verdict};

/// `8.0%`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// The share of a group: of an empty one there is none.
pub(crate) fn share(share: Share) -> String {
    match share.whole {
        0 => "–".to_owned(),
        _ => percent(share.rate()),
    }
}

/// `+3.1 points`.
pub(crate) fn points(difference: f64) -> String {
    format!("{:+.1} points", difference * 100.0)
}

pub(super) fn headline(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::NoComparison => "Nothing to compare with",
        Verdict::TooFew { .. } => "Too few to say",
        Verdict::More(_) => "Reminders bring bookings",
        Verdict::Fewer(_) => "Fewer of the reminded guests booked",
    }
}

pub(super) fn sentences(verdict: &Verdict, figures: &Figures) -> Vec<String> {
    let said = match verdict {
        Verdict::NoComparison => vec![no_comparison(figures).to_owned()],
        Verdict::TooFew { difference, needed } => vec![
            shares(difference),
            format!(
                "The difference is {}, but chance alone could make that: with 95% confidence it lies between {} and {}.",
                points(difference.difference),
                points(difference.low),
                points(difference.high)
            ),
            carts(needed),
        ],
        Verdict::More(difference) => vec![
            shares(difference),
            proven(difference),
            extra(difference, figures.reminded.guests),
        ],
        Verdict::Fewer(difference) => vec![
            shares(difference),
            proven(difference),
            "Read the reminder as a guest does, and ask whether it comes too early or too often.".to_owned(),
        ],
    };
    said.into_iter().chain(changed(figures)).collect()
}

fn no_comparison(figures: &Figures) -> &'static str {
    match (figures.reminded.guests, figures.held_out.guests) {
        (0, 0) => "No reminder was due.",
        (0, _) => "No guest was reminded: all of them were held out.",
        _ => {
            "No guest was held out, so there is no telling how many would have booked without a reminder. \
             hold_out in the section [proof] of the resort's file changes that."
        }
    }
}

fn shares(difference: &Difference) -> String {
    format!(
        "{} of the reminded guests booked within 7 days, and {} of those who were held out.",
        percent(difference.reminded),
        percent(difference.held_out)
    )
}

fn proven(difference: &Difference) -> String {
    format!(
        "The difference is {}; with 95% confidence it lies between {} and {}, so it is not chance alone.",
        points(difference.difference),
        points(difference.low),
        points(difference.high)
    )
}

/// How many guests the difference is.
fn extra(difference: &Difference, reminded: u64) -> String {
    let guests = |share: f64| {
        #[expect(clippy::cast_precision_loss, reason = "counts of guests are far below 2^53")]
        let guests = share * reminded as f64;
        format!("{guests:.0}")
    };
    format!(
        "Of {reminded} reminded guests about {} booked because of the reminder: between {} and {}.",
        guests(difference.difference),
        guests(difference.low),
        guests(difference.high)
    )
}

fn carts(needed: &Needed) -> String {
    let (carts, from, to) = (needed.carts, percent(needed.from), percent(needed.to));
    match needed.is_assumed {
        true => format!("To show a rise from {from} to {to}, about {carts} carts are needed at this share."),
        false => format!("If the difference is what it seems, about {carts} carts are needed to show it."),
    }
}

fn changed(figures: &Figures) -> Option<String> {
    let guests = figures.in_both_groups;
    (guests > 0).then(|| {
        format!(
            "{guests} of these guests were in both groups, because hold_out was changed in the month; each counts in the first."
        )
    })
}
