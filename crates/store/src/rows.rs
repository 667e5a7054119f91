//! Many rows as the input of one statement, with named columns: `{rows}` in its SQL becomes `unnest($1, $2) AS n(id, at)`.
//!
//! The SQL is the same for any number of rows, so each connection prepares it once, as every statement in SQL that is
//! made with [`prepared`](crate::prepared).

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::row::NamedRow;
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, HasSqlType, Untyped};
use diesel::{PgConnection, QueryResult, RunQueryDsl};

/// A row of a single column, whatever its name: `ST` is its type in SQL.
pub(crate) struct Value<ST, T>(pub(crate) T, PhantomData<ST>);

impl<ST, T: FromSql<ST, Pg>> QueryableByName<Pg> for Value<ST, T>
where
    Pg: HasSqlType<ST>,
{
    fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
        Ok(Self(row.get_value(0)?, PhantomData))
    }
}

pub(crate) struct Rows<'a, T> {
    sql: Cow<'static, str>,
    rows: Vec<T>,
    columns: Vec<(&'static str, Box<dyn QueryFragment<Pg> + 'a>)>,
}

impl<'a, T: Copy> Rows<'a, T> {
    /// A statement whose SQL has `{rows}` once, and no parameters of its own.
    pub(crate) fn new(sql: impl Into<Cow<'static, str>>, rows: impl IntoIterator<Item = T>) -> Self {
        Self {
            sql: sql.into(),
            rows: rows.into_iter().collect(),
            columns: Vec::new(),
        }
    }

    /// Adds a column of one type, with its value in each row.
    pub(crate) fn column<S, V>(mut self, name: &'static str, value: impl FnMut(T) -> V) -> Self
    where
        S: 'static,
        V: 'a,
        Vec<V>: ToSql<Array<S>, Pg>,
        Pg: HasSqlType<S>,
    {
        let values = self.rows.iter().copied().map(value).collect();
        let column = Column(values, PhantomData::<S>);
        self.columns.push((name, Box::new(column)));
        self
    }
}

struct Column<S, V>(Vec<V>, PhantomData<S>);

impl<S: 'static, V> QueryFragment<Pg> for Column<S, V>
where
    Vec<V>: ToSql<Array<S>, Pg>,
    Pg: HasSqlType<S>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_bind_param::<Array<S>, _>(&self.0)
    }
}

impl<T> QueryFragment<Pg> for Rows<'_, T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let (head, tail) = self.sql.split_once("{rows}").unwrap_or((&self.sql, ""));
        out.push_sql(head);
        for (index, (_, column)) in self.columns.iter().enumerate() {
            out.push_sql(if index == 0 { "unnest(" } else { ", " });
            column.walk_ast(out.reborrow())?;
        }
        for (index, (name, _)) in self.columns.iter().enumerate() {
            out.push_sql(if index == 0 { ") AS n(" } else { ", " });
            out.push_sql(name);
        }
        out.push_sql(")");
        out.push_sql(tail);
        Ok(())
    }
}

impl<T> QueryId for Rows<'_, T> {
    type QueryId = ();
    // Diesel then keeps prepared statements by their SQL.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> Query for Rows<'_, T> {
    type SqlType = Untyped;
}

impl<T> RunQueryDsl<PgConnection> for Rows<'_, T> {}
