//! Since when the resorts' files have each of their own moments, and the planning of existing bookings with new ones.
//!
//! Processors read their files at different times, so for some seconds one has a moment that another has not. Each
//! definition has a row of its own; a row whose moment one processor misses is only marked, and the mark is taken back by
//! another that has it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use domain::ids::ResortId;
use domain::message::MomentName;
use domain::resort::Resort;

use crate::error::StoreError;
use crate::planner::Planner;
use crate::prepared::sql;

/// Since when each moment is known, of the resorts of some bookings.
#[derive(Debug, Default)]
pub(crate) struct Since(BTreeMap<ResortId, BTreeMap<MomentName, DateTime<Utc>>>);

#[derive(QueryableByName)]
struct SinceRow {
    #[diesel(sql_type = Text)]
    resort: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    definition: String,
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
}

impl Since {
    /// Reads those that the planner's files define as the rows do. Asks nothing where no resort has moments of its own.
    pub(crate) fn load<'a>(
        connection: &mut PgConnection,
        planner: &Planner,
        resorts: impl Iterator<Item = &'a ResortId>,
    ) -> Result<Self, StoreError> {
        let ids: BTreeSet<&ResortId> = resorts.collect();
        let known = ids.into_iter().filter_map(|id| planner.resort(id));
        let with_moments: Vec<&Resort> = known
            .filter(|resort| resort.own_moments().next().is_some())
            .collect();
        if with_moments.is_empty() {
            return Ok(Self::default());
        }
        let names: Vec<&str> = with_moments.iter().map(|resort| resort.id.as_str()).collect();
        let rows: Vec<SinceRow> =
            sql("SELECT resort, name, definition, since FROM moments WHERE resort = ANY($1)")
                .bind::<Array<Text>, _>(names)
                .load(connection)
                .map_err(StoreError::query("read since when moments are known"))?;
        let mut since = Self::default();
        for resort in with_moments {
            let of_resort = resort.own_moments().filter_map(|(name, moment)| {
                let row = rows.iter().find(|row| {
                    row.resort == resort.id.as_str()
                        && row.name == name.as_str()
                        && row.definition == moment.definition
                })?;
                Some((name, row.since))
            });
            since.0.insert(resort.id.clone(), of_resort.collect());
        }
        Ok(since)
    }

    pub(crate) fn of(&self, resort: &ResortId) -> BTreeMap<MomentName, DateTime<Utc>> {
        self.0.get(resort).cloned().unwrap_or_default()
    }
}

/// Notes the moments that the files of these resorts have now, and marks those that they have no more.
pub fn note(connection: &mut PgConnection, resorts: &[&Resort]) -> Result<(), StoreError> {
    let ids: Vec<&str> = resorts.iter().map(|resort| resort.id.as_str()).collect();
    let (mut of, mut names, mut definitions) = (Vec::new(), Vec::new(), Vec::new());
    for resort in resorts {
        for (name, moment) in resort.own_moments() {
            of.push(resort.id.as_str());
            names.push(name.as_str().to_owned());
            definitions.push(moment.definition.as_str());
        }
    }
    sql(include_str!("moments/note.sql"))
        .bind::<Array<Text>, _>(of)
        .bind::<Array<Text>, _>(names)
        .bind::<Array<Text>, _>(definitions)
        .bind::<Array<Text>, _>(ids)
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("note the resorts' moments"))
}

/// How far the planning of existing bookings with a moment has come.
#[derive(Debug, QueryableByName)]
pub struct Progress {
    #[diesel(sql_type = Text)]
    pub resort: String,
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Whether the file has the moment no more, so that its unsent messages are withdrawn.
    #[diesel(sql_type = Bool)]
    pub is_removed: bool,
    /// Bookings whose timers were set to this moment.
    #[diesel(sql_type = BigInt)]
    pub bookings: i64,
    /// Whether none is left.
    #[diesel(sql_type = Bool)]
    pub is_done: bool,
}

/// Sets the timers of up to `at_once` bookings that a new or removed moment concerns.
///
/// They are planned again at once. Over all processors each moment advances once a second. `None`: nothing is to be done now.
pub fn advance(connection: &mut PgConnection, at_once: i64) -> Result<Option<Progress>, StoreError> {
    for step in [
        include_str!("moments/plan.sql"),
        include_str!("moments/withdraw.sql"),
    ] {
        let progress: Option<Progress> = sql(step)
            .bind::<BigInt, _>(at_once)
            .get_result(connection)
            .optional()
            .map_err(StoreError::query("plan bookings with a moment"))?;
        if progress.is_some() {
            return Ok(progress);
        }
    }
    Ok(None)
}

/// How many moments are still being planned for existing bookings.
pub fn count_unplanned(connection: &mut PgConnection) -> Result<i64, StoreError> {
    sql("SELECT count(*) AS key FROM moments WHERE NOT is_planned OR removed_at IS NOT NULL")
        .get_result::<crate::rows::Value<BigInt, i64>>(connection)
        .map(|row| row.0)
        .map_err(StoreError::query("count moments that are being planned"))
}
