//! One SQL text, two engines.
//!
//! A statement is written once, with `$1`-style parameters, which both engines understand. Each
//! value bound to it becomes what the open engine keeps (see `values`), and each row is read from it
//! (see `columns`).

use super::{
    Engine, Result, Store, Tx, TxEngine,
    changes::{Changing, Touched},
    columns::{FromRow, SqliteRow},
    for_many, plans, postgres,
    postgres_tx::{self, PostgresTx},
    sqlite::{self, Connections},
    sqlite_tx::SqliteTx,
    sqlite_writer::Writer,
    together::Sharing,
    values::{Bound, Value},
};
use crate::domain::{request_filters::Page, words::Word};
use sqlx::postgres::PgRow;
use std::{borrow::Cow, collections::BTreeSet, fmt::Write};

/// Where a statement can run: on the `&Store`, or inside a `&mut Tx`.
pub trait Db<'c>: Sized {
    #[doc(hidden)]
    fn target(self, text: &str) -> Target<'c>;

    /// Begins a statement whose text is put together, of names that the schema has.
    #[doc(hidden)]
    fn written(self, text: String) -> Sql<'c> {
        Sql { target: self.target(&text), text: text.into(), values: Vec::new(), long: false, sharing: None }
    }

    /// Begins a statement. One that begins with `select` may run beside the writer.
    fn sql(self, text: &'static str) -> Sql<'c> {
        Sql { target: self.target(text), text: text.into(), values: Vec::new(), long: false, sharing: None }
    }
}

impl<'c> Db<'c> for &'c Store {
    fn target(self, text: &str) -> Target<'c> {
        match &self.engine {
            Engine::Sqlite { readers, .. } if text.starts_with("select") => Target::Sqlite(readers),
            Engine::Sqlite { writer, .. } => Target::SqliteWriter(self, writer),
            Engine::Postgres { connections, .. } => Target::Postgres(connections),
        }
    }
}

impl<'c> Db<'c> for &'c mut Tx {
    fn target(self, text: &str) -> Target<'c> {
        self.touched = self.touched.max(Touched::by(text));
        match &mut self.engine {
            TxEngine::Sqlite(tx) => Target::SqliteTx(tx),
            TxEngine::Postgres(tx) => Target::PostgresTx(tx),
        }
    }
}

/// What a statement will run on.
pub enum Target<'c> {
    /// Any connection that reads.
    Sqlite(&'c Connections),
    /// A transaction of its own.
    SqliteWriter(&'c Store, &'c Writer),
    /// An open SQLite transaction.
    SqliteTx(&'c mut SqliteTx),
    /// Any connection of a Postgres pool.
    Postgres(&'c postgres::Connections),
    /// An open Postgres transaction.
    PostgresTx(&'c mut PostgresTx),
}

/// A row that can be read from both engines.
pub trait Row: for<'r> FromRow<SqliteRow<'r>> + FromRow<PgRow> + Send + 'static {}
impl<T> Row for T where T: for<'r> FromRow<SqliteRow<'r>> + FromRow<PgRow> + Send + 'static {}

/// A statement being written.
#[must_use = "a statement does nothing until it is run"]
pub struct Sql<'c> {
    target: Target<'c>,
    text: Cow<'static, str>,
    values: Vec<Bound>,
    long: bool,
    sharing: Option<Sharing>,
}

impl Sql<'_> {
    /// Gives the next parameter its value.
    pub fn bind(mut self, value: impl Value) -> Self {
        self.values.push(value.bound());
        self
    }

    /// Gives the next parameter a value that is in the engine's terms already.
    pub(super) fn bind_as_it_is(mut self, value: Bound) -> Self {
        self.values.push(value);
        self
    }

    /// Continues the statement.
    pub fn push(mut self, text: &'static str) -> Self {
        self.text.to_mut().push(' ');
        self.text.to_mut().push_str(text);
        self
    }

    /// Continues the statement with text and a value for it to end in.
    pub fn push_bind(self, text: &'static str, value: impl Value) -> Self {
        let mut sql = self.push(text).bind(value);
        let last = sql.values.len();
        let _ = write!(sql.text.to_mut(), " ${last}");
        sql
    }

    /// Adds a condition to the `where` clause, if there is a value to hold it to.
    pub fn and(self, condition: &'static str, value: Option<impl Value>) -> Self {
        match value {
            Some(value) => self.push("and").push_bind(condition, value),
            None => self,
        }
    }

    /// Adds a condition to the `where` clause: the column holds one of these values. None of none.
    pub fn and_in<T: Value>(self, column: &'static str, values: &[T]) -> Self {
        let sql = self.push("and").push(column).push("in (");
        let Some((first, rest)) = values.split_first() else { return sql.push("null)") };
        let sql = sql.push_bind("", first);
        rest.iter().fold(sql, |sql, value| sql.push_bind(",", value)).push(")")
    }

    /// Adds a condition to the `where` clause: the column holds one of these words. They stand in the text, so that the engine
    /// knows which they are when it plans: some are rare, and some have an index of their own.
    pub fn and_words<T: Word>(mut self, column: &'static str, words: &[T]) -> Self {
        if !words.is_empty() {
            let words: BTreeSet<_> = words.iter().map(|word| format!("'{}'", word.as_str())).collect();
            let words: Vec<_> = words.into_iter().collect();
            let _ = write!(self.text.to_mut(), " and {column} in ({})", words.join(", "));
        }
        self
    }

    /// Only this page of what it finds. How long a page is stands in the text too; there are few lengths.
    pub fn page(self, page: Page) -> Self {
        let sql = self.limit(page.limit);
        if page.offset == 0 { sql } else { sql.push_bind("offset", page.offset) }
    }

    /// Only so many of the first. The number stands in the text, so it must be one of few: of one that it does not know, Postgres
    /// thinks that it is a tenth of all there are.
    pub fn limit(mut self, most: i64) -> Self {
        let _ = write!(self.text.to_mut(), " limit {most}");
        self
    }

    /// Only so many of the first, or some more: a power of two, so that there are few texts.
    pub fn first(self, most: i64) -> Self {
        let rounded = most.unsigned_abs().next_power_of_two();
        self.limit(rounded.try_into().unwrap_or(i64::MAX))
    }

    /// Adds a condition to the `where` clause: the column holds none of these texts.
    pub fn and_not_in(self, column: &'static str, texts: &[&str]) -> Self {
        let Some((first, rest)) = texts.split_first() else { return self };
        let sql = self.push("and").push(column).push_bind("not in (", first);
        rest.iter().fold(sql, |sql, text| sql.push_bind(",", text)).push(")")
    }

    /// Continues the statement with words that only Postgres needs.
    pub fn on_postgres(self, text: &'static str) -> Self {
        match self.target {
            Target::Sqlite(_) | Target::SqliteWriter(..) | Target::SqliteTx(_) => self,
            Target::Postgres(_) | Target::PostgresTx(_) => self.push(text),
        }
    }

    /// It may look at many rows: on SQLite it then gets a thread that may be held up.
    pub fn long(self) -> Self {
        Self { long: true, ..self }
    }

    /// Very many may want it at once, each with other values: on Postgres one look then finds it for all of them. Only for a
    /// `select` that looks up little, because all wait for all.
    pub fn together(self) -> Self {
        Self { sharing: Some(Sharing::Equal), ..self }
    }

    /// Very many may want the very same at once: on Postgres one look then serves those who came before it began. Only for a
    /// `select`.
    pub fn once_for_equal(self) -> Self {
        Self { sharing: Some(Sharing::OnlyEqual), ..self }
    }

    /// Runs it; says how many rows it touched.
    pub async fn run(self) -> Result<u64> {
        let Self { target, text, values, .. } = self;
        plans::note(&text, &values);
        match target {
            Target::Sqlite(readers) => readers.with(|connection| sqlite::run(connection, &text, &values)),
            Target::SqliteWriter(store, writer) => {
                let changing = Changing::begin(store, Touched::by(&text), std::iter::empty());
                let done = writer.run(&text, &values).await;
                if let Some(changing) = changing {
                    changing.end();
                }
                done
            }
            Target::SqliteTx(tx) => tx.run(&text, &values).await,
            Target::Postgres(connections) => postgres_tx::run(&mut connections.lend().await?, text, values).await,
            Target::PostgresTx(tx) => postgres_tx::run(tx.connection().await?, text, values).await,
        }
    }

    /// Runs it by the time the transaction is committed at the latest; nobody waits for its outcome, and if it fails so does
    /// the commit. On Postgres it costs no journey of its own; on SQLite the writer is not held meanwhile.
    pub async fn later(self) -> Result<()> {
        match self.target {
            Target::PostgresTx(tx) => {
                plans::note(&self.text, &self.values);
                tx.wait(self.text, self.values).await
            }
            Target::SqliteTx(tx) => {
                plans::note(&self.text, &self.values);
                tx.wait(self.text, self.values, false);
                Ok(())
            }
            _ => self.run().await.map(drop),
        }
    }

    /// Like [`later`](Self::later), for a change that must touch a row: if it does not, it fails with
    /// [`Lost`](super::Error::Lost), here or at the commit, and the transaction with it.
    pub async fn or_lost(self) -> Result<()> {
        match self.target {
            Target::PostgresTx(tx) => {
                plans::note(&self.text, &self.values);
                tx.guard(self.text, self.values).await
            }
            Target::SqliteTx(tx) => {
                plans::note(&self.text, &self.values);
                tx.wait(self.text, self.values, true);
                Ok(())
            }
            _ if self.run().await? == 0 => Err(super::Error::Lost),
            _ => Ok(()),
        }
    }

    /// Runs it; reads every row.
    pub async fn all<T: Row>(self) -> Result<Vec<T>> {
        self.rows(usize::MAX).await
    }

    /// Runs it; reads the first row, if there is one.
    pub async fn optional<T: Row>(self) -> Result<Option<T>> {
        Ok(self.rows(1).await?.pop())
    }

    /// Runs it; reads the first row, which there must be.
    pub async fn one<T: Row>(self) -> Result<T> {
        self.optional().await?.ok_or(super::Error::NotFound)
    }

    async fn rows<T: Row>(self, most: usize) -> Result<Vec<T>> {
        let Self { target, text, values, long, sharing } = self;
        plans::note(&text, &values);
        match target {
            Target::Sqlite(readers) if long => {
                readers.look(move |connection| sqlite::rows(connection, &text, &values, most)).await
            }
            Target::Sqlite(readers) => readers.with(|connection| sqlite::rows(connection, &text, &values, most)),
            Target::SqliteWriter(store, _) => {
                let mut tx = store.begin();
                let sql = Sql { target: (&mut tx).target(&text), text, values, long, sharing };
                let rows = Box::pin(sql.rows(most)).await?;
                tx.commit().await?;
                Ok(rows)
            }
            Target::SqliteTx(tx) => tx.rows(&text, &values, most).await,
            Target::Postgres(connections) if let Some(sharing) = sharing => {
                let for_many = match sharing {
                    Sharing::OnlyEqual => |_: &str, _: &[Bound]| Some(String::new()), // it goes as it is
                    Sharing::Nothing | Sharing::Equal => for_many::select,
                };
                if sharing == Sharing::Equal {
                    plans::note_for_many(&text, &values, for_many::select);
                }
                let rows = Box::pin(connections.together(text, values, sharing, for_many)).await?;
                Ok(rows.iter().take(most).map(T::from_row).collect::<sqlx::Result<_>>()?)
            }
            Target::Postgres(connections) => postgres_tx::rows(&mut connections.lend().await?, text, values).await,
            Target::PostgresTx(tx) => postgres_tx::rows(tx.connection().await?, text, values).await,
        }
    }
}
