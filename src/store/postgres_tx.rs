//! A transaction on Postgres, in as few journeys to it as can be.
//!
//! It begins with its first statement whose outcome decides how it goes on. All others go along together, as one; if there
//! are only such they need no transaction around them. Of those, one may be a guard: if it touches no row, all are undone.

use super::{
    Result,
    columns::FromRow,
    for_many, plans,
    postgres::{Connections, Lent, in_time},
    together::Sharing,
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

    /// Whether it holds a connection.
    pub(super) const fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// The connection, after all that waits.
    pub(super) async fn connection(&mut self) -> Result<&mut Lent> {
        let waiting = self.take();
        if self.begun.is_none() {
            self.begun.insert(self.connections.lend().await?).begin().await?;
        }
        let connection = self.begun.as_mut().expect("it was begun above");
        if let Some(waiting) = waiting {
            run(connection, waiting.text(), waiting.values).await?;
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
        self.wait(text, values).await?;
        self.guards.push(self.waiting.len() - 1);
        Ok(())
    }

    /// Runs what waits and makes it all last.
    pub(super) async fn commit(mut self) -> Result<()> {
        if self.begun.is_some() {
            self.connection().await?;
        }
        match (self.begun.take(), self.take()) {
            (Some(mut begun), _) => begun.end("commit").await,
            (None, Some(waiting)) => {
                let (text, Change { statements, guards, values }) = (waiting.text(), waiting);
                plans::note_for_many(&text, &values, |_, values| for_many::changes(&statements, &[], values));
                let for_many = |_: &str, values: &[Bound]| for_many::changes(&statements, &guards, values);
                Box::pin(self.connections.together(text, values, Sharing::Nothing, for_many)).await.map(drop)
            }
            (None, None) => Ok(()),
        }
    }

    /// What waits.
    fn take(&mut self) -> Option<Change> {
        let statements = std::mem::take(&mut self.waiting);
        let guards = std::mem::take(&mut self.guards);
        let values = std::mem::take(&mut self.values);
        if statements.is_empty() { None } else { Some(Change { statements, guards, values }) }
    }
}

/// Statements that go as one, with the number of values before each; which of them are guards; and all values.
struct Change {
    statements: Vec<(Cow<'static, str>, usize)>,
    guards: Vec<usize>,
    values: Vec<Bound>,
}

impl Change {
    /// The one statement.
    fn text(&self) -> Cow<'static, str> {
        if let ([(only, _)], []) = (&*self.statements, &*self.guards) {
            return only.clone();
        }
        let mut text = String::new();
        for (place, (statement, before)) in self.statements.iter().enumerate() {
            let statement = for_many::numbered(statement, |number| format!("${}", number + before));
            let returning = if self.guards.contains(&place) { for_many::RETURNING } else { "" };
            let _ = write!(text, "{} w{place} as ({statement}{returning})", if place == 0 { "with" } else { "," });
        }
        text.push_str(" select 1");
        for place in &self.guards {
            let _ = write!(text, ", 1 / (select count(*) from w{place})");
        }
        text.into()
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
    Ok(fetch(on, text, values).await?.iter().map(T::from_row).collect::<sqlx::Result<_>>()?)
}

/// Runs a statement; returns its rows.
pub(super) async fn fetch(on: &mut Lent, text: Cow<'static, str>, values: Vec<Bound>) -> Result<Vec<PgRow>> {
    let (query, pool) = (query_with(AssertSqlSafe(text), arguments(values)?), on.pool());
    let rows = in_time(&pool, query.fetch_all(on.begun())).await;
    on.ended(rows)
}

fn arguments(values: Vec<Bound>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        value.add_to(&mut arguments).map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
