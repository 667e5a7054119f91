//! Who may act.

use chrono::{DateTime, Utc};
use crypto::token::Token;
use domain::ids::StaffName;
use serde::Serialize;
use store::audit::Actor;
use store::staff::{self, Member};
use store::{Store, StoreError};

pub(crate) use store::staff::Unchanged;

/// Somebody who is, or was, on the staff.
#[derive(Debug, Serialize)]
pub(crate) struct MemberView {
    pub(crate) name: String,
    pub(crate) added_at: DateTime<Utc>,
    pub(crate) removed_at: Option<DateTime<Utc>>,
}

impl From<Member> for MemberView {
    fn from(member: Member) -> Self {
        Self {
            name: member.name,
            added_at: member.added_at,
            removed_at: member.removed_at,
        }
    }
}

/// Whether there is nobody yet, so that the first may come.
pub(crate) async fn is_empty(store: &Store) -> Result<bool, StoreError> {
    store.run(staff::is_empty).await
}

/// Adds somebody, and returns the token, which is nowhere else.
pub(crate) async fn add(
    store: &Store,
    by: Actor,
    name: StaffName,
) -> Result<Result<Token, Unchanged>, StoreError> {
    let token = Token::generate();
    let hash = token.hash();
    let added = store
        .transaction(move |connection| staff::add(connection, &by, &name, &hash))
        .await?;
    Ok(added.map(|()| token))
}

/// Removes somebody.
pub(crate) async fn remove(
    store: &Store,
    by: Actor,
    name: StaffName,
) -> Result<Result<(), Unchanged>, StoreError> {
    store
        .transaction(move |connection| staff::remove(connection, &by, &name))
        .await
}

/// Everybody, by name.
pub(crate) async fn list(store: &Store) -> Result<Vec<MemberView>, StoreError> {
    let found = store.run(staff::list).await?;
    Ok(found.into_iter().map(MemberView::from).collect())
}
