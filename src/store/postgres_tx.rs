//! A transaction on Postgres, in as few journeys to it as can be.
//!
//! It begins with its first statement whose outcome decides how it goes on. All others go along together, as one; if there
//! are only such they need no transaction around them. Of those, one may be a guard: if it touches no row, all are undone.

use super::{
    Result,
    columns::FromRow,
    postgres::{Connections, Lent, in_time},
    values::Bound,
};
use sqlx::{
    AssertSqlSafe,
    postgres::{PgArguments, PgRow},
    query_with,
};
use std::{borrow::Cow, fmt::Write};

/// How many statements go together at most.
const TOGETHER: usize = 8;
/// What Postgres calls a division by zero: by the number of rows that a guard touched.
pub(super) const GUARD_FAILED: &str = "22012";

/// The transaction.
pub struct PostgresTx {
    connections: Connections,
    begun: Option<Lent>,
    /// With the number of values before each.
    waiting: Vec<(Cow<'static, str>, usize)>,
    /// Which of those are guards.
    guards: Vec<usize>,
    values: Vec<Bound>,
}

impl PostgresTx {
    /// Nothing is sent yet.
    pub(super) fn new(connections: Connections) -> Self {
        Self { connections, begun: None, waiting: Vec::new(), guards: Vec::new(), values: Vec::new() }
    }

    /// The connection, after all that waits.
    pub(super) async fn connection(&mut self) -> Result<&mut Lent> {
        let waiting = self.together();
        if self.begun.is_none() {
            self.begun.insert(self.connections.lend().await?).begin().await?;
        }
        let connection = self.begun.as_mut().expect("it was begun above");
        if let Some((text, values)) = waiting {
            run(connection, text, values).await?;
        }
        Ok(connection)
    }

    /// Keeps a statement until the next one. Two of the same text do not go together, so that what they do has an order.
    pub(super) async fn wait(&mut self, text: Cow<'static, str>, values: Vec<Bound>) -> Result<()> {
        if self.waiting.len() == TOGETHER || self.waiting.iter().any(|(other, _)| *other == text) {
            self.connection().await?;
        }
        self.waiting.push((text, self.values.len()));
        self.values.extend(values);
        Ok(())
    }

    /// Keeps a statement that must touch a row, or all fails.
    pub(super) async fn guard(&mut self, text: Cow<'static, str>, values: Vec<Bound>) -> Result<()> {
        self.wait(text + " returning 1", values).await?;
        self.guards.push(self.waiting.len() - 1);
        Ok(())
    }

    /// Runs what waits and makes it all last.
    pub(super) async fn commit(mut self) -> Result<()> {
        if self.begun.is_some() {
            self.connection().await?;
        }
        match (self.begun.take(), self.together()) {
            (Some(mut begun), _) => begun.end("commit").await,
            (None, Some((text, values))) => run(&mut self.connections.lend().await?, text, values).await.map(drop),
            (None, None) => Ok(()),
        }
    }

    /// What waits, as one statement.
    fn together(&mut self) -> Option<(Cow<'static, str>, Vec<Bound>)> {
        let waiting = std::mem::take(&mut self.waiting);
        let values = std::mem::take(&mut self.values);
        let guards = std::mem::take(&mut self.guards);
        if waiting.len() < 2 && guards.is_empty() {
            return waiting.into_iter().next().map(|(only, _)| (only, values));
        }
        let mut text = String::new();
        for (place, (statement, before)) in waiting.iter().enumerate() {
            let (word, statement) = (if place == 0 { "with" } else { "," }, renumbered(statement, *before));
            let _ = write!(text, "{word} w{place} as ({statement})");
        }
        text.push_str(" select 1");
        for place in guards {
            let _ = write!(text, ", 1 / (select count(*) from w{place})");
        }
        Some((text.into(), values))
    }
}

impl Drop for PostgresTx {
    /// Whatever was not committed is undone at once, so that nobody waits for what it holds.
    fn drop(&mut self) {
        let Some(mut begun) = self.begun.take() else { return };
        if !begun.is_sound() {
            return; // it is closed, which undoes it too
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = begun.end("rollback").await {
                    tracing::debug!(%error, "nothing to undo");
                }
            });
        }
    }
}

/// Runs a statement; says how many rows it touched.
pub(super) async fn run(on: &mut Lent, text: Cow<'static, str>, values: Vec<Bound>) -> Result<u64> {
    // Every piece of a text is a literal.
    let (query, pool) = (query_with(AssertSqlSafe(text), arguments(values)?), on.pool());
    let done = in_time(&pool, query.execute(on.begun())).await;
    Ok(on.ended(done)?.rows_affected())
}

/// Runs a statement; reads its rows.
pub(super) async fn rows<T: FromRow<PgRow>>(
    on: &mut Lent,
    text: Cow<'static, str>,
    values: Vec<Bound>,
) -> Result<Vec<T>> {
    let (query, pool) = (query_with(AssertSqlSafe(text), arguments(values)?), on.pool());
    let rows = in_time(&pool, query.fetch_all(on.begun())).await;
    Ok(on.ended(rows)?.iter().map(T::from_row).collect::<sqlx::Result<_>>()?)
}

fn arguments(values: Vec<Bound>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        value.add_to(&mut arguments).map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// The statement behind others: its `$1` is the first value after their `before`.
fn renumbered(text: &str, before: usize) -> String {
    let (mut all, mut rest) = (String::with_capacity(text.len() + 8), text);
    while let Some(at) = rest.find('$') {
        let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest[at + 1..].split_at(digits);
        let number: usize = number.parse().expect("a `$` is followed by a number");
        let _ = write!(all, "{}${}", &rest[..at], number + before);
        rest = after;
    }
    all + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_after_those_before() {
        assert_eq!(renumbered("b $1, $12 c", 1), "b $2, $13 c");
    }
}
