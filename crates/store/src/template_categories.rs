//! The categories that WhatsApp has given templates: marketing can be refused by guests.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Text, Timestamptz};
use diesel::{ExpressionMethods, OptionalExtension, PgConnection, RunQueryDsl};
use domain::after_call::Scope;
use domain::hold::{self, Coverage};
use domain::message::MessageKind;
use domain::template_category::{self, BECAME_MARKETING, MARKETING};

use crate::error::StoreError;
use crate::planning::Planner;
use crate::prepared::sql;
use crate::rows::Value;
use crate::schema::holds;

/// WhatsApp reports the category of a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CategoryReport {
    /// `name/language`.
    pub template: String,
    /// The business account; empty where the report names none.
    pub account: String,
    pub at: DateTime<Utc>,
    /// In capitals: `MARKETING`, `UTILITY`, `AUTHENTICATION`.
    pub category: String,
}

/// The keys of holds that changes of categories began and ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recategorised {
    pub laid: Vec<String>,
    pub lifted: Vec<String>,
}

/// Stores reported categories, and lays or lifts the holds that follow.
///
/// A template that became marketing holds the messages of other kinds that use it, until it is marketing no more or a
/// person lifts the hold. A report that is older than the stored one changes nothing, nor does one that repeats it: a hold
/// that a person lifted stays lifted.
///
/// Call it before bookings are locked: it locks holds.
pub fn learn(
    connection: &mut PgConnection,
    planner: &Planner,
    mut reports: Vec<CategoryReport>,
) -> Result<Recategorised, StoreError> {
    // In the order of the rows' keys, since each locks its row, and then by time.
    reports.sort();
    let mut changes = Recategorised::default();
    for report in &reports {
        let before = stored(connection, report)?;
        if !store(connection, report)? || before.as_deref() == Some(report.category.as_str()) {
            continue;
        }
        if report.category == MARKETING {
            for coverage in template_category::holds(&planner.resorts, &report.template) {
                changes.laid.extend(lay(connection, &coverage)?);
            }
        } else {
            changes.lifted.extend(lift(connection, &report.template)?);
        }
    }
    Ok(changes)
}

fn stored(connection: &mut PgConnection, report: &CategoryReport) -> Result<Option<String>, StoreError> {
    let row: Option<Value<Text, String>> = sql(
        "SELECT category AS key FROM template_categories WHERE template = $1 AND account = $2 FOR UPDATE",
    )
    .bind::<Text, _>(report.template.as_str())
    .bind::<Text, _>(report.account.as_str())
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("find the category of a template"))?;
    Ok(row.map(|row| row.0))
}

/// `false`: a newer report is stored.
fn store(connection: &mut PgConnection, report: &CategoryReport) -> Result<bool, StoreError> {
    sql(
        "INSERT INTO template_categories (template, account, category, since) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (template, account) DO UPDATE SET category = excluded.category, since = excluded.since \
         WHERE template_categories.since <= excluded.since",
    )
    .bind::<Text, _>(report.template.as_str())
    .bind::<Text, _>(report.account.as_str())
    .bind::<Text, _>(report.category.as_str())
    .bind::<Timestamptz, _>(report.at)
    .execute(connection)
    .map(|rows| rows > 0)
    .map_err(StoreError::query("store the category of a template"))
}

/// Lays a hold without an end. Returns its key, unless it was laid before.
fn lay(connection: &mut PgConnection, coverage: &Coverage) -> Result<Option<String>, StoreError> {
    let scope = Scope::Template.as_str();
    let key = hold::key(scope, coverage);
    let inserted = diesel::insert_into(holds::table)
        .values((
            holds::key.eq(&key),
            holds::scope.eq(scope),
            holds::number.eq(coverage.number.as_ref().map(|id| id.as_str())),
            holds::template.eq(coverage.template.as_deref()),
            holds::kind.eq(coverage.kind.as_ref().map(MessageKind::as_str)),
            holds::reason.eq(BECAME_MARKETING),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .map_err(StoreError::query("hold a template that became marketing"))?;
    Ok((inserted > 0).then_some(key))
}

/// Ends the holds of a template that is marketing at no account any more; returns their keys.
fn lift(connection: &mut PgConnection, template: &str) -> Result<Vec<String>, StoreError> {
    let rows: Vec<Value<Text, String>> = sql("DELETE FROM holds WHERE key = ANY(ARRAY( \
         SELECT key FROM holds WHERE reason = $1 AND template = $2 ORDER BY key FOR UPDATE)) \
         AND NOT EXISTS (SELECT 1 FROM template_categories c WHERE c.template = $2 AND c.category = $3) \
         RETURNING key")
    .bind::<Text, _>(BECAME_MARKETING)
    .bind::<Text, _>(template)
    .bind::<Text, _>(MARKETING)
    .load(connection)
    .map_err(StoreError::query("lift the holds of a template"))?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}
