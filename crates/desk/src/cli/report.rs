//! `desk report`

use std::fmt::Write as _;

use clap::Args;
use domain::ids::ResortId;
use domain::report::{Figures, Group, Month};
use domain::staff::Scope;
use service::Environment;

use super::{Answer, output, table};
use crate::actions::names;
use crate::actions::report::{self, Asked, Broken, Part, Reading, ReportView, points, share};
use crate::actions::words;
use crate::settings;

/// Show what came of a month's carts, and whether reminders earned it
///
/// A guest counts with the first cart of the month whose reminder went, or would have gone but for the hold-out; booked is who
/// confirmed a reservation within 7 days after that cart was abandoned, and has not cancelled it. Figures are final 14 days after
/// the month's end. docs/report.md explains each.
///
/// Needs DATABASE_URL, BELLHOP_CONFIG and BELLHOP_KEYS or BELLHOP_KEYS_FILE. Shows no personal data.
///
/// Examples:
///   desk report                                this month, all resorts together and each
///   desk report --resort azure-bay --month 2026-10
///   desk report --csv > report.csv             a line for each figure: month, resort, figure, name, value
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Only this resort
    #[arg(long)]
    resort: Option<ResortId>,
    /// The month, such as 2026-11 [default: the present one]
    #[arg(long)]
    month: Option<Month>,
    /// Print one line for each figure, separated by commas
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> anyhow::Result<Answer> {
    let mut read = environment.reader();
    let context = settings::context(&mut read, environment);
    let context = read.finish_with(|| context)?.open()?;
    if let Some(resort) = &arguments.resort {
        names::check_resort_file(context.files(), resort)?;
    }
    let asked = Asked {
        resort: arguments.resort,
        month: arguments.month,
        within: Scope::All,
        reading: Reading::Now,
    };

    let found = report::read(&context, &asked).await?;

    if arguments.json {
        output::print_json(&found)?;
    } else if arguments.csv {
        output::print(&csv(&found))?;
    } else {
        output::print(&text(&found))?;
    }
    Ok(Answer::Done)
}

fn text(found: &ReportView) -> String {
    let mut text = match found.resorts.as_slice() {
        [only] => of_part(found.month, only),
        _ => of_part(found.month, &found.total),
    };
    text.push_str(&broken(&found.broken));
    if let Some(together) = &found.final_months {
        let _ = writeln!(
            text,
            "\nAll {} final months together: {}\n  {}",
            together.months, together.comparison.headline, together.comparison.answers.sure
        );
    }
    if found.resorts.len() > 1 {
        text.push_str(
            "\nEach resort; together they are compared by what each shows within itself, not by the sums\n",
        );
        text.push_str(&table::rows("  ", &resorts(found)));
    }
    text
}

fn of_part(month: Month, part: &Part) -> String {
    let (figures, comparison) = (&part.figures, &part.comparison);
    let final_at = table::instant(part.final_at);
    let state = if part.is_final {
        "final since"
    } else {
        "changes until"
    };
    let mut text = format!(
        "{month}, {}, {state} {final_at}\n\n{}\n",
        part.resort, comparison.headline
    );
    for (question, answer) in [
        ("Did the reminders earn something?", &comparison.answers.earned),
        ("How sure is that?", &comparison.answers.sure),
        ("What to do now?", &comparison.answers.now),
    ] {
        let _ = writeln!(text, "  {question} {answer}");
    }
    if let Some(changed) = &comparison.changed {
        let _ = writeln!(text, "  {changed}");
    }
    text.push_str(&counts(figures));
    text.push_str(&lists(figures));
    text
}

fn counts(figures: &Figures) -> String {
    let row = |name: &str, of: fn(&Group) -> String| {
        [name.to_owned(), of(&figures.reminded), of(&figures.held_out)]
    };
    let groups = [
        [String::new(), "reminded".to_owned(), "held out".to_owned()],
        row("guests", |group| group.guests.to_string()),
        row("booked", |group| {
            format!("{} ({})", group.booked, share(group.share()))
        }),
        row("for", |group| group.sums.to_string()),
    ];
    let counts = [
        ("carts", figures.carts),
        ("delivered", figures.delivered),
        ("read", figures.read),
        ("answered", figures.answered),
        ("stopped", figures.stopped),
    ];
    let counts = counts.map(|(name, count)| [name.to_owned(), count.to_string()]);
    let breaches = figures.breaches.total();
    let breaches = breaches.map_or_else(|| "not counted".to_owned(), |total| total.to_string());
    let counts: Vec<_> = counts
        .into_iter()
        .chain([["rules broken".to_owned(), breaches]])
        .collect();
    format!(
        "\n{}\n{}\nLast touch, as others count: {} reminded guests booked, for {}. Some of them would have without a reminder.\n",
        table::rows("  ", &groups),
        table::rows("  ", &counts),
        figures.reminded.booked,
        figures.reminded.sums
    )
}

fn lists(figures: &Figures) -> String {
    let mut text = String::new();
    let messages = figures
        .messages
        .iter()
        .map(|(name, count)| [name.clone(), count.to_string()]);
    let reasons = figures.not_sent.iter().map(|(name, count)| {
        let why = words::reason(name).unwrap_or("It waits, or was given up.");
        [name.clone(), count.to_string(), why.to_owned()]
    });
    for (title, rows) in [
        (
            "Messages by WhatsApp's category",
            table::rows("  ", &messages.collect::<Vec<_>>()),
        ),
        (
            "Carts without a reminder",
            table::rows("  ", &reasons.collect::<Vec<_>>()),
        ),
    ] {
        if !rows.is_empty() {
            let _ = write!(text, "\n{title}\n{rows}");
        }
    }
    text
}

/// Empty where no call broke a rule.
fn broken(found: &[Broken]) -> String {
    let row = |one: &Broken| {
        [
            table::instant(one.called_at),
            format!("{}/{}", one.resort, one.booking),
            one.kind.clone(),
            report::rule(&one.rule).to_owned(),
        ]
    };
    match table::rows("  ", &found.iter().map(row).collect::<Vec<_>>()) {
        rows if rows.is_empty() => rows,
        rows => format!("\nMessages that broke a rule; there should be none\n{rows}"),
    }
}

fn resorts(found: &ReportView) -> Vec<[String; 5]> {
    let head = ["resort", "reminded", "held out", "difference", ""].map(str::to_owned);
    let booked = |group: &Group| {
        let rate = share(group.share());
        format!("{} of {} ({rate})", group.booked, group.guests)
    };
    let row = |part: &Part| {
        [
            part.resort.clone(),
            booked(&part.figures.reminded),
            booked(&part.figures.held_out),
            part.comparison.difference.map_or_else(|| "–".to_owned(), points),
            part.comparison.headline.to_owned(),
        ]
    };
    [head].into_iter().chain(found.resorts.iter().map(row)).collect()
}

/// A line for each figure, so that a new figure or currency is no new column.
fn csv(found: &ReportView) -> String {
    let mut text = "month,resort,figure,name,value\n".to_owned();
    let month = found.month.to_string();
    for part in found.resorts.iter().chain([&found.total]) {
        for [figure, name, value] in figures(part) {
            let line = [&month, &part.resort, &figure, &name, &value].map(|field| quoted(field));
            let _ = writeln!(text, "{}", line.join(","));
        }
    }
    text
}

fn figures(part: &Part) -> Vec<[String; 3]> {
    let (figures, comparison) = (&part.figures, &part.comparison);
    let one = |figure: &str, value: String| [figure.to_owned(), String::new(), value];
    let mut lines = vec![
        one("final", part.is_final.to_string()),
        one("verdict", comparison.verdict.to_owned()),
    ];
    for (figure, count) in [
        ("carts", figures.carts),
        ("delivered", figures.delivered),
        ("read", figures.read),
        ("answered", figures.answered),
        ("stopped", figures.stopped),
        ("in_both_groups", figures.in_both_groups),
    ] {
        lines.push(one(figure, count.to_string()));
    }
    lines.extend(
        figures
            .breaches
            .total()
            .map(|total| one("breaches", total.to_string())),
    );
    let breach = |(rule, count): (&str, u64)| ["breach".to_owned(), rule.to_owned(), count.to_string()];
    lines.extend(figures.breaches.iter().map(breach));
    for (figure, share) in [
        ("difference", comparison.difference),
        ("difference_low", comparison.low),
        ("difference_high", comparison.high),
    ] {
        lines.extend(share.map(|share| one(figure, format!("{share:.6}"))));
    }
    for (name, group) in [("reminded", &figures.reminded), ("held_out", &figures.held_out)] {
        lines.push(one(name, group.guests.to_string()));
        lines.push(one(&format!("{name}_booked"), group.booked.to_string()));
        let sum = |(currency, amount): (&str, domain::report::sums::Amount)| {
            [format!("{name}_sum"), currency.to_owned(), amount.to_string()]
        };
        lines.extend(group.sums.iter().map(sum));
    }
    for (figure, counts) in [("messages", &figures.messages), ("not_sent", &figures.not_sent)] {
        let line = |(name, count): (&String, &u64)| [figure.to_owned(), name.clone(), count.to_string()];
        lines.extend(counts.iter().map(line));
    }
    lines
}

/// In quotes where a field needs them.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", field.replace('"', "\"\""));
    }
    field.to_owned()
}
