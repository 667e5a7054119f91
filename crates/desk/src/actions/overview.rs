//! The figures of the whole, as far as a member may see them.

use chrono::{DateTime, Utc};
use domain::overview::Overview;
use domain::staff::Scope;
use store::{Store, StoreError, overview};

/// The latest figures of these resorts and when they were written; `None`: no processor has written any.
pub(crate) async fn read(
    store: &Store,
    scope: &Scope,
) -> Result<Option<(Overview, DateTime<Utc>)>, StoreError> {
    let found = store.run(overview::read).await?;
    Ok(found.map(|(figures, made_at)| (figures.within(scope), made_at)))
}
