//! Opening a database.

use super::{
    Engine, Result, Store,
    announcer::Announcer,
    polls::Polls,
    sqlite::{self, Connections},
    sqlite_writer::Writer,
};
use crate::wakeups::Wakeups;
use sqlx::{
    ConnectOptions, Connection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{path::PathBuf, str::FromStr, time::Duration};

/// How long a call waits for a free connection to Postgres before it fails.
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
        let engine = match Self::sqlite_file(url) {
            Some(file) => open_sqlite(file)?,
            None => connect_postgres(url, connections).await?,
        };
        Ok(Self { engine, wakeups: Wakeups::default() })
    }

    /// The file that a `sqlite:` URL names; `None` for other engines.
    pub fn sqlite_file(url: &str) -> Option<PathBuf> {
        let file = url.strip_prefix("sqlite:")?;
        let file = file.strip_prefix("//").unwrap_or(file).split('?').next()?;
        Some(percent_encoding::percent_decode_str(file).decode_utf8_lossy().into_owned().into())
    }
}

fn open_sqlite(file: PathBuf) -> Result<Engine> {
    let writer = Writer::new(sqlite::open(&file)?)?;
    let checkpoints = Connections::new(file.clone(), sqlite::open);
    let polls = Polls::of(&file);
    Ok(Engine::Sqlite { writer, checkpoints, polls, readers: Connections::new(file, sqlite::open_reader) })
}

async fn connect_postgres(url: &str, connections: u32) -> Result<Engine> {
    let options = PgConnectOptions::from_str(url)?.application_name("hitl").disable_statement_logging();
    // One connection first: it says at once what is wrong, where the pool would try until its patience ends.
    sqlx::PgConnection::connect_with(&options).await?.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    Ok(Engine::Postgres { announcer: Announcer::new(pool.clone()), pool })
}
