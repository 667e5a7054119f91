//! A season of many guests: they leave their carts, some are reminded, some are held out, and some book. In the end the report's figures
//! are compared with what the guests did, to the cent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::phone::Phone;
use crate::platform::{Booking, Platform};
use crate::screen::Screen;

const REMINDER: &str = "booking_reminder_1";
const DEADLINE: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_secs(1);

/// The guests, and those around them.
pub(crate) struct Season {
    pub(crate) platform: Platform,
    pub(crate) phone: Phone,
    pub(crate) desk: Desk,
    pub(crate) screen: Screen,
    pub(crate) guests: u32,
}

/// What the guests of a group did.
#[derive(Default)]
struct Group {
    guests: u64,
    booked: u64,
    cents: u64,
}

impl Season {
    pub(crate) async fn play(&self) -> anyhow::Result<()> {
        self.screen.title("A season of many guests");
        let carts: Vec<Booking> = (0..self.guests).map(cart).collect();
        self.screen
            .story(&format!("{} guests leave their carts", carts.len()));
        for cart in &carts {
            self.platform.report("booking_started", cart).await?;
        }
        self.await_report("the claim of every reminder", |figures| {
            let of = |group: &str| count(figures, &[group, "guests"]);
            of("reminded") + of("held_out") == u64::from(self.guests)
        })
        .await?;

        let reminded = self.reminded().await?;
        self.screen.story(&format!(
            "{} got a reminder: a quarter of them books, and a tenth of the others",
            reminded.len()
        ));
        let expected = self.book(&carts, &reminded).await?;

        let figures = self
            .await_report("the last reservation", |figures| {
                expected
                    .iter()
                    .all(|(group, did)| count(figures, &[group, "booked"]) >= did.booked)
            })
            .await?;
        compare(&figures, &expected)?;
        self.screen
            .story("the report's figures are what the guests did, to the cent");
        self.screen.title("desk report");
        self.screen.story(&self.desk.report_text().await?);
        Ok(())
    }

    /// The numbers to which WhatsApp brought a first reminder.
    async fn reminded(&self) -> anyhow::Result<BTreeSet<String>> {
        let all = self.phone.all_messages().await?;
        let reminders = all
            .into_iter()
            .filter(|message| message.accepted && message.template.as_deref() == Some(REMINDER));
        Ok(reminders.filter_map(|message| message.to).collect())
    }

    async fn book(
        &self,
        carts: &[Booking],
        reminded: &BTreeSet<String>,
    ) -> anyhow::Result<BTreeMap<&'static str, Group>> {
        let mut groups = BTreeMap::from([("reminded", Group::default()), ("held_out", Group::default())]);
        for cart in carts {
            let (name, one_in) = match reminded.contains(&cart.phone) {
                true => ("reminded", 4),
                false => ("held_out", 10),
            };
            let group = groups.entry(name).or_default();
            group.guests += 1;
            if group.guests % one_in == 0 {
                self.platform.report("reservation_confirmed", cart).await?;
                group.booked += 1;
                group.cents += cart.cents;
            }
        }
        Ok(groups)
    }

    /// The report's figures, once they are so.
    async fn await_report(&self, what: &str, are_so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let begun_at = Instant::now();
        loop {
            let report = self.desk.report().await?;
            let figures = report
                .pointer("/total/figures")
                .context("the report has no figures")?;
            if are_so(figures) {
                return Ok(figures.clone());
            }
            if begun_at.elapsed() > DEADLINE {
                bail!("the report does not show {what}: {figures}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Made up, like everything about these guests.
fn cart(guest: u32) -> Booking {
    let cents = 20_000 + u64::from(guest) * 3_517 % 250_000;
    Booking {
        phone: format!("+30691{:07}", 2_000_000 + guest),
        cents,
        ..Booking::new(i64::from(guest) + 1, "Ada Lovelace", "")
    }
}

fn count(figures: &Value, path: &[&str]) -> u64 {
    figures
        .pointer(&format!("/{}", path.join("/")))
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

fn compare(figures: &Value, expected: &BTreeMap<&'static str, Group>) -> anyhow::Result<()> {
    for (name, group) in expected {
        let sum = format!("{}.{:02}", group.cents / 100, group.cents % 100);
        let sums = if group.booked > 0 {
            json!({ "EUR": sum })
        } else {
            json!({})
        };
        let did = json!({ "guests": group.guests, "booked": group.booked, "sums": sums });
        let reported = figures.get(*name).cloned().unwrap_or_default();
        ensure!(
            reported == did,
            "{name}: the report says {reported}, and the guests did {did}"
        );
    }
    let carts: u64 = expected.values().map(|group| group.guests).sum();
    ensure!(
        count(figures, &["carts"]) == carts,
        "the report has other carts: {figures}"
    );
    ensure!(
        figures.get("breaches") == Some(&json!({})),
        "a call broke a rule: {figures}"
    );
    let held_out = expected.get("held_out").map_or(0, |group| group.guests);
    ensure!(
        count(figures, &["not_sent", "held_out"]) == held_out,
        "the report has another hold-out: {figures}"
    );
    Ok(())
}
