//! Who takes care of a letter.

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{PgConnection, RunQueryDsl};
use domain::audit::Action;
use domain::ids::{LetterId, StaffName};

use super::{Decided, Declined, closing};
use crate::audit::{self, Actor, Subject};
use crate::error::StoreError;
use crate::{prepared, staff};

/// Gives an open letter to a present member who works for its resort, or to nobody. `false`: it was theirs already.
pub fn assign(
    connection: &mut PgConnection,
    id: LetterId,
    to: Option<&StaffName>,
    by: &Actor,
) -> Result<Decided<bool>, StoreError> {
    let letter = match closing::lock_open(connection, id)? {
        Ok(letter) => letter,
        Err(declined) => return Ok(Err(declined)),
    };
    // Also of a letter that is theirs already: who may not assign it is told so.
    by.access.check(Action::LetterAssigned, letter.resort.as_ref())?;
    if let Some(name) = to {
        match staff::find(connection, name.as_str())? {
            None => return Ok(Err(Declined::NoMember)),
            Some(member) if !member.access.scope.includes(letter.resort.as_ref()) => {
                return Ok(Err(Declined::OutOfReach));
            }
            Some(_) => {}
        }
    }
    let is_theirs =
        letter.assigned.as_ref().map(|assigned| assigned.to.as_str()) == to.map(StaffName::as_str);
    if is_theirs {
        return Ok(Ok(false));
    }
    prepared::sql(
        "UPDATE letters SET assigned_to = $2, assigned_at = CASE WHEN $2 IS NULL THEN NULL ELSE clock_timestamp() END \
         WHERE id = $1",
    )
    .bind::<BigInt, _>(id.0)
    .bind::<Nullable<Text>, _>(to.map(StaffName::as_str))
    .execute(connection)
    .map_err(StoreError::query("assign a letter"))?;
    let to = to.map_or(staff::NOBODY, StaffName::as_str);
    audit::append(
        connection,
        by,
        Action::LetterAssigned,
        &Subject::from(&letter).with(to),
    )?;
    Ok(Ok(true))
}
