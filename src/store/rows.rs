//! Rows of any table as they are, whatever is in them: for moving all of them into another database, of either engine. Which
//! tables and columns there are is looked up, so that none can be forgotten.

use super::{
    Db, Result, Store, Tx,
    columns::{FromRow, SqliteRow},
    schema,
    sql::Sql,
    values::Bound,
};
use crate::domain::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use sqlx::{
    Column as _, Row as _, TypeInfo,
    postgres::{PgColumn, PgRow},
};
use std::fmt::Write;

/// The one table whose rows the database numbers, and the column.
pub const NUMBERED: (&str, &str) = ("events", "seq");

/// A table as a database has it.
#[derive(Debug)]
pub struct Table {
    name: &'static str,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: String,
    /// As the engine calls it.
    kind: String,
    /// Its place in the primary key, from 1; 0 where it is not in it.
    place: i64,
}

/// A row: what is in each of its columns.
#[derive(Clone, Debug)]
pub struct Cells(pub(super) Vec<Bound>);

/// The tables of the schema, each after those that it refers to.
pub fn tables() -> Vec<&'static str> {
    schema::tables()
}

/// What a table looks like in this database.
pub async fn table(store: &Store, name: &'static str) -> Result<Table> {
    const ON_SQLITE: &str = "select name, type, pk from pragma_table_info($1) order by cid";
    const ON_POSTGRES: &str = "select a.attname::text, format_type(a.atttypid, null),
            coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint
         from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
         where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum";
    let sql = store.sql(if store.engine() == "sqlite" { ON_SQLITE } else { ON_POSTGRES });
    let columns: Vec<(String, String, i64)> = sql.bind(name).all().await?;
    let columns = columns.into_iter().map(|(name, kind, place)| Column { name, kind, place }).collect();
    Ok(Table { name, columns })
}

/// How many rows a table has.
pub async fn count(db: impl Db<'_>, table: &str) -> Result<i64> {
    let (count,): (i64,) = db.written(format!("select count(*) from {table}")).one().await?;
    Ok(count)
}

/// Has a transaction that has not begun see one moment all along, whatever others commit.
pub async fn stand_still(tx: &mut Tx) -> Result<()> {
    if tx.store.engine() == "postgres" {
        tx.sql("set transaction isolation level repeatable read").run().await?;
    }
    Ok(())
}

/// The next rows after that one, by the primary key.
pub async fn after(tx: &mut Tx, table: &Table, last: Option<&Cells>, most: i64) -> Result<Vec<Cells>> {
    let mut key: Vec<(usize, &Column)> = table.columns.iter().enumerate().filter(|(_, it)| it.place > 0).collect();
    key.sort_by_key(|(_, column)| column.place);
    let names = key.iter().map(|(_, column)| column.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut text = format!("select {} from {}", table.names(), table.name);
    let mut bound = Vec::new();
    if let Some(Cells(cells)) = last {
        bound = key.iter().map(|(place, _)| cells[*place].clone()).collect();
        let places = (1..=bound.len()).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ");
        let _ = write!(text, " where ({names}) > ({places})");
    }
    let _ = write!(text, " order by {names} limit {most}");
    binding(tx.written(text), bound).all().await
}

/// Adds rows that were read from a table with the same columns in the same order.
pub async fn insert(tx: &mut Tx, table: &Table, rows: Vec<Cells>) -> Result<u64> {
    let mut text = format!("insert into {} ({})", table.name, table.names());
    if tx.store.engine() == "postgres" && table.name == NUMBERED.0 {
        text.push_str(" overriding system value");
    }
    let mut bound = Vec::with_capacity(rows.len() * table.columns.len());
    for (number, Cells(cells)) in rows.into_iter().enumerate() {
        text.push_str(if number == 0 { " values (" } else { ", (" });
        for (column, cell) in table.columns.iter().zip(cells) {
            bound.push(column.fitting(cell));
            let _ = write!(text, "${}, ", bound.len());
        }
        text.truncate(text.len() - 2);
        text.push(')');
    }
    binding(tx.written(text), bound).run().await
}

/// The number that the database gave last; 0 where it has given none.
pub async fn last_number(tx: &mut Tx) -> Result<i64> {
    const ON_SQLITE: &str = "select coalesce(max(seq), 0) from sqlite_sequence where name = $1";
    const ON_POSTGRES: &str = "select coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass), 0)";
    let text = if tx.store.engine() == "sqlite" { ON_SQLITE } else { ON_POSTGRES };
    let (last,): (i64,) = tx.sql(text).bind(NUMBERED.0).bind(NUMBERED.1).one().await?;
    Ok(last)
}

/// Has the database go on after that number.
pub async fn go_on_after(tx: &mut Tx, last: i64) -> Result<()> {
    const ON_POSTGRES: &str = "select setval(pg_get_serial_sequence($1, $2)::regclass, $3)";
    if last == 0 {
        return Ok(());
    }
    if tx.store.engine() == "postgres" {
        let _: (i64,) = tx.sql(ON_POSTGRES).bind(NUMBERED.0).bind(NUMBERED.1).bind(last).one().await?;
        return Ok(());
    }
    tx.sql("delete from sqlite_sequence where name = $1").bind(NUMBERED.0).run().await?;
    tx.sql("insert into sqlite_sequence (name, seq) values ($1, $2)").bind(NUMBERED.0).bind(last).run().await?;
    Ok(())
}

fn binding(sql: Sql<'_>, values: Vec<Bound>) -> Sql<'_> {
    values.into_iter().fold(sql, Sql::bind_as_it_is)
}

impl Table {
    /// Whether both have the same columns in the same order.
    pub fn is_like(&self, other: &Self) -> bool {
        self.columns.iter().map(|it| &it.name).eq(other.columns.iter().map(|it| &it.name))
    }

    fn names(&self) -> String {
        self.columns.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Column {
    /// What was read from either engine as this column takes it. SQLite's have fewer kinds, and take what they are given.
    fn fitting(&self, cell: Bound) -> Bound {
        let (number, text) = match cell {
            Bound::Number(number) => (number, None),
            Bound::Text(text) => (None, text),
            other => return other,
        };
        match self.kind.as_str() {
            "timestamp with time zone" => Bound::Time(number.map(Timestamp::from_micros)),
            "boolean" => Bound::Flag(number.map(|number| number != 0)),
            "json" => Bound::Json(text),
            "bigint" | "INTEGER" => Bound::Number(number),
            _ => Bound::Text(text),
        }
    }
}

/// What SQLite has in a column.
struct Cell(Bound);

impl FromSql for Cell {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value {
            ValueRef::Null => Bound::Text(None),
            ValueRef::Integer(number) => Bound::Number(Some(number)),
            ValueRef::Text(_) => Bound::Text(Some(value.as_str()?.to_owned())),
            ValueRef::Real(_) | ValueRef::Blob(_) => return Err(FromSqlError::InvalidType),
        }))
    }
}

impl FromRow<SqliteRow<'_>> for Cells {
    fn from_row(row: &SqliteRow<'_>) -> sqlx::Result<Self> {
        (0..row.len())
            .map(|place| row.try_get::<Cell, usize>(place).map(|Cell(value)| value))
            .collect::<sqlx::Result<_>>()
            .map(Self)
    }
}

impl FromRow<PgRow> for Cells {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        row.columns().iter().map(|column| cell(row, column)).collect::<sqlx::Result<_>>().map(Self)
    }
}

/// What Postgres has in a column; JSON to the letter.
fn cell(row: &PgRow, column: &PgColumn) -> sqlx::Result<Bound> {
    let place = column.ordinal();
    Ok(match column.type_info().name() {
        "TEXT" => Bound::Text(row.try_get(place)?),
        "INT8" => Bound::Number(row.try_get(place)?),
        "BOOL" => Bound::Flag(row.try_get(place)?),
        "TIMESTAMPTZ" => Bound::Time(row.try_get(place)?),
        "JSON" => Bound::Json(row.try_get_unchecked(place)?),
        other => return Err(sqlx::Error::Decode(format!("no column is of type {other}").into())),
    })
}
