//! Bookings that were there before: sealed and planned as `processor` does it, laid into the tables by `COPY`.
//!
//! They are copies of one booking that `processor` wrote, each with a key, a guest and a time of its own, and sealed for
//! itself, so that every program can read each of them.

use std::io::Write as _;
use std::ops::Range;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use crypto::key_ring::KeyRing;
use url::Url;

use super::Stage;
use super::files::{NUMBERS, RESORTS, resort};
use crate::bench::Bench;
use crate::load;
use crate::webhook::{Deed, booking, old, phone};

/// The resorts' `[abandonment] after`.
const PATIENCE: TimeDelta = TimeDelta::days(1);

/// What is laid into the tables.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Old {
    /// Carts whose guests will count as gone, the first at this time, so many in a second.
    Pending { from: DateTime<Utc>, per_second: usize },
    /// Carts of ten days ago, each with its event and a reminder that was sent.
    Reminded,
}

/// The booking that is copied.
struct Model {
    columns: Vec<(String, String)>,
    booking: String,
    phone: String,
    facts: String,
    at: String,
}

impl Stage {
    /// Lays those with these numbers into the tables. `ingest` and `processor` must run; what they did for the model stays.
    pub(crate) async fn lay(&self, bench: &Bench, which: Range<usize>, what: Old) -> anyhow::Result<()> {
        let model = self.model(bench).await?;
        let columns: Vec<&str> = model.columns.iter().map(|(name, _)| name.as_str()).collect();
        let copy = format!("COPY bookings ({}) FROM STDIN", columns.join(", "));
        let mut command = Command::new(bench.settings.pgbench.with_file_name("psql"));
        command.args([
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--command",
            &copy,
        ]);
        self.connect(&mut command)?.stdin(Stdio::piped());
        let ring = KeyRing::parse(&self.secrets.keys)?;
        let copying = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
            let mut child = command.spawn()?;
            let mut input = std::io::BufWriter::new(child.stdin.take().context("psql takes nothing")?);
            let first = which.start;
            for index in which {
                input.write_all(model.copy(&ring, index, index - first, what).as_bytes())?;
            }
            drop(input);
            anyhow::ensure!(child.wait()?.success(), "psql could not copy the bookings");
            Ok(())
        });
        copying.await??;
        if let Old::Reminded = what {
            self.add_messages_and_events().await?;
        }
        Ok(())
    }

    /// How libpq's programs find the database, as its owner.
    pub(crate) fn connect<'c>(&self, command: &'c mut Command) -> anyhow::Result<&'c mut Command> {
        let url = Url::parse(&self.database.url())?;
        Ok(command
            .env("PGHOST", url.host_str().unwrap_or_default())
            .env("PGPORT", url.port().unwrap_or(5432).to_string())
            .env("PGUSER", url.username())
            .env("PGPASSWORD", url.password().unwrap_or_default())
            .env("PGDATABASE", url.path().trim_start_matches('/')))
    }

    async fn model(&self, bench: &Bench) -> anyhow::Result<Model> {
        let webhook = bench.platform.webhook_at(Deed::Starts, 0);
        let (booking, phone) = (booking(webhook.guest), phone(webhook.guest));
        load::flood(self.ingest()?, vec![webhook], 1).await?;
        let key = format!("{}/{booking}", resort(0));
        self.until_counted(
            &format!("SELECT count(*) AS count FROM bookings WHERE key = '{key}' AND sealed_facts <> ''"),
            1,
        )
        .await?;
        let read = format!(
            "SELECT e.key || '=' || coalesce(e.value, '\\N') AS text \
             FROM bookings b, jsonb_each_text(to_jsonb(b)) e WHERE b.key = '{key}'"
        );
        let rows = self.database.lines(&read).await?;
        let columns: Vec<(String, String)> = rows
            .iter()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let sealed = columns.iter().find(|(name, _)| name == "sealed_facts");
        let sealed = from_hex(&sealed.context("no sealed facts")?.1);
        let ring = KeyRing::parse(&self.secrets.keys)?;
        let facts = String::from_utf8(ring.open(&sealed, &format!("facts:{key}"))?)?;
        let at = facts
            .split("\"at\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let at = at.context("no time in the facts")?.to_owned();
        let hash = format!("\\x{}", to_hex(&ring.lookup(&phone)));
        anyhow::ensure!(
            columns
                .iter()
                .any(|(name, value)| name == "phone_hash" && *value == hash),
            "the guest's number is hashed in another way than the copies' would be"
        );
        Ok(Model {
            columns,
            booking,
            phone,
            facts,
            at,
        })
    }

    async fn add_messages_and_events(&self) -> anyhow::Result<()> {
        let old = "b.id LIKE 'OLD-%'";
        let number = format!("'{NUMBERS}' || lpad(right(b.resort, 3), 5, '0')");
        let values = [
            ("id", "gen_random_uuid()"),
            ("booking_key", "b.key"),
            ("kind", "'reminder_1'"),
            ("round", "0"),
            ("basis_at", "t"),
            ("state", "'sent'"),
            ("due_at", "t"),
            ("expires_at", "t + interval '2 days'"),
            ("attempts", "1"),
            ("claimed_at", "t"),
            ("claim_token", "gen_random_uuid()"),
            ("whatsapp_hash", "sha256(convert_to(b.key, 'UTF8'))"),
            ("sent_at", "t"),
            ("delivery", "'read'"),
            ("delivery_at", "t"),
            ("called_to", "b.phone_hash"),
            ("called_from", &number),
            ("called_template", "'reminder_1/en_US'"),
            ("called_country", "30"),
            ("template", "'template'"),
            ("created_at", "t"),
            ("updated_at", "t"),
        ];
        // 0.1.0 has fewer.
        let known = self.columns("messages").await?;
        let values = values
            .iter()
            .filter(|(column, _)| known.iter().any(|one| one == column));
        let (columns, values): (Vec<&str>, Vec<&str>) = values.copied().unzip();
        let messages = format!(
            "INSERT INTO messages ({}) SELECT {} \
             FROM bookings b, (SELECT now() - interval '9 days' AS t) times WHERE {old}",
            columns.join(", "),
            values.join(", ")
        );
        let columns = self.columns("events").await?;
        let values = columns.iter().map(|column| match column.as_str() {
            "key" => "'direct/old-' || b.id".to_owned(),
            "booking_key" => "b.key".to_owned(),
            "phone_hash" => "b.phone_hash".to_owned(),
            "received_at" | "applied_at" => "now() - interval '10 days'".to_owned(),
            other => format!("m.{other}"),
        });
        let events = format!(
            "INSERT INTO events ({}) SELECT {} FROM bookings b, (SELECT * FROM events LIMIT 1) m WHERE {old}",
            columns.join(", "),
            values.collect::<Vec<_>>().join(", ")
        );
        self.database.execute(&messages).await;
        self.database.execute(&events).await;
        Ok(())
    }
}

impl Model {
    /// A line of `COPY`.
    fn copy(&self, ring: &KeyRing, index: usize, place: usize, what: Old) -> String {
        let (id, resort, phone) = (booking(old(index)), resort(index % RESORTS), phone(old(index)));
        let key = format!("{resort}/{id}");
        let (at, wake_at) = match what {
            Old::Pending { from, per_second } => {
                let micros = place as f64 / per_second.max(1) as f64 * 1e6;
                let wake_at = from + TimeDelta::microseconds(micros as i64);
                (wake_at - PATIENCE, text(wake_at))
            }
            Old::Reminded => (Utc::now() - TimeDelta::days(10), "\\N".to_owned()),
        };
        let facts = self
            .facts
            .replace(&self.booking, &id)
            .replace(&self.phone, &phone)
            .replace(&self.at, &text(at));
        let value = |(name, value): &(String, String)| match name.as_str() {
            "key" => key.clone(),
            "id" => id.clone(),
            "resort" => resort.clone(),
            "sealed_facts" => {
                let sealed = ring.seal(facts.as_bytes(), &format!("facts:{key}"));
                format!("\\\\x{}", to_hex(&sealed))
            }
            "phone_hash" => format!("\\\\x{}", to_hex(&ring.lookup(&phone))),
            "wake_at" => wake_at.clone(),
            "created_at" | "updated_at" => text(at),
            "status" if matches!(what, Old::Reminded) => "abandoned".to_owned(),
            _ => value.replace('\\', "\\\\").replace("\\\\N", "\\N"),
        };
        let values: Vec<String> = self.columns.iter().map(value).collect();
        values.join("\t") + "\n"
    }
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// Of bytea's text, `\x…`.
fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .trim_start_matches("\\x")
        .chars()
        .filter_map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect()
}
