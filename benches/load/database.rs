//! Databases of the benchmark's own, made and removed.

use crate::options::Engine;
use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::path::{Path, PathBuf};
use url::Url;

/// An empty database.
pub(crate) struct Database {
    /// Its URL, as `DATABASE_URL` takes it.
    pub(crate) url: String,
    /// What Postgres calls it.
    name: Option<String>,
    /// Where SQLite has its file; removed with this.
    folder: tempfile::TempDir,
}

impl Database {
    /// Makes one; `purpose` is part of its name.
    async fn create(engine: Engine, purpose: &str) -> anyhow::Result<Self> {
        // In the build's folder: the system's folder for temporary files may be kept in memory, where nothing is durable.
        let folder = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR")))?;
        if engine == Engine::Sqlite {
            let url = format!("sqlite:{}", folder.path().join("load.db").display());
            return Ok(Self { url, name: None, folder });
        }
        let name = format!("hitl_load_{purpose}_{}", std::process::id());
        let mut url = administer(&format!("create database {name}")).await?;
        url.set_path(&name);
        Ok(Self { url: url.into(), name: Some(name), folder })
    }

    /// SQLite's files, as far as they are there.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let names = ["load.db", "load.db-wal", "load.db-shm"].into_iter();
        names.map(|name| self.folder.path().join(name)).filter(|file| file.exists())
    }

    /// Removes it, whoever is still connected.
    async fn remove(self) -> anyhow::Result<()> {
        match &self.name {
            Some(name) => administer(&format!("drop database {name} with (force)")).await.map(drop),
            None => Ok(()),
        }
    }
}

/// Does something with empty databases, and removes them, also when interrupted.
pub(crate) async fn with_empty<const COUNT: usize, T>(
    engine: Engine,
    purposes: [&str; COUNT],
    work: impl AsyncFnOnce(&[Database; COUNT]) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut databases = Vec::new();
    for purpose in purposes {
        databases.push(Database::create(engine, purpose).await?);
    }
    let databases = databases.try_into().unwrap_or_else(|_| unreachable!("one was made for each purpose"));
    let done = tokio::select! {
        done = work(&databases) => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    for database in databases {
        database.remove().await?;
    }
    done
}

/// Fails unless there is a server to make databases of that engine on.
pub(crate) async fn available(engine: Engine) -> anyhow::Result<()> {
    if engine == Engine::Postgres { administer("select 1").await.map(drop) } else { Ok(()) }
}

/// What Postgres says of itself, and how it is set where that decides how fast it can be.
pub(crate) async fn describe_postgres() -> anyhow::Result<String> {
    let (mut connection, _) = connect().await?;
    let mut described = Vec::new();
    for setting in
        ["server_version", "shared_buffers", "fsync", "synchronous_commit", "wal_sync_method", "max_wal_size"]
    {
        let shown = format!("show {setting}");
        let (value,): (String,) = sqlx::query_as(AssertSqlSafe(shown)).fetch_one(&mut connection).await?;
        described.push(if described.is_empty() { value } else { format!("{setting} {value}") });
    }
    connection.close().await?;
    Ok(described.join(", "))
}

/// Has the server do something; the server's URL.
async fn administer(statement: &str) -> anyhow::Result<Url> {
    const MISSING: &str = "Postgres does not let us work. Set TEST_DATABASE_URL=postgres://user:password@host/database to a \
         server where that user may create databases, or measure only SQLite with `--engine sqlite`";
    let (mut connection, url) = connect().await.context(MISSING)?;
    connection.execute(AssertSqlSafe(statement.to_owned())).await.context(MISSING)?;
    connection.close().await?;
    Ok(url)
}

/// The server of `TEST_DATABASE_URL`; without it the local one, as whoever it takes without a password.
async fn connect() -> anyhow::Result<(PgConnection, Url)> {
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        return Ok((PgConnection::connect(&url).await?, url.parse()?));
    }
    let mut refused = None;
    for user in [std::env::var("USER").ok(), Some("postgres".into()), Some("root".into())].into_iter().flatten() {
        let url = format!("postgres://{user}@127.0.0.1:5432/postgres");
        match PgConnection::connect(&url).await {
            Ok(connection) => return Ok((connection, url.parse()?)),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.expect("at least two were tried").into())
}
