//! The resorts and business numbers that rows name, for telling a name from a typing error.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::error::StoreError;
use crate::prepared;
use crate::rows::Value;

/// Every resort that has a booking or a letter. Reads the tables whole.
pub fn list_resorts(connection: &mut PgConnection) -> Result<BTreeSet<String>, StoreError> {
    let names =
        "SELECT resort AS name FROM bookings UNION SELECT resort FROM letters WHERE resort IS NOT NULL";
    list(connection, names, "list the resorts of rows")
}

/// Every business number that a message was sent from or a guest wrote to. Reads the tables whole.
pub fn list_numbers(connection: &mut PgConnection) -> Result<BTreeSet<String>, StoreError> {
    let names = "SELECT number AS name FROM conversations UNION SELECT called_from FROM messages WHERE called_from IS NOT NULL";
    list(connection, names, "list the numbers of rows")
}

fn list(
    connection: &mut PgConnection,
    query: &'static str,
    step: &'static str,
) -> Result<BTreeSet<String>, StoreError> {
    let names: Vec<Value<Text, String>> = prepared::sql(query)
        .load(connection)
        .map_err(StoreError::query(step))?;
    Ok(names.into_iter().map(|row| row.0).collect())
}
