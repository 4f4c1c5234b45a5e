//! The schema: one text, in Postgres' types, for both engines. Each migration is applied once, in its order.

use super::{Db, Engine, Error, Result, Store, sqlite_writer::Writer};
use rusqlite::{Connection, TransactionBehavior};
use sqlx::{
    PgPool,
    migrate::{MigrateError, Migrator},
    postgres::PgPoolOptions,
};
use std::time::Duration;

static SCHEMA: Migrator = sqlx::migrate!();

/// How long a start waits for another process that brings the same file's schema up to date.
const PATIENCE: Duration = Duration::from_secs(10);

/// The tables, in the order in which they are made: each after those that it refers to.
pub(super) fn tables() -> Vec<&'static str> {
    let texts = SCHEMA.iter().map(|migration| migration.sql.as_str());
    texts.flat_map(str::lines).filter_map(|line| line.strip_prefix("create table ")?.strip_suffix(" (")).collect()
}

impl Store {
    /// Brings the schema up to date; says how many migrations that took.
    pub async fn migrate(&self) -> Result<usize> {
        let missing = self.missing_migrations().await?;
        let failed = |error: String| Error::Schema(format!("the schema could not be brought up to date: {error}"));
        match &self.engine {
            Engine::Sqlite { writer, .. } => migrate_sqlite(writer).await.map_err(|error| failed(error.to_string()))?,
            Engine::Postgres { connections, .. } => {
                migrate_postgres(connections.pool()).await.map_err(|error| failed(error.to_string()))?;
            }
        }
        Ok(missing)
    }

    /// Fails unless every migration that this program knows, and none that it does not, has been applied.
    pub(super) async fn check_schema(&self) -> Result<()> {
        match self.missing_migrations().await? {
            0 => Ok(()),
            n => Err(Error::Schema(format!("{n} migrations are missing: run `hitl migrate`"))),
        }
    }

    /// Whether there is no schema yet: the first start makes it.
    pub async fn is_new(&self) -> Result<bool> {
        Ok(self.missing_migrations().await? == SCHEMA.iter().count())
    }

    /// How many migrations this database lacks; looking changes nothing.
    async fn missing_migrations(&self) -> Result<usize> {
        const ON_SQLITE: &str = "select count(*) from sqlite_master where name = '_sqlx_migrations'";
        const ON_POSTGRES: &str = "select count(*) from pg_tables where tablename = '_sqlx_migrations' and schemaname = any (current_schemas(false))";
        let (there,): (i64,) = self.sql(if self.engine() == "sqlite" { ON_SQLITE } else { ON_POSTGRES }).one().await?;
        if there == 0 {
            return Ok(SCHEMA.iter().count());
        }
        let rows: Vec<(i64,)> =
            self.sql("select version from _sqlx_migrations where success order by version").all().await?;
        let known = || SCHEMA.iter().map(|migration| migration.version);
        if let Some((version,)) = rows.iter().find(|(version,)| !known().any(|known| known == *version)) {
            return Err(Error::Schema(format!(
                "the database was made by a newer version of hitl (migration {version})"
            )));
        }
        Ok(known().filter(|version| !rows.iter().any(|(applied,)| applied == version)).count())
    }
}

/// By a connection of its own, which waits as long as it takes for another process that does the same.
async fn migrate_postgres(pool: &PgPool) -> std::result::Result<(), MigrateError> {
    let alone = PgPoolOptions::new().max_connections(1).connect_lazy_with((*pool.connect_options()).clone());
    let migrated = SCHEMA.run(&alone).await;
    alone.close().await;
    migrated
}

async fn migrate_sqlite(writer: &Writer) -> Result<()> {
    writer
        .alone(|connection| {
            connection.busy_timeout(PATIENCE)?;
            let outcome = apply(connection);
            connection.busy_timeout(Duration::ZERO)?;
            Ok(outcome?)
        })
        .await
}

/// What Postgres' side of the library does, on SQLite.
fn apply(connection: &mut Connection) -> rusqlite::Result<()> {
    let all = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    all.execute_batch(
        "create table if not exists _sqlx_migrations (version integer primary key, description text not null, success integer not null) strict",
    )?;
    for migration in SCHEMA.iter() {
        let applied =
            all.query_row("select count(*) from _sqlx_migrations where version = $1", [migration.version], |row| {
                row.get::<_, i64>(0)
            })?;
        if applied == 0 {
            all.execute_batch(&for_sqlite(migration.sql.as_str()))?;
            all.execute(
                "insert into _sqlx_migrations values ($1, $2, 1)",
                (migration.version, &migration.description),
            )?;
        }
    }
    all.commit()
}

/// SQLite has fewer types; this is what it calls ours.
fn for_sqlite(text: &str) -> String {
    const TYPES: [(&str, &str); 6] = [
        (" bigint generated always as identity primary key", " integer primary key autoincrement"),
        (" timestamptz", " integer"),
        (" bigint", " integer"),
        (" boolean", " integer"),
        (" bytea", " blob"),
        (" json", " text"),
    ];
    let text = text.replace("\n);", "\n) strict;");
    TYPES.iter().fold(text, |text, (ours, theirs)| text.replace(ours, theirs))
}
