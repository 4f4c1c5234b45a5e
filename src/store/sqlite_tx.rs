//! A transaction on SQLite: one's turn at the writer, as late and as short as can be.
//!
//! One that fails undoes only itself. That is prepared by a savepoint, for which SQLite keeps a copy of each page that changes:
//! as dear as the change. A transaction of statements whose outcome decides nothing does without, if only its first can fail.

use super::{
    Error, Result,
    columns::{FromRow, SqliteRow},
    sqlite,
    sqlite_group::{Group, execute},
    sqlite_writer::Writer,
    values::Bound,
};
use rusqlite::Connection;
use std::borrow::Cow;
use tokio::sync::OwnedMutexGuard;

/// A statement whose outcome nobody waits for.
pub(super) struct Waiting {
    text: Cow<'static, str>,
    values: Vec<Bound>,
    must_touch: bool,
}

impl Waiting {
    /// Runs it.
    pub(super) fn run(&self, connection: &Connection) -> Result<()> {
        match sqlite::run(connection, &self.text, &self.values)? {
            0 if self.must_touch => Err(Error::Lost),
            _ => Ok(()),
        }
    }
}

/// A transaction: the writer while somebody holds it.
pub struct SqliteTx {
    writer: Writer,
    /// `None` before its turn, and once it is handed on.
    group: Option<OwnedMutexGuard<Group>>,
    waiting: Vec<Waiting>,
}

impl SqliteTx {
    /// Nothing is done yet.
    pub(super) const fn new(writer: Writer) -> Self {
        Self { writer, group: None, waiting: Vec::new() }
    }

    /// Keeps a statement until the next one, or the commit; which fails if the statement does, or touches no row and must.
    pub(super) fn wait(&mut self, text: Cow<'static, str>, values: Vec<Bound>, must_touch: bool) {
        self.waiting.push(Waiting { text, values, must_touch });
    }

    /// Runs a statement; says how many rows it touched.
    pub(super) async fn run(&mut self, text: &str, values: &[Bound]) -> Result<u64> {
        sqlite::run(self.connection().await?, text, values)
    }

    /// Runs a statement; reads at most so many rows.
    pub(super) async fn rows<T>(&mut self, text: &str, values: &[Bound], most: usize) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<SqliteRow<'r>>,
    {
        sqlite::rows(self.connection().await?, text, values, most)
    }

    /// The connection, after all that waits. What is done with it from here on can be undone by itself.
    async fn connection(&mut self) -> Result<&Connection> {
        if self.group.is_none() {
            let group = self.writer.turn().await?;
            execute(group.connection()?, "savepoint one")?;
            self.group = Some(group);
        }
        let connection = self.group.as_ref().expect("it has its turn").connection()?;
        if connection.is_autocommit() {
            // Outside a transaction, because SQLite undid it, a statement would last by itself.
            return Err(Error::Unreachable("the transaction was undone".into()));
        }
        for statement in std::mem::take(&mut self.waiting) {
            statement.run(connection)?;
        }
        Ok(connection)
    }

    /// Hands the writer on; returns when it is on disk.
    pub(super) async fn commit(mut self) -> Result<()> {
        let group = self.done().await?;
        self.writer.committed(group).await
    }

    /// The group, after everything is done.
    async fn done(&mut self) -> Result<OwnedMutexGuard<Group>> {
        if self.group.is_none() && !self.waiting.iter().skip(1).any(|statement| statement.must_touch) {
            let mut group = self.writer.turn().await?;
            group.run(&self.waiting)?;
            return Ok(group);
        }
        execute(self.connection().await?, "release one")?;
        Ok(self.group.take().expect("it is held until here"))
    }
}

impl Drop for SqliteTx {
    /// Whatever was not committed is undone before anybody else gets the writer.
    fn drop(&mut self) {
        let Some(group) = self.group.take() else { return };
        let Ok(connection) = group.connection() else { return };
        let undo = if group.is_empty() { "rollback" } else { "rollback to one; release one" };
        if let Err(error) = connection.execute_batch(undo) {
            tracing::debug!(%error, "nothing to undo");
        }
    }
}
