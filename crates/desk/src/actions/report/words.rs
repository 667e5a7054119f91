//! What a report says in sentences, for an owner who knows no statistics. No sentence says more than its [`Verdict`] does.

use domain::report::statistics::{Difference, Share};
use domain::report::sums::Amount;
use domain::report::verdict::Needed;
use domain::report::{Breach, Figures, Verdict};

/// The three questions of an owner.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Answers {
    /// Did the reminders earn something?
    pub(crate) earned: String,
    /// How sure is that?
    pub(crate) sure: String,
    /// What to do now?
    pub(crate) now: String,
}

impl Answers {
    pub(super) fn texts(&self) -> impl Iterator<Item = &String> {
        [&self.earned, &self.sure, &self.now].into_iter()
    }
}

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

/// A rule that a call broke, by its word in the figures: what the call was.
pub(crate) fn rule(word: &str) -> &str {
    let Ok(breach) = word.parse::<Breach>() else {
        return word;
    };
    match breach {
        Breach::AfterConfirmation => "a reminder after the guest had booked",
        Breach::AfterCancellation => "a message after the booking was cancelled",
        Breach::OptedOut => "marketing to a guest who wanted no more",
        Breach::QuietHours => "a message in quiet hours",
        Breach::OverCap => "a reminder more than the day's cap allows",
        Breach::HeldOut => "a reminder to a guest who was held out",
        Breach::Twice => "a message that had gone already",
        Breach::TooEarly => "a message before its time",
        Breach::TooLate => "a message after its time",
    }
}

pub(super) fn headline(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::NoComparison => "Nothing to compare with",
        Verdict::TooFew { .. } => "Too few to say",
        Verdict::More(_) => "Reminders bring bookings",
        Verdict::Fewer(_) => "Fewer of the reminded guests booked",
    }
}

pub(super) fn answers(verdict: &Verdict, figures: &Figures) -> Answers {
    match verdict {
        Verdict::NoComparison => no_comparison(figures),
        Verdict::TooFew { difference, needed } => Answers {
            earned: format!(
                "It is too early to say. {} With so few guests, chance alone could explain the difference.",
                shares(difference)
            ),
            sure: format!("Not sure at all. {}, which includes no difference at all.", between(difference)),
            now: wait(needed, figures),
        },
        Verdict::More(difference) => Answers {
            earned: format!("{} {}", extra(difference, figures), shares(difference)),
            sure: format!("{}: chance alone would hardly do that.", between(difference)),
            now: keep(difference, figures),
        },
        Verdict::Fewer(difference) => Answers {
            earned: format!("No. {}", shares(difference)),
            sure: format!("{}: chance alone would hardly do that.", between(difference)),
            now: "Read the reminder as a guest does: does it come too early, or too often? If the next final month says the same, \
                  send none."
                .to_owned(),
        },
    }
}

/// What else has to be known of the figures.
pub(super) fn changed(figures: &Figures) -> Option<String> {
    let guests = figures.in_both_groups;
    (guests > 0).then(|| {
        format!(
            "{guests} of these guests were in both groups, because hold_out was changed in the month; each counts in the first."
        )
    })
}

fn no_comparison(figures: &Figures) -> Answers {
    let (reminded, held_out) = (figures.reminded.guests, figures.held_out.guests);
    let sure = "Not at all: there is nothing to compare with, and that cannot be made up for later.";
    match (reminded, held_out) {
        (0, 0) => Answers {
            earned: "No reminder was due.".to_owned(),
            sure: "There is nothing to judge.".to_owned(),
            now: "If guests left bookings unfinished, look at Sources for what the booking platform sends.".to_owned(),
        },
        (0, _) => Answers {
            earned: "No guest was reminded: all of them were held out.".to_owned(),
            sure: sure.to_owned(),
            now: "Lower hold_out in the section [proof] of the resort's file.".to_owned(),
        },
        _ => Answers {
            earned: format!(
                "The figures cannot show it. {} of {reminded} reminded guests booked. No guest was held out, so you cannot see how \
                 many of them would have booked without a reminder.",
                figures.reminded.booked
            ),
            sure: sure.to_owned(),
            now: "Let some guests, chosen by chance, get no reminder from the next month on: hold_out = \"20%\" in the section [proof] \
                  of the resort's file."
                .to_owned(),
        },
    }
}

fn shares(difference: &Difference) -> String {
    format!(
        "{} of the reminded guests booked within 7 days, and {} of those who were held out.",
        percent(difference.reminded),
        percent(difference.held_out)
    )
}

fn between(difference: &Difference) -> String {
    format!(
        "With 95% confidence the difference is between {} and {}",
        points(difference.low),
        points(difference.high)
    )
}

/// So many of so many guests, rounded.
fn guests(share: f64, of: u64) -> i64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "counts of guests are far below 2^53"
    )]
    let guests = (share * of as f64).round() as i64;
    guests
}

/// What the difference is in bookings, and in money where that is of one currency.
fn extra(difference: &Difference, figures: &Figures) -> String {
    let reminded = figures.reminded.guests;
    let of = |share| guests(share, reminded);
    let bookings = of(difference.difference);
    let worth = worth(figures, bookings).unwrap_or_else(|| ".".to_owned());
    format!(
        "Yes: about {bookings} bookings that would not have come without a reminder (between {} and {}){worth}",
        of(difference.low),
        of(difference.high)
    )
}

fn worth(figures: &Figures, bookings: i64) -> Option<String> {
    let mut sums = figures.reminded.sums.iter();
    let (currency, sum) = sums.next()?;
    if sums.next().is_some() {
        return None;
    }
    let booked = figures.reminded.booked;
    let average: Amount = sum.divided_by(booked)?;
    let all = sum.roughly(u64::try_from(bookings).ok()?, booked)?;
    Some(format!(
        ", roughly {all} {currency} before the costs of the messages. Each reminded guest who booked spent {average} {currency} on average."
    ))
}

/// What the hold-out costs, and what it is for.
fn keep(difference: &Difference, figures: &Figures) -> String {
    let missed = guests(difference.difference, figures.held_out.guests);
    match missed {
        ..=0 => "Leave the reminders as they are.".to_owned(),
        _ => format!(
            "Leave the reminders on. The comparison cost about {missed} bookings of guests who were held out; a smaller hold_out costs \
             less, and takes longer to notice when reminders stop working."
        ),
    }
}

fn wait(needed: &Needed, figures: &Figures) -> String {
    let (carts, from, to) = (needed.carts, percent(needed.from), percent(needed.to));
    let purpose = match needed.is_assumed {
        true => format!("To show a rise from {from} to {to}"),
        false => "If the difference is what it seems, to show it".to_owned(),
    };
    let compared = figures.reminded.guests + figures.held_out.guests;
    let months = match carts.div_ceil(compared.max(1)) {
        0 | 1 => String::new(),
        months @ 2..=36 => format!(": {months} months like this one"),
        _ => ": years, at this pace".to_owned(),
    };
    format!(
        "Keep going. {purpose} in 4 of 5 cases takes about {carts} carts at this share, and {compared} were compared{months}. \
         For an answer sooner, hold out more guests, up to half, from the first of a month on."
    )
}
