//! Bookings in a list, by the columns that are not sealed.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    ExpressionMethods, PgConnection, QueryDsl, Queryable, RunQueryDsl, Selectable, SelectableHelper,
};
use domain::ids::ResortId;
use domain::plan::Status;

use crate::error::StoreError;
use crate::schema::bookings;

/// A booking as a list has it. Nothing in it is personal.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = bookings)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub struct Listed {
    pub resort: String,
    pub id: String,
    /// As it was planned last.
    pub status: String,
    pub check_in: Option<NaiveDate>,
    pub check_out: Option<NaiveDate>,
    pub wake_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
}

/// Which bookings are listed: those that match everything that is given.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    pub resort: Option<ResortId>,
    pub status: Option<Status>,
    pub check_in: Option<NaiveDate>,
}

/// Those that changed last first.
pub fn list_latest(
    connection: &mut PgConnection,
    listing: &Listing,
    most: i64,
) -> Result<Vec<Listed>, StoreError> {
    let mut query = bookings::table
        .order((bookings::updated_at.desc(), bookings::key))
        .limit(most)
        .select(Listed::as_select())
        .into_boxed();
    if let Some(resort) = &listing.resort {
        query = query.filter(bookings::resort.eq(resort.as_str()));
    }
    if let Some(status) = listing.status {
        query = query.filter(bookings::status.eq(status.as_str()));
    }
    if let Some(date) = listing.check_in {
        query = query.filter(bookings::check_in.eq(date));
    }
    query.load(connection).map_err(StoreError::query("list bookings"))
}
