//! Alerts of all programs: the latest of each id about each subject, counted once an hour.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::ResortId;
use domain::raised_alert::RaisedAlert;
use domain::webhook_out::WebhookEvent;
use serde_json::json;
use uuid::Uuid;

use crate::error::StoreError;
use crate::prepared;
use crate::rows::Rows;
use crate::webhooks_out::{self, Webhook};

/// How long rows are kept.
const KEPT: TimeDelta = TimeDelta::days(7);

/// Records alerts. One whose id and subject were recorded within an hour changes nothing.
pub fn record(connection: &mut PgConnection, raised: &[RaisedAlert]) -> Result<(), StoreError> {
    if raised.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO raised_alerts AS a (alert, subject, content) \
         SELECT DISTINCT ON (alert COLLATE \"C\", subject COLLATE \"C\") alert, subject, content::jsonb FROM {rows} \
         ORDER BY alert COLLATE \"C\", subject COLLATE \"C\" \
         ON CONFLICT (alert, subject) DO UPDATE SET content = excluded.content, recorded_at = excluded.recorded_at, \
         is_told = false WHERE a.recorded_at <= excluded.recorded_at - interval '1 hour'";
    Rows::new(sql, raised)
        .column::<Text, _>("alert", |one| one.alert.as_str())
        .column::<Text, _>("subject", |one| one.subject().to_string())
        .column::<Text, _>("content", |one| json!(one).to_string())
        .execute(connection)
        .map(drop)
        .map_err(StoreError::query("record alerts"))
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    content: String,
}

/// Has resorts told of the alerts of which none was told yet, at most so many. `concerned` finds the resorts that want to know
/// one. Returns how many alerts there were.
pub fn tell(
    connection: &mut PgConnection,
    most: i64,
    concerned: impl Fn(&RaisedAlert) -> Vec<ResortId>,
) -> Result<usize, StoreError> {
    let rows: Vec<Row> = prepared::sql(
        "UPDATE raised_alerts a SET is_told = true FROM ( \
             SELECT alert, subject FROM raised_alerts WHERE NOT is_told ORDER BY recorded_at LIMIT $1 \
             FOR NO KEY UPDATE SKIP LOCKED) AS untold \
         WHERE a.alert = untold.alert AND a.subject = untold.subject RETURNING a.content::text AS content",
    )
    .bind::<BigInt, _>(most)
    .load(connection)
    .map_err(StoreError::query("find alerts that nobody was told of"))?;
    // One that a newer version wrote otherwise is left out.
    let raised = rows
        .iter()
        .filter_map(|row| serde_json::from_str::<RaisedAlert>(&row.content).ok());
    for alert in raised {
        for resort in concerned(&alert) {
            webhooks_out::insert(connection, &webhook(&alert, resort))?;
        }
    }
    Ok(rows.len())
}

fn webhook(alert: &RaisedAlert, resort: ResortId) -> Webhook {
    let details = [
        ("alert", json!(alert.alert)),
        ("subject", json!(alert.subject().to_string())),
        ("program", json!(alert.program)),
        ("sentence", json!(alert.sentence)),
        ("fields", json!(alert.fields)),
    ];
    Webhook {
        id: Uuid::now_v7(),
        resort,
        event: WebhookEvent::Alert,
        booking: None,
        phone_hash: None,
        details: details
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        occurred_at: alert.raised_at,
    }
}

/// Deletes the alerts of before the last week; returns how many.
pub fn delete_old(connection: &mut PgConnection) -> Result<usize, StoreError> {
    let before: DateTime<Utc> = Utc::now() - KEPT;
    prepared::sql("DELETE FROM raised_alerts WHERE recorded_at < $1")
        .bind::<Timestamptz, _>(before)
        .execute(connection)
        .map_err(StoreError::query("delete old alerts"))
}
