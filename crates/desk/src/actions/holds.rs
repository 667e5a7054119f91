//! Pausing and resuming, and what is held now.

use chrono::{DateTime, Utc};
use domain::hold::Coverage;
use serde::Serialize;
use store::holds::{self, Hold};
use store::{Store, StoreError};

/// A hold as people see it.
#[derive(Debug, Serialize)]
pub(crate) struct HoldView {
    /// Scope and coverage.
    pub(crate) hold: String,
    pub(crate) scope: String,
    pub(crate) resort: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) kind: Option<String>,
    /// WhatsApp's code, or a person's words.
    pub(crate) reason: String,
    /// Nobody: WhatsApp's answer began it.
    pub(crate) by_whom: Option<String>,
    pub(crate) since: DateTime<Utc>,
    /// When one message tries again; null where a person decides.
    pub(crate) tries_at: Option<DateTime<Utc>>,
    /// How many messages wait for it.
    pub(crate) messages: i64,
}

fn view((hold, messages): (Hold, i64)) -> HoldView {
    HoldView {
        hold: hold.key,
        scope: hold.scope,
        resort: hold.resort,
        number: hold.number,
        template: hold.template,
        kind: hold.kind,
        reason: hold.reason,
        by_whom: hold.by_whom,
        since: hold.since,
        tries_at: hold.until,
        messages,
    }
}

/// Everything that is held now, oldest first.
pub(crate) async fn list(store: &Store) -> Result<Vec<HoldView>, StoreError> {
    let found = store.run(holds::list).await?;
    Ok(found.into_iter().map(view).collect())
}

/// How many messages wait because their resort's file has nothing to send.
pub(crate) async fn without_template(store: &Store) -> Result<i64, StoreError> {
    store.run(holds::count_without_template).await
}

/// Pauses. `None` when it was not paused before, else the hold that is in force already.
pub(crate) async fn pause(
    store: &Store,
    coverage: Coverage,
    by_whom: String,
    words: String,
) -> Result<Option<HoldView>, StoreError> {
    let found = store
        .transaction(move |connection| {
            if holds::pause(connection, &coverage, &by_whom, &words)? {
                return Ok(None);
            }
            let key = domain::hold::key(domain::hold::PAUSED, &coverage);
            let all = holds::list(connection)?;
            Ok(all.into_iter().find(|(hold, _)| hold.key == key))
        })
        .await?;
    Ok(found.map(view))
}

/// Ends every hold that names all that is given; returns their keys.
pub(crate) async fn resume(store: &Store, named: Coverage) -> Result<Vec<String>, StoreError> {
    store
        .transaction(move |connection| holds::resume(connection, &named))
        .await
}
