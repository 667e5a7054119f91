//! What Postgres has counted in the stage's database, and the server's settings.

use anyhow::Context as _;

use super::Stage;

/// Since the database was made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    pub(crate) commits: f64,
    /// Looked at, in the cache or not.
    pub(crate) buffers: f64,
    pub(crate) rows_fetched: f64,
    pub(crate) rows_written: f64,
    pub(crate) wal_bytes: f64,
    /// Statements that clients have sent.
    pub(crate) statements: f64,
    pub(crate) time_us: f64,
}

const QUERY: &str = "SELECT concat_ws(' ', xact_commit, blks_hit + blks_read, tup_fetched, \
        tup_inserted + tup_updated + tup_deleted, (SELECT wal_bytes FROM pg_stat_wal), s.calls, s.time) AS text \
    FROM pg_stat_database d, \
        (SELECT sum(calls) AS calls, sum(total_exec_time + total_plan_time) * 1000 AS time FROM pg_stat_statements t \
         JOIN pg_database n ON n.oid = t.dbid WHERE n.datname = current_database() AND toplevel) s \
    WHERE d.datname = current_database()";

impl Stage {
    /// What was counted so far. Sessions report with a second's delay, so it waits for that.
    pub(crate) async fn counters(&self) -> anyhow::Result<Counters> {
        tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
        let lines = self.database.lines(QUERY).await?;
        let line = lines.first().context("Postgres counts nothing")?;
        let values: Result<Vec<f64>, _> = line.split(' ').map(str::parse).collect();
        let mut values = values?.into_iter();
        // In the order of the query.
        let mut next = || values.next().context("Postgres counts less than was asked for");
        Ok(Counters {
            commits: next()?,
            buffers: next()?,
            rows_fetched: next()?,
            rows_written: next()?,
            wal_bytes: next()?,
            statements: next()?,
            time_us: next()?,
        })
    }

    /// As autovacuum would have done long ago: the tables are tidy, and have statistics.
    pub(crate) async fn settle(&self) {
        self.database.execute("VACUUM ANALYZE").await;
        self.database.execute("CHECKPOINT").await;
    }
}
