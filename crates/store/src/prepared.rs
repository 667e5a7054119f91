//! Statements in SQL that each connection parses and plans once.
//!
//! [`sql`] replaces `diesel::sql_query`, with which Postgres parses and plans a statement at every call. That is more work
//! than most of our statements are.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};
use diesel::{PgConnection, QueryResult, RunQueryDsl};

/// A statement with its parameters, of which the first is `$1` in the SQL.
pub(crate) struct Prepared<'a> {
    sql: Cow<'static, str>,
    parameters: Vec<Box<dyn QueryFragment<Pg> + 'a>>,
}

/// A statement that is yet without parameters.
pub(crate) fn sql<'a>(sql: impl Into<Cow<'static, str>>) -> Prepared<'a> {
    Prepared {
        sql: sql.into(),
        parameters: Vec::new(),
    }
}

impl<'a> Prepared<'a> {
    /// Adds the next parameter.
    pub(crate) fn bind<S, V>(mut self, value: V) -> Self
    where
        S: 'static,
        V: ToSql<S, Pg> + 'a,
        Pg: HasSqlType<S>,
    {
        self.parameters.push(Box::new(Parameter(value, PhantomData::<S>)));
        self
    }
}

struct Parameter<S, V>(V, PhantomData<S>);

impl<S: 'static, V: ToSql<S, Pg>> QueryFragment<Pg> for Parameter<S, V>
where
    Pg: HasSqlType<S>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<S, _>(&self.0)
    }
}

impl QueryFragment<Pg> for Prepared<'_> {
    /// Diesel numbers parameters in the order in which they are pushed. So each is pushed where the SQL names it first, and
    /// is named by diesel's number from there on.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut pushed: Vec<usize> = Vec::with_capacity(self.parameters.len());
        let mut parts = self.sql.split('$');
        out.push_sql(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = part.split_at(digits);
            let index = number
                .parse()
                .map_or(usize::MAX, |number: usize| number.wrapping_sub(1));
            match pushed.iter().position(|known| *known == index) {
                Some(position) => out.push_sql(&format!("${}", position + 1)),
                None => {
                    // Postgres refuses a parameter that the caller has not bound.
                    let unbound =
                        || diesel::result::Error::QueryBuilderError("a parameter is not bound".into());
                    let parameter = self.parameters.get(index).ok_or_else(unbound)?;
                    parameter.walk_ast(out.reborrow())?;
                    pushed.push(index);
                }
            }
            out.push_sql(rest);
        }
        Ok(())
    }
}

impl QueryId for Prepared<'_> {
    type QueryId = ();
    // Diesel then keeps prepared statements by their SQL.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Prepared<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<PgConnection> for Prepared<'_> {}

#[cfg(test)]
mod tests {
    use diesel::sql_types::{Integer, Text};

    use super::*;

    #[test]
    fn parameters_may_be_named_in_any_order_and_more_than_once() {
        let statement = sql("SELECT $2 || $1, $2, $1 + 1")
            .bind::<Integer, _>(7)
            .bind::<Text, _>("a");

        let shown = diesel::debug_query::<Pg, _>(&statement).to_string();

        assert_eq!(shown, "SELECT $1 || $2, $1, $2 + 1 -- binds: [\"a\", 7]");
    }
}
