//! One SQL text, two engines.
//!
//! A statement is written once, with `$1`-style parameters, which both engines understand. Each
//! value bound to it is encoded for whichever engine is open, and each row is decoded from it.

use super::{Engine, Result, Store, Tx, TxEngine, sqlite_tx::SqliteTx};
use sqlx::{
    Arguments, AssertSqlSafe, Encode, FromRow, PgConnection, PgPool, Postgres, Sqlite, SqlitePool, Type,
    postgres::{PgArguments, PgRow},
    query_as_with, query_with,
    sqlite::{SqliteArguments, SqliteRow},
};
use std::{borrow::Cow, fmt::Write};

/// Where a statement can run: on the `&Store`, or inside a `&mut Tx`.
pub trait Db<'c>: Sized {
    #[doc(hidden)]
    fn target(self, text: &str) -> Target<'c>;

    /// Begins a statement. One that begins with `select` may run beside the writer.
    fn sql(self, text: &'static str) -> Sql<'c> {
        let target = self.target(text);
        Sql { before: target.count(), target, text: text.into(), failed: None }
    }
}

impl<'c> Db<'c> for &'c Store {
    fn target(self, text: &str) -> Target<'c> {
        match &self.engine {
            Engine::Sqlite { readers, writer, .. } => {
                let reads = text.starts_with("select");
                Target::Sqlite(if reads { readers } else { writer }, SqliteArguments::default())
            }
            Engine::Postgres(pool) => Target::Postgres(pool, PgArguments::default()),
        }
    }
}

impl<'c> Db<'c> for &'c mut Tx {
    fn target(self, _: &str) -> Target<'c> {
        match &mut self.engine {
            TxEngine::Sqlite(tx) => {
                let waiting = tx.take_arguments();
                Target::SqliteTx(tx, waiting)
            }
            TxEngine::Postgres(tx) => Target::PostgresTx(tx, PgArguments::default()),
        }
    }
}

/// What a statement will run on, with the values bound to it so far.
pub enum Target<'c> {
    /// Any connection of an SQLite pool.
    Sqlite(&'c SqlitePool, SqliteArguments),
    /// An open SQLite transaction. Its values follow those of the statements that wait before it.
    SqliteTx(&'c mut SqliteTx, SqliteArguments),
    /// Any connection of a Postgres pool.
    Postgres(&'c PgPool, PgArguments),
    /// An open Postgres transaction.
    PostgresTx(&'c mut PgConnection, PgArguments),
}

impl Target<'_> {
    /// How many values there are, those of waiting statements included.
    fn count(&self) -> usize {
        match self {
            Target::Sqlite(_, args) | Target::SqliteTx(_, args) => args.len(),
            Target::Postgres(_, args) | Target::PostgresTx(_, args) => args.len(),
        }
    }
}

/// A value that both engines can store.
pub trait Value<'q>: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> {}
impl<'q, T> Value<'q> for T where T: Encode<'q, Sqlite> + Type<Sqlite> + Encode<'q, Postgres> + Type<Postgres> {}

/// A row that can be read from both engines.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A statement being written.
#[must_use = "a statement does nothing until it is run"]
pub struct Sql<'c> {
    text: Cow<'static, str>,
    target: Target<'c>,
    /// Values that belong to statements before this one.
    before: usize,
    failed: Option<sqlx::Error>,
}

/// Writes an expression once and compiles it for each target.
macro_rules! on_target {
    ($sql:ident, |$text:ident, $args:ident, $db:ident| $run:expr) => {{
        if let Some(error) = $sql.failed {
            return Err(error.into());
        }
        let before = $sql.before;
        Ok(match $sql.target {
            Target::Sqlite($db, $args) => {
                let $text = AssertSqlSafe($sql.text); // every piece of it is a literal
                $run
            }
            Target::SqliteTx(tx, $args) => {
                let $text = AssertSqlSafe(tx.with_waiting(&$sql.text, before));
                let $db = tx.connection();
                $run
            }
            Target::Postgres($db, $args) => {
                let $text = AssertSqlSafe($sql.text);
                $run
            }
            Target::PostgresTx($db, $args) => {
                let $text = AssertSqlSafe($sql.text);
                $run
            }
        })
    }};
}

impl Sql<'_> {
    /// Gives the next parameter its value.
    pub fn bind<'q>(mut self, value: impl Value<'q>) -> Self {
        let bound = match &mut self.target {
            Target::Sqlite(_, args) | Target::SqliteTx(_, args) => args.add(value),
            Target::Postgres(_, args) | Target::PostgresTx(_, args) => args.add(value),
        };
        self.failed = self.failed.or(bound.map_err(sqlx::Error::Encode).err());
        self
    }

    /// Continues the statement.
    pub fn push(mut self, text: &'static str) -> Self {
        self.text.to_mut().push(' ');
        self.text.to_mut().push_str(text);
        self
    }

    /// Continues the statement with text and a value for it to end in.
    pub fn push_bind<'q>(self, text: &'static str, value: impl Value<'q>) -> Self {
        let mut sql = self.push(text).bind(value);
        let last = sql.target.count() - sql.before;
        let _ = write!(sql.text.to_mut(), " ${last}");
        sql
    }

    /// Adds a condition to the `where` clause, if there is a value to hold it to.
    pub fn and<'q>(self, condition: &'static str, value: Option<impl Value<'q>>) -> Self {
        match value {
            Some(value) => self.push("and").push_bind(condition, value),
            None => self,
        }
    }

    /// Adds a condition to the `where` clause: the column holds one of these values. None of none.
    pub fn and_in<'q, T: Value<'q> + Copy>(self, column: &'static str, values: &[T]) -> Self {
        let sql = self.push("and").push(column).push("in (");
        let Some((first, rest)) = values.split_first() else { return sql.push("null)") };
        let sql = sql.push_bind("", *first);
        rest.iter().fold(sql, |sql, value| sql.push_bind(",", *value)).push(")")
    }

    /// Adds a condition to the `where` clause: the column holds none of these texts.
    pub fn and_not_in(self, column: &'static str, texts: &[&str]) -> Self {
        let Some((first, rest)) = texts.split_first() else { return self };
        let sql = self.push("and").push(column).push_bind("not in (", *first);
        rest.iter().fold(sql, |sql, text| sql.push_bind(",", *text)).push(")")
    }

    /// Continues the statement with words that only Postgres needs.
    pub fn on_postgres(self, text: &'static str) -> Self {
        match self.target {
            Target::Sqlite(..) | Target::SqliteTx(..) => self,
            Target::Postgres(..) | Target::PostgresTx(..) => self.push(text),
        }
    }

    /// Runs it; says how many rows it touched.
    pub async fn run(self) -> Result<u64> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        Ok(match self.target {
            Target::Sqlite(db, args) => query_with(AssertSqlSafe(self.text), args).execute(db).await?.rows_affected(),
            Target::SqliteTx(tx, args) => tx.run(&self.text, self.before, args).await?,
            Target::Postgres(db, args) => query_with(AssertSqlSafe(self.text), args).execute(db).await?.rows_affected(),
            Target::PostgresTx(db, args) => {
                query_with(AssertSqlSafe(self.text), args).execute(db).await?.rows_affected()
            }
        })
    }

    /// Runs it by the time the transaction is committed at the latest; nobody waits for its outcome, and if it fails so does the
    /// commit. On SQLite it costs no message of its own to the writer.
    pub async fn later(self) -> Result<()> {
        match (self.failed, self.target) {
            (Some(error), _) => Err(error.into()),
            (None, Target::SqliteTx(tx, args)) => {
                tx.wait(&self.text, self.before, args);
                Ok(())
            }
            (None, target) => {
                let now = Self { target, text: self.text, before: self.before, failed: None };
                now.run().await.map(drop)
            }
        }
    }

    /// Runs it; reads every row.
    pub async fn all<T: Row>(self) -> Result<Vec<T>> {
        on_target!(self, |text, args, db| query_as_with(text, args).fetch_all(db).await?)
    }

    /// Runs it; reads the first row, if there is one.
    pub async fn optional<T: Row>(self) -> Result<Option<T>> {
        on_target!(self, |text, args, db| query_as_with(text, args).fetch_optional(db).await?)
    }

    /// Runs it; reads the first row, which there must be.
    pub async fn one<T: Row>(self) -> Result<T> {
        on_target!(self, |text, args, db| query_as_with(text, args).fetch_one(db).await?)
    }
}
