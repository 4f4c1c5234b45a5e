//! Opening a database and bringing its schema up to date: one schema text, two engines.

use super::{Db, Engine, Error, Result, Store};
use crate::wakeups::Wakeups;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqlSafeStr, SqlitePool,
    migrate::{Migration, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::PathBuf, str::FromStr, time::Duration};

/// The schema, in Postgres' types.
static SCHEMA: Migrator = sqlx::migrate!();

/// Concurrent readers of an SQLite file; each costs a thread and its page cache.
const SQLITE_READERS: u32 = 8;
/// KiB of page cache a connection (negative: not pages), small because the system caches the file anyway.
const SQLITE_CACHE: &str = "-2048";
/// How long a call waits for a free connection before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

impl Store {
    /// Opens `sqlite:path` or `postgres://…`, and brings its schema up to date. `connections` is Postgres' pool size.
    pub async fn open(url: &str, connections: u32) -> Result<Self> {
        let store = Self::connect(url, connections).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Opens it as it is. An SQLite file that does not exist is made.
    pub async fn connect(url: &str, connections: u32) -> Result<Self> {
        if url.starts_with("sqlite:") {
            return connect_sqlite(url).await;
        }
        let options = PgConnectOptions::from_str(url)?.application_name("hitl").disable_statement_logging();
        // One connection first: it says at once what is wrong, where the pool would try until its patience ends.
        sqlx::PgConnection::connect_with(&options).await?.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        Ok(Self { engine: Engine::Postgres(pool), wakeups: Wakeups::default() })
    }

    /// The file that a `sqlite:` URL names; `None` for other engines.
    pub fn sqlite_file(url: &str) -> Option<PathBuf> {
        let options = url.starts_with("sqlite:").then(|| SqliteConnectOptions::from_str(url))?;
        options.ok().map(|options| options.get_filename().to_owned())
    }

    /// Brings the schema up to date; says how many migrations that took.
    pub async fn migrate(&self) -> Result<usize> {
        let missing = self.missing_migrations().await?;
        match &self.engine {
            Engine::Sqlite { writer, .. } => for_sqlite(&SCHEMA).run(writer).await,
            Engine::Postgres(pool) => SCHEMA.run(pool).await,
        }
        .map_err(|error| Error::Schema(format!("the schema could not be brought up to date: {error}")))?;
        Ok(missing)
    }

    /// Fails unless every migration that this program knows, and none that it does not, has been applied.
    pub(super) async fn check_schema(&self) -> Result<()> {
        match self.missing_migrations().await? {
            0 => Ok(()),
            n => Err(Error::Schema(format!("{n} migrations are missing: run `hitl migrate`"))),
        }
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

async fn connect_sqlite(url: &str) -> Result<Store> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0")
        .pragma("cache_size", SQLITE_CACHE)
        .busy_timeout(Duration::from_secs(5))
        .disable_statement_logging();
    let pool = |size| {
        SqlitePoolOptions::new()
            .max_connections(size)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    };
    let writer: SqlitePool = pool(1).connect_with(options.clone()).await?;
    let engine = Engine::Sqlite {
        writer,
        readers: pool(SQLITE_READERS).connect_lazy_with(options.clone().read_only(true)),
        checkpoints: pool(1).connect_lazy_with(options),
    };
    Ok(Store { engine, wakeups: Wakeups::default() })
}

/// The migrations are written in Postgres' types. SQLite has fewer; this is what it calls ours.
fn for_sqlite(schema: &Migrator) -> Migrator {
    const TYPES: [(&str, &str); 6] = [
        (" bigint generated always as identity primary key", " integer primary key autoincrement"),
        (" timestamptz", " integer"),
        (" bigint", " integer"),
        (" boolean", " integer"),
        (" bytea", " blob"),
        (" json", " text"),
    ];
    let translate = |migration: &Migration| {
        let text = migration.sql.as_str().replace("\n);", "\n) strict;");
        let text = TYPES.iter().fold(text, |text, (ours, theirs)| text.replace(ours, theirs));
        Migration { sql: AssertSqlSafe(text).into_sql_str(), ..migration.clone() }
    };
    Migrator::with_migrations(schema.iter().map(translate).collect())
}
