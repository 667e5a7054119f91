//! The owner's report of a month: what came of the carts, and what the hold-out says about reminders.

mod found;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::ids::{BookingKey, ResortId};
use domain::report::verdict::Needed;
use domain::report::{Figures, Month, Verdict};
use domain::resort::Resort;
use domain::staff::Scope;
use serde::{Serialize, Serializer};
use store::StoreError;
use store::report::Frozen;
use store::report::breaches::BrokenRule;

use super::context::Context;
use found::{Found, Read, find};

pub(crate) use words::{Answers, percent, points, rule, share};

#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// `None`: all that the member works for.
    pub(crate) resort: Option<ResortId>,
    /// `None`: the present one.
    pub(crate) month: Option<Month>,
    pub(crate) within: Scope,
    pub(crate) reading: Reading,
}

/// Where the figures of a month that is not final come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As they are now: read from the tables, which takes seconds where there are many bookings.
    #[default]
    Now,
    /// As `processor` counted them within the last two hours, where it did.
    AsCounted,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReportView {
    #[serde(serialize_with = "as_text")]
    pub(crate) month: Month,
    /// All resorts together.
    pub(crate) total: Part,
    pub(crate) resorts: Vec<Part>,
    /// The months before that are final, of all these resorts together, the oldest first; and the shown one.
    pub(crate) months: Vec<MonthView>,
    /// Those of them that are final, each resort and month compared within itself; `None`: there is at most one.
    pub(crate) final_months: Option<Together>,
    /// Calls of the shown month that broke a rule, the newest first.
    pub(crate) broken: Vec<Broken>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Together {
    pub(crate) months: usize,
    pub(crate) comparison: Comparison,
}

/// A call that broke a rule.
#[derive(Debug, Serialize)]
pub(crate) struct Broken {
    pub(crate) rule: String,
    pub(crate) message: String,
    pub(crate) kind: String,
    pub(crate) resort: String,
    pub(crate) booking: String,
    pub(crate) called_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
pub(crate) struct MonthView {
    pub(crate) month: String,
    pub(crate) is_final: bool,
    pub(crate) figures: Figures,
}

/// What is said of one resort, or of all.
#[derive(Debug, Serialize)]
pub(crate) struct Part {
    pub(crate) resort: String,
    pub(crate) is_final: bool,
    /// When the figures become final, or became so.
    pub(crate) final_at: DateTime<Utc>,
    /// When they were counted, where that was not now.
    #[serde(skip)]
    pub(crate) counted_at: Option<DateTime<Utc>>,
    pub(crate) figures: Figures,
    pub(crate) comparison: Comparison,
}

/// What the hold-out allows to say; shares are of 1.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// `no_comparison`, `too_few`, `more`, `fewer`.
    pub(crate) verdict: &'static str,
    pub(crate) difference: Option<f64>,
    /// The 95 % interval of the difference.
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    /// How many carts would be needed to say.
    pub(crate) carts_needed: Option<u64>,
    /// The same for people.
    pub(crate) headline: &'static str,
    pub(crate) answers: Answers,
    /// All of them, one after the other.
    pub(crate) sentences: Vec<String>,
    /// What else has to be known.
    pub(crate) changed: Option<String>,
}

/// Reads a month: what is final as it was frozen, the rest as it is now.
pub(crate) async fn read(context: &Context, asked: &Asked) -> Result<ReportView, StoreError> {
    let resorts: Vec<Arc<Resort>> = context
        .files()
        .resorts()
        .filter(|resort| asked.within.includes(Some(&resort.id)))
        .filter(|resort| asked.resort.as_ref().is_none_or(|asked| *asked == resort.id))
        .cloned()
        .collect();
    let (ring, when) = (Arc::clone(&context.key_ring), (asked.month, asked.reading));
    let finding = context
        .store
        .run(move |connection| find(connection, &ring, resorts, when));
    Ok(view(&finding.await?))
}

fn view(found: &Found) -> ReportView {
    let month = found.month;
    let part = |one: &Read| Part {
        resort: one.resort.id.to_string(),
        is_final: one.frozen_at.is_some(),
        final_at: one
            .frozen_at
            .unwrap_or_else(|| month.freezes_at(one.resort.time_zone)),
        counted_at: one.counted_at.filter(|_| one.frozen_at.is_none()),
        comparison: Comparison::of(Verdict::of([&one.figures]), &one.figures),
        figures: one.figures.clone(),
    };
    let resorts: Vec<Part> = found.resorts.iter().map(part).collect();
    let figures = || found.resorts.iter().map(|one| &one.figures);
    let sum = sum(figures());
    let total = Part {
        resort: "all".to_owned(),
        is_final: !resorts.is_empty() && resorts.iter().all(|part| part.is_final),
        final_at: resorts
            .iter()
            .map(|part| part.final_at)
            .max()
            .unwrap_or_else(|| month.freezes_at(Tz::UTC)),
        counted_at: resorts.iter().filter_map(|part| part.counted_at).min(),
        comparison: Comparison::of(Verdict::of(figures()), &sum),
        figures: sum,
    };
    ReportView {
        month,
        months: months(month, &total, &found.frozen),
        final_months: together(&found.frozen),
        broken: found.broken.iter().filter_map(broken).collect(),
        total,
        resorts,
    }
}

/// `2026-11`.
fn as_text<S: Serializer>(month: &Month, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(month)
}

fn sum<'a>(parts: impl IntoIterator<Item = &'a Figures>) -> Figures {
    let mut sum = Figures::default();
    parts.into_iter().for_each(|figures| sum.add(figures));
    sum
}

/// Months too small to say something alone may say it together.
fn together(frozen: &[Frozen]) -> Option<Together> {
    let with_carts = || frozen.iter().filter(|one| one.figures.carts > 0);
    let months: BTreeSet<Month> = with_carts().map(|one| one.month).collect();
    let figures = || with_carts().map(|one| &one.figures);
    (months.len() > 1).then(|| Together {
        months: months.len(),
        comparison: Comparison::of(Verdict::of(figures()), &sum(figures())),
    })
}

/// `None`: its key cannot be read.
fn broken(one: &BrokenRule) -> Option<Broken> {
    let booking: BookingKey = one.booking_key.parse().ok()?;
    Some(Broken {
        rule: one.breach.clone(),
        message: one.id.to_string(),
        kind: one.kind.clone(),
        resort: booking.resort.to_string(),
        booking: booking.booking.to_string(),
        called_at: one.claimed_at,
    })
}

fn months(shown: Month, total: &Part, frozen: &[Frozen]) -> Vec<MonthView> {
    let mut sums: BTreeMap<Month, Figures> = BTreeMap::new();
    for one in frozen.iter().filter(|one| one.month < shown) {
        sums.entry(one.month).or_default().add(&one.figures);
    }
    let had_carts = |(_, figures): &(Month, Figures)| figures.carts > 0;
    let earlier = sums
        .into_iter()
        .filter(had_carts)
        .map(|(month, figures)| MonthView {
            month: month.to_string(),
            is_final: true,
            figures,
        });
    let this = MonthView {
        month: shown.to_string(),
        is_final: total.is_final,
        figures: total.figures.clone(),
    };
    earlier.chain([this]).collect()
}

impl Comparison {
    fn of(verdict: Verdict, figures: &Figures) -> Self {
        let answers = words::answers(&verdict, figures);
        let changed = words::changed(figures);
        let (word, difference, needed) = match verdict {
            Verdict::NoComparison => ("no_comparison", None, None),
            Verdict::TooFew { difference, needed } => ("too_few", Some(difference), Some(needed)),
            Verdict::More(difference) => ("more", Some(difference), None),
            Verdict::Fewer(difference) => ("fewer", Some(difference), None),
        };
        Self {
            verdict: word,
            difference: difference.map(|found| found.difference),
            low: difference.map(|found| found.low),
            high: difference.map(|found| found.high),
            carts_needed: needed.map(|needed: Needed| needed.carts),
            headline: words::headline(&verdict),
            sentences: answers.texts().chain(&changed).cloned().collect(),
            answers,
            changed,
        }
    }
}
