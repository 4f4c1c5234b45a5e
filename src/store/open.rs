//! Opening a database.

use super::{
    Engine, Result, Store,
    announcer::Announcer,
    checkpoints::Checkpoints,
    polls::Polls,
    postgres,
    sqlite::{self, Connections},
    sqlite_writer::Writer,
};
use crate::wakeups::Wakeups;
use sqlx::{
    ConnectOptions, Connection, Executor,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use std::{net::IpAddr, path::PathBuf, str::FromStr};

impl Store {
    /// Opens `sqlite:path` or `postgres://…`, and brings its schema up to date. `connections` is how many to Postgres work at once, beside one that listens.
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
    let checkpoints = Checkpoints::of(file.clone());
    let polls = Polls::of(&file);
    Ok(Engine::Sqlite { writer, checkpoints, polls, readers: Connections::new(file, sqlite::open_reader) })
}

/// What a connection to Postgres is told first. Each statement is planned once, not at each call; whatever decides about its plan
/// stands in its text. Planned while a table is nearly empty, it would read all of that table, also when it is no longer nearly
/// empty: so a table is read only where no index leads to what is wanted. Nothing runs so long that compiling it would pay. And
/// nobody waits long for what another program holds, as one does that changes a table.
const TOLD_FIRST: &str =
    "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set jit = off; set lock_timeout = '2s'";

async fn connect_postgres(url: &str, connections: u32) -> Result<Engine> {
    let options = postgres_options(url)?.application_name("hitl").disable_statement_logging();
    // One connection first: it says at once what is wrong, where the pool would try until its patience ends.
    sqlx::PgConnection::connect_with(&options).await?.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(connections + 1)
        .acquire_timeout(postgres::PATIENCE)
        .test_before_acquire(false)
        .after_connect(|connection, _| Box::pin(async { connection.execute(TOLD_FIRST).await.map(drop) }))
        .connect_with(options)
        .await?;
    let connections = postgres::Connections::of(pool, connections);
    Ok(Engine::Postgres { announcer: Announcer::new(connections.clone()), connections })
}

/// What the URL says. Between programs of one machine nothing is encrypted unless it says so: there is nobody on the way, and
/// it costs each of them a sixth of its processor time.
fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(url)?;
    let host = options.get_host();
    let local = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    let says = url.contains("sslmode=") || url.contains("ssl-mode=") || std::env::var_os("PGSSLMODE").is_some();
    Ok(if local && !says { options.ssl_mode(PgSslMode::Disable) } else { options })
}
