//! How Postgres carries out what a program has prepared.

use diesel::sql_types::{Integer, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use store::Store;

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    statement: String,
    #[diesel(sql_type = Integer)]
    parameters: i32,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "QUERY PLAN")]
    line: String,
}

/// The statements that a connection of the store has prepared, each with its plan. Work that was done one after another used
/// one connection.
///
/// # Panics
/// Where Postgres refuses.
pub async fn of_prepared_statements(store: &Store) -> Vec<(String, String)> {
    let explained = store.run(|connection| Ok(explain_all(connection)));
    match explained.await {
        Ok(Ok(plans)) => plans,
        Ok(Err(error)) => panic!("Postgres explains nothing: {error}"),
        Err(error) => panic!("Postgres is away: {error}"),
    }
}

fn explain_all(connection: &mut PgConnection) -> QueryResult<Vec<(String, String)>> {
    let prepared: Vec<Statement> = sql_query(
        "SELECT name, statement, cardinality(parameter_types) AS parameters FROM pg_prepared_statements \
         WHERE statement ~ '^(SELECT|INSERT|UPDATE|DELETE|WITH|--)' AND name LIKE '\\_\\_diesel%'",
    )
    .load(connection)?;
    let mut plans = Vec::new();
    for one in prepared {
        let nulls = vec!["NULL"; usize::try_from(one.parameters).unwrap_or_default()].join(", ");
        let arguments = if nulls.is_empty() {
            nulls
        } else {
            format!("({nulls})")
        };
        let lines: Vec<Line> =
            sql_query(format!("EXPLAIN EXECUTE {}{arguments}", one.name)).load(connection)?;
        let lines: Vec<String> = lines.into_iter().map(|line| line.line).collect();
        plans.push((one.statement, lines.join("\n")));
    }
    Ok(plans)
}
