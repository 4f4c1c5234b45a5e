//! How the engine goes about what is asked of it: statements are noted as a task runs them, and can be explained afterwards.
//! It is for whoever watches over plans; where nobody does it costs one look at the task.

use super::{
    Engine, Result, Store, TxEngine, postgres_tx, sqlite,
    values::{Bound, many},
};
use crate::domain::Json;
use rusqlite::StatementStatus;
use std::{cell::RefCell, future::Future};

tokio::task_local! {
    /// What this task ran so far.
    static NOTED: RefCell<Vec<Statement>>;
}

/// A statement that was run, with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The text.
    pub text: String,
    values: Vec<Bound>,
}

/// How a statement is gone about.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the engine says: JSON from Postgres, lines from SQLite.
    pub told: String,
    /// Steps of SQLite's machine that running it took. 0 on Postgres, which tells how many rows each part of the plan saw.
    pub steps: u64,
}

/// Does something; returns what came of it, and which statements this task ran for it.
pub async fn noting<T>(work: impl Future<Output = T>) -> (T, Vec<Statement>) {
    NOTED
        .scope(RefCell::default(), async {
            let outcome = work.await;
            (outcome, NOTED.with(RefCell::take))
        })
        .await
}

/// Notes a statement, where somebody wants to know.
pub(super) fn note(text: &str, values: &[Bound]) {
    let _ = NOTED.try_with(|noted| {
        noted.borrow_mut().push(Statement { text: text.to_owned(), values: values.to_vec() });
    });
}

/// Notes the statement that does for many what this one does for one.
pub(super) fn note_for_many(text: &str, values: &[Bound], for_many: impl FnOnce(&str, &[Bound]) -> Option<String>) {
    if NOTED.try_with(|_| ()).is_ok()
        && let Some(text) = for_many(text, values)
    {
        note(&text, &many(std::iter::once(values)));
    }
}

impl Store {
    /// Runs a statement, undoes it, and says how the engine went about it.
    pub async fn plan(&self, of: &Statement) -> Result<Plan> {
        let Statement { text, values } = of.clone();
        match &self.engine {
            Engine::Sqlite { writer, .. } => {
                writer
                    .alone(move |connection| {
                        let all = connection.transaction()?;
                        let lines: Vec<(i64, i64, i64, String)> =
                            sqlite::rows(&all, &format!("explain query plan {text}"), &values, usize::MAX)?;
                        let mut statement = sqlite::bound(&all, &text, &values)?;
                        statement.reset_status(StatementStatus::VmStep);
                        let mut rows = statement.raw_query();
                        while rows.next()?.is_some() {}
                        drop(rows);
                        let steps = statement.get_status(StatementStatus::VmStep).unsigned_abs().into();
                        let told = lines.into_iter().map(|(.., line)| line + "\n").collect();
                        Ok(Plan { told, steps })
                    })
                    .await
            }
            Engine::Postgres { .. } => {
                let mut tx = self.begin();
                let TxEngine::Postgres(on) = &mut tx.engine else { unreachable!("it is of this store") };
                let connection = on.connection().await?;
                // As it is planned for whatever values it will get.
                postgres_tx::run(connection, prepared(&text, &values).into(), vec![]).await?;
                let values: Vec<_> = values.iter().map(literal).collect();
                let values = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
                let explained = format!("explain (analyze, format json) execute watched{values}");
                let rows: Vec<(Json,)> = postgres_tx::rows(connection, explained.into(), vec![]).await?;
                postgres_tx::run(connection, "deallocate watched".into(), vec![]).await?;
                Ok(Plan { told: rows.into_iter().map(|(json,)| json.value().to_string()).collect(), steps: 0 })
            }
        }
    }
}

fn prepared(text: &str, values: &[Bound]) -> String {
    let kinds: Vec<_> = values.iter().map(Bound::kind).collect();
    if kinds.is_empty() {
        format!("prepare watched as {text}")
    } else {
        format!("prepare watched({}) as {text}", kinds.join(", "))
    }
}

/// A value as it stands in a text for Postgres.
fn literal(value: &Bound) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let written = match value {
        Bound::Text(text) | Bound::Json(text) => text.as_deref().map(quoted),
        Bound::Number(number) => number.map(|number| number.to_string()),
        Bound::Flag(flag) => flag.map(|flag| flag.to_string()),
        Bound::Time(time) => time.map(|time| quoted(&time.to_string())),
        Bound::Many(values) => Some(format!("array[{}]", values.iter().map(literal).collect::<Vec<_>>().join(", "))),
    };
    format!("{}::{}", written.as_deref().unwrap_or("null"), value.kind())
}
