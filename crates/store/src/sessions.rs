//! The browsers in which members of the staff are signed in at the desk's page, and the one-time links that sign them in.
//!
//! A link and a cookie are random, and only their hashes are stored: nothing in the database signs anybody in. A session is
//! found together with its member, so that it ends with the member, and a changed role holds from the next request on.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bytea, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use domain::audit::Action;
use domain::ids::StaffName;
use domain::staff::Role;
use uuid::Uuid;

use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::prepared;
use crate::staff::{self, Identity, Unchanged};

/// A session that nothing was done in ends, and each ends after its longest life (OWASP's cheat sheet on sessions).
const IDLE: Duration = Duration::from_hours(12);
const LONGEST: Duration = Duration::from_hours(7 * 24);
/// How precisely a session's last use is stored.
const SEEN_EVERY: Duration = Duration::from_mins(1);

/// A browser that is signed in.
#[derive(Debug, Clone, QueryableByName)]
pub struct Session {
    /// Names it on pages; it signs nobody in.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub member: String,
    /// The browser's family, such as `Firefox on Linux`.
    #[diesel(sql_type = Text)]
    pub browser: String,
    #[diesel(sql_type = Timestamptz)]
    pub began_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub seen_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Link {
    #[diesel(sql_type = Text)]
    member: String,
}

/// Stores a link that signs one browser of the member in, once, within `life`. Only admins make links for others.
pub fn make_link(
    connection: &mut PgConnection,
    by: &Actor,
    member: &StaffName,
    link_hash: &[u8; 32],
    life: Duration,
) -> Result<Result<(), Unchanged>, StoreError> {
    if by.name != *member {
        by.access.has(Role::Admin)?;
        by.access.reaches(None)?;
    }
    if staff::find(connection, member.as_str())?.is_none() {
        return Ok(Err(Unchanged::NoMember));
    }
    prepared::sql(
        "WITH old AS (DELETE FROM staff_links WHERE expires_at < clock_timestamp()) \
         INSERT INTO staff_links (link_hash, member, expires_at) \
         VALUES ($1, $2, clock_timestamp() + $3 * interval '1 second')",
    )
    .bind::<Bytea, _>(link_hash.as_slice())
    .bind::<Text, _>(member.as_str())
    .bind::<BigInt, _>(seconds(life))
    .execute(connection)
    .map_err(StoreError::query("store a sign-in link"))?;
    audit::append(
        connection,
        by,
        Action::StaffLinkMade,
        &Subject::of(member.as_str()),
    )
    .map(Ok)
}

/// Whose link it is; `None`: it is unknown, used or too old.
pub fn find_link(
    connection: &mut PgConnection,
    link_hash: &[u8; 32],
) -> Result<Option<Identity>, StoreError> {
    let link: Option<Link> = prepared::sql(
        "SELECT member FROM staff_links WHERE link_hash = $1 AND expires_at > clock_timestamp()",
    )
    .bind::<Bytea, _>(link_hash.as_slice())
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("look a sign-in link up"))?;
    match link {
        Some(link) => staff::find(connection, &link.member),
        None => Ok(None),
    }
}

/// Uses a link up. `None` as for [`find_link`].
pub fn sign_in_by_link(
    connection: &mut PgConnection,
    link_hash: &[u8; 32],
    cookie_hash: &[u8; 32],
    browser: &str,
) -> Result<Option<Identity>, StoreError> {
    let link: Option<Link> = prepared::sql(
        "DELETE FROM staff_links WHERE link_hash = $1 AND expires_at > clock_timestamp() RETURNING member",
    )
    .bind::<Bytea, _>(link_hash.as_slice())
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("use a sign-in link up"))?;
    let Some(link) = link else {
        return Ok(None);
    };
    let Some(identity) = staff::find(connection, &link.member)? else {
        return Ok(None);
    };
    begin(connection, &identity, cookie_hash, browser)?;
    Ok(Some(identity))
}

/// Begins a session, deletes those that are over, and records it in the audit trail.
pub fn begin(
    connection: &mut PgConnection,
    identity: &Identity,
    cookie_hash: &[u8; 32],
    browser: &str,
) -> Result<(), StoreError> {
    prepared::sql(
        "WITH over AS (DELETE FROM staff_sessions \
           WHERE seen_at < clock_timestamp() - $4 * interval '1 second' \
              OR began_at < clock_timestamp() - $5 * interval '1 second') \
         INSERT INTO staff_sessions (cookie_hash, member, browser) VALUES ($1, $2, $3)",
    )
    .bind::<Bytea, _>(cookie_hash.as_slice())
    .bind::<Text, _>(identity.name.as_str())
    .bind::<Text, _>(browser)
    .bind::<BigInt, _>(seconds(IDLE))
    .bind::<BigInt, _>(seconds(LONGEST))
    .execute(connection)
    .map_err(StoreError::query("begin a session"))?;
    let by = Actor {
        name: identity.name.clone(),
        access: identity.access.clone(),
        reason: None,
    };
    audit::append(connection, &by, Action::SignedIn, &Subject::of(browser))
}

/// The session of a cookie and its member; notes that it was used. `None`: there is none, or it is over.
pub fn find(
    connection: &mut PgConnection,
    cookie_hash: &[u8; 32],
) -> Result<Option<(Session, Identity)>, StoreError> {
    let session: Option<Session> = prepared::sql(
        "SELECT id, member, browser, began_at, seen_at FROM staff_sessions WHERE cookie_hash = $1 \
           AND seen_at > clock_timestamp() - $2 * interval '1 second' \
           AND began_at > clock_timestamp() - $3 * interval '1 second'",
    )
    .bind::<Bytea, _>(cookie_hash.as_slice())
    .bind::<BigInt, _>(seconds(IDLE))
    .bind::<BigInt, _>(seconds(LONGEST))
    .get_result(connection)
    .optional()
    .map_err(StoreError::query("look a session up"))?;
    let Some(session) = session else {
        return Ok(None);
    };
    prepared::sql(
        "UPDATE staff_sessions SET seen_at = clock_timestamp() \
         WHERE cookie_hash = $1 AND seen_at < clock_timestamp() - $2 * interval '1 second'",
    )
    .bind::<Bytea, _>(cookie_hash.as_slice())
    .bind::<BigInt, _>(seconds(SEEN_EVERY))
    .execute(connection)
    .map_err(StoreError::query("note the use of a session"))?;
    let identity = staff::find(connection, &session.member)?;
    Ok(identity.map(|identity| (session, identity)))
}

/// A member's sessions that are not over, the newest first.
pub fn list(connection: &mut PgConnection, member: &StaffName) -> Result<Vec<Session>, StoreError> {
    prepared::sql(
        "SELECT id, member, browser, began_at, seen_at FROM staff_sessions WHERE member = $1 \
           AND seen_at > clock_timestamp() - $2 * interval '1 second' \
           AND began_at > clock_timestamp() - $3 * interval '1 second' ORDER BY began_at DESC",
    )
    .bind::<Text, _>(member.as_str())
    .bind::<BigInt, _>(seconds(IDLE))
    .bind::<BigInt, _>(seconds(LONGEST))
    .load(connection)
    .map_err(StoreError::query("list the sessions of a member"))
}

/// Ends a session of this member; one of another member stays.
pub fn end(connection: &mut PgConnection, member: &StaffName, id: Uuid) -> Result<(), StoreError> {
    prepared::sql("DELETE FROM staff_sessions WHERE id = $1 AND member = $2")
        .bind::<SqlUuid, _>(id)
        .bind::<Text, _>(member.as_str())
        .execute(connection)
        .map(|_| ())
        .map_err(StoreError::query("end a session"))
}

fn seconds(life: Duration) -> i64 {
    i64::try_from(life.as_secs()).unwrap_or(i64::MAX)
}
