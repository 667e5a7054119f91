//! The resorts, sources and business numbers that rows name, for telling a name from a typing error.

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

/// Every source that has a letter of an event. Reads the table whole.
pub fn list_sources(connection: &mut PgConnection) -> Result<BTreeSet<String>, StoreError> {
    let names = "SELECT DISTINCT split_part(amqp_id, '/', 1) AS name FROM letters WHERE kind = 'events'";
    list(connection, names, "list the sources of letters")
}

/// Every moment that a resort's file has, or had until its messages were withdrawn.
pub fn list_moments(connection: &mut PgConnection) -> Result<BTreeSet<String>, StoreError> {
    let names = "SELECT DISTINCT name FROM moments";
    list(connection, names, "list the resorts' moments")
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
