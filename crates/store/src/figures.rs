//! Figures of the whole database, for metrics.
//!
//! Any number of processors run, and one of them exports these figures: the one whose session holds an advisory lock. The
//! lock ends with its session, so another processor takes over within one round when the holder dies.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Double};
use diesel::{PgConnection, RunQueryDsl};
use domain::overview::Overview;

use crate::error::StoreError;
use crate::holds::Hold;
use crate::prepared;
use crate::report_gaps::{self, ReportGap};
use crate::rows::Value;
use crate::{Store, bookings, fetches, guests, holds, overview, webhooks_out};

#[derive(Debug)]
pub struct Figures {
    /// Each hold, with how many messages it holds.
    pub holds: Vec<(Hold, i64)>,
    /// Messages that are held because their resort's file has no template for them.
    pub messages_without_template: i64,
    pub bookings_without_resort: i64,
    /// Guests whose replies wait for staff.
    pub guests_waiting: i64,
    /// For how many seconds the first of them has waited; 0 where nobody waits.
    pub oldest_waiting_seconds: f64,
    /// What platforms are still to be asked for.
    pub fetches_waiting: i64,
    /// What resorts' own tools are still to be told.
    pub webhooks_out: webhooks_out::Figures,
    /// Numbers that WhatsApp reports nothing of.
    pub report_gaps: Vec<ReportGap>,
    /// For how many seconds the timer has been due that has been due for longest; 0 where none is.
    pub oldest_due_timer_seconds: f64,
    /// Messages whose call has no known outcome.
    pub unresolved_calls: i64,
    /// What waits for a person or for its time, and when that was written, a minute ago at most; `None`: not written yet.
    pub overview: Option<(Overview, DateTime<Utc>)>,
    /// Why the [`overview`] could not be written.
    pub overview_failed: Option<StoreError>,
}

pub struct FigureReader {
    store: Store,
    session: Option<Session>,
}

/// A connection of its own: one of the pool would give the lock to whichever query uses it next.
struct Session {
    connection: PgConnection,
    has_lock: bool,
}

impl FigureReader {
    pub fn new(store: Store) -> Self {
        Self { store, session: None }
    }

    /// The figures; `None`: another process holds the lock.
    ///
    /// # Errors
    /// The lock is lost, too.
    pub async fn read(&mut self) -> Result<Option<Figures>, StoreError> {
        let (store, session) = (self.store.clone(), self.session.take());
        let reading = tokio::task::spawn_blocking(move || {
            let mut session = match session {
                Some(session) => session,
                None => Session::open(&store)?,
            };
            let figures = session.figures()?;
            Ok::<_, StoreError>((session, figures))
        });
        let (session, figures) = reading.await.map_err(|_| StoreError::Interrupted)??;
        self.session = Some(session);
        Ok(figures)
    }
}

impl Session {
    fn open(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            connection: store.connect()?,
            has_lock: false,
        })
    }

    /// The lock and the figures use one connection. So figures are never read after the lock was lost.
    fn figures(&mut self) -> Result<Option<Figures>, StoreError> {
        let connection = &mut self.connection;
        if !self.has_lock {
            let try_lock =
                "SELECT pg_try_advisory_lock(hashtextextended('figures of the whole database', 0)) AS locked";
            self.has_lock = prepared::sql(try_lock)
                .get_result::<Value<Bool, bool>>(connection)
                .map_err(StoreError::query("try to lock the figures"))?
                .0;
        }
        if !self.has_lock {
            return Ok(None);
        }
        let (guests_waiting, oldest_waiting_seconds) = guests::count_waiting(connection)?;
        let overview_failed = overview::write(connection).err();
        Ok(Some(Figures {
            holds: holds::list(connection)?,
            messages_without_template: holds::count_without_template(connection)?,
            bookings_without_resort: bookings::count_without_resort(connection)?,
            guests_waiting,
            oldest_waiting_seconds,
            fetches_waiting: fetches::count(connection)?,
            webhooks_out: webhooks_out::figures(connection)?,
            report_gaps: report_gaps::list(connection)?,
            oldest_due_timer_seconds: oldest_due_timer(connection)?,
            unresolved_calls: unresolved_calls(connection)?,
            overview: overview::read(connection)?,
            overview_failed,
        }))
    }
}

/// The first entry of an index.
fn oldest_due_timer(connection: &mut PgConnection) -> Result<f64, StoreError> {
    let late = "SELECT coalesce(greatest(extract(epoch FROM clock_timestamp() - \
                (SELECT wake_at FROM bookings WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1)), 0), 0)::float8";
    prepared::sql(late)
        .get_result::<Value<Double, f64>>(connection)
        .map(|seconds| seconds.0)
        .map_err(StoreError::query("find the oldest due timer"))
}

/// From an index of the calls that run or are unresolved.
fn unresolved_calls(connection: &mut PgConnection) -> Result<i64, StoreError> {
    prepared::sql("SELECT count(*) FROM messages WHERE state IN ('sending', 'unknown') AND state = 'unknown'")
        .get_result::<Value<BigInt, i64>>(connection)
        .map(|calls| calls.0)
        .map_err(StoreError::query("count unresolved calls"))
}
