//! A transaction on SQLite's one writer, in as few messages to the writer's thread as can be: each costs two switches of threads.
//!
//! It begins with its first statement, and statements whose outcome nobody waits for go along with the next one that is, or with
//! the commit.

use super::Result;
use futures_util::TryStreamExt;
use sqlx::{
    Arguments, AssertSqlSafe, Either, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection, query_with,
    sqlite::SqliteArguments,
};
use std::fmt::Write;

/// The writer while somebody holds it.
pub struct SqliteTx {
    connection: Option<PoolConnection<Sqlite>>,
    begun: bool,
    waiting: String,
    arguments: SqliteArguments,
}

impl SqliteTx {
    /// Waits for the writer. Nothing is begun yet.
    pub(super) async fn begin(writer: &SqlitePool) -> Result<Self> {
        let connection = Some(writer.acquire().await?);
        Ok(Self { connection, begun: false, waiting: String::new(), arguments: SqliteArguments::default() })
    }

    /// The values of the statements that wait, for the next statement to follow.
    pub(super) fn take_arguments(&mut self) -> SqliteArguments {
        std::mem::take(&mut self.arguments)
    }

    /// The connection, for a text of [`with_waiting`](Self::with_waiting).
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.connection.as_mut().expect("it is held until the commit")
    }

    /// The statement behind all that must run before it. `before` counts the values of those.
    pub(super) fn with_waiting(&mut self, text: &str, before: usize) -> String {
        let begin = if self.begun { "" } else { "begin immediate;" };
        self.begun = true;
        let mut all = format!("{begin}{}", self.waiting);
        self.waiting.clear();
        renumber(&mut all, text, before);
        all
    }

    /// Keeps a statement until the next one.
    pub(super) fn wait(&mut self, text: &str, before: usize, arguments: SqliteArguments) {
        renumber(&mut self.waiting, text, before);
        self.waiting.push(';');
        self.arguments = arguments;
    }

    /// Runs a statement; says how many rows it touched, those of waiting ones not counted.
    pub(super) async fn run(&mut self, text: &str, before: usize, arguments: SqliteArguments) -> Result<u64> {
        let all = self.with_waiting(text, before);
        #[expect(deprecated, reason = "several statements with values in one message")]
        let mut outcomes = query_with::<Sqlite, _>(AssertSqlSafe(all), arguments).fetch_many(self.connection());
        let mut touched = 0;
        while let Some(outcome) = outcomes.try_next().await? {
            if let Either::Left(done) = outcome {
                touched = done.rows_affected();
            }
        }
        Ok(touched)
    }

    /// Runs what waits and makes it all last.
    pub(super) async fn commit(mut self) -> Result<()> {
        if self.begun || !self.waiting.is_empty() {
            let arguments = self.take_arguments();
            let before = arguments.len();
            self.run("commit", before, arguments).await?;
            self.begun = false;
        }
        Ok(())
    }
}

impl Drop for SqliteTx {
    /// Whatever was begun and not committed is undone before anybody else gets the writer.
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take().filter(|_| self.begun) else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                // It may have been committed, or never begun: then there is nothing to undo.
                let _ = sqlx::query("rollback").execute(&mut *connection).await;
            })),
            Err(_) => drop(connection.detach()), // closing it undoes it too
        }
    }
}

/// Adds a statement to others: its `$1` is the first value after theirs.
fn renumber(all: &mut String, text: &str, before: usize) {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest[at + 1..].split_at(digits);
        let number: usize = number.parse().expect("a `$` is followed by a number");
        let _ = write!(all, "{}${}", &rest[..at], number + before);
        rest = after;
    }
    all.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_after_those_before() {
        let mut all = "a $1;".to_owned();
        renumber(&mut all, "b $1, $12 c", 1);
        assert_eq!(all, "a $1;b $2, $13 c");
    }
}
