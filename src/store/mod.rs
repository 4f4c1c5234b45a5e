//! Where everything is kept: SQLite when embedded, Postgres in production. SQL and nothing but.
//!
//! Each statement is written once and runs on both engines (see [`sql`]). A function here that takes
//! `impl Db<'_>` is one statement, and runs on the [`Store`] or inside a [`Tx`]; a function that takes
//! `&mut Tx` is several, and must be all or nothing.

pub mod accounts;
mod announcer;
pub mod attempts;
mod backups;
mod changes;
mod checkpoints;
mod columns;
pub mod deliveries;
pub mod devices;
pub mod events;
pub mod exports;
pub mod feedback;
mod for_many;
pub mod idempotency;
pub mod imports;
pub mod inbox;
pub mod keys;
pub mod loops;
pub mod members;
pub mod notifications;
pub mod omissions;
pub mod open;
pub mod overview;
pub mod people;
pub mod plans;
pub mod polls;
mod postgres;
mod postgres_tx;
pub mod requests;
pub mod resets;
pub mod rows;
mod schema;
pub mod sessions;
pub mod signing_secrets;
pub mod snapshots;
pub mod sql;
mod sqlite;
mod sqlite_group;
mod sqlite_tx;
mod sqlite_writer;
mod together;
pub mod transitions;
mod usage;
mod values;
pub mod webhooks;
pub mod windows;

pub use sql::{Db, Sql};
pub use usage::{Usage, Waited};

use crate::{
    domain::{Id, Request},
    wakeups::{Happened, Wakeups},
};
use announcer::{Announcer, CHANNEL};
use changes::{Changing, Touched};
use checkpoints::Checkpoints;
use polls::Polls;
use postgres_tx::PostgresTx;
use rusqlite::ErrorCode;
use sqlite::Connections;
use sqlite_tx::SqliteTx;
use sqlite_writer::Writer;
use sqlx::{
    Executor,
    postgres::{PgListener, PgPoolOptions},
};
use std::time::Duration;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row that must be there is not.
    #[error("no such row")]
    NotFound,
    /// A unique key already holds this value.
    #[error("already exists")]
    Conflict,
    /// What had to hold for a change does not hold any longer: somebody else was first.
    #[error("somebody else was first")]
    Lost,
    /// The row that this one belongs to is gone.
    #[error("what it belongs to is gone")]
    Orphan,
    /// The schema is not what this version of the program works with.
    #[error("{0}")]
    Schema(String),
    /// The database is out of reach, or has no connection free in time.
    #[error("the database is out of reach: {0}")]
    Unreachable(#[source] Cause),
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(rusqlite::Error),
}

/// What lies behind a failure.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What a store function returns.
pub type Result<T> = std::result::Result<T, Error>;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Database(e) if e.is_unique_violation() => Self::Conflict,
            sqlx::Error::Database(e) if e.is_foreign_key_violation() => Self::Orphan,
            sqlx::Error::Database(e) if e.code().as_deref() == Some(postgres_tx::GUARD_FAILED) => Self::Lost,
            sqlx::Error::Database(ref e) if e.code().is_some_and(|code| is_out_of_reach(&code)) => {
                Self::Unreachable(error.into())
            }
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => Self::Unreachable(error.into()),
            other => Self::Database(other),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::{SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
        match error.sqlite_error().map(|error| error.extended_code) {
            Some(SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY) => return Self::Conflict,
            Some(SQLITE_CONSTRAINT_FOREIGNKEY) => return Self::Orphan,
            _ => {}
        }
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly,
            ) => Self::Unreachable(error.into()),
            _ => Self::Sqlite(error),
        }
    }
}

/// What Postgres says to one of two transactions that wait for each other: it may come again.
const DEADLOCK: &str = "40P01";
/// What it says to one who has waited long enough for what another holds.
const HELD: &str = "55P03";

/// Whether Postgres says by this code that it is stopping, starting, full, busy or closed to us, not that a statement is wrong.
fn is_out_of_reach(code: &str) -> bool {
    ["08", "53", "57P"].iter().any(|class| code.starts_with(class)) || ["55000", DEADLOCK, HELD].contains(&code)
}

/// The open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Engine,
    wakeups: Wakeups,
}

/// Which database it is.
#[derive(Clone, Debug)]
enum Engine {
    /// One connection writes and any number read. Another moves the log into the file.
    Sqlite {
        /// Those that only read.
        readers: Connections,
        /// The one that writes.
        writer: Writer,
        /// What moves the log into the file.
        checkpoints: Checkpoints,
        /// What polls were answered.
        polls: Polls,
    },
    /// Postgres.
    Postgres {
        /// Connections.
        connections: postgres::Connections,
        /// What tells the other processes.
        announcer: Announcer,
    },
}

/// An open transaction. Dropped without [`commit`](Tx::commit), it is rolled back.
pub struct Tx {
    engine: TxEngine,
    happened: Vec<Happened>,
    touched: Touched,
    /// Requests that changed without anything having happened to them.
    changed: Vec<Id<Request>>,
    store: Store,
}

/// Where a transaction runs.
enum TxEngine {
    /// On the writer.
    Sqlite(SqliteTx),
    /// On a connection of the pool.
    Postgres(PostgresTx),
}

impl Store {
    /// A transaction that will write. It waits for the database when it first must.
    pub fn begin(&self) -> Tx {
        let engine = match &self.engine {
            Engine::Sqlite { writer, .. } => TxEngine::Sqlite(writer.begin()),
            Engine::Postgres { connections, .. } => TxEngine::Postgres(PostgresTx::new(connections.clone())),
        };
        Tx { engine, happened: vec![], touched: Touched::default(), changed: vec![], store: self.clone() }
    }

    /// What polls were answered, where that may be kept.
    pub const fn polls(&self) -> Option<&Polls> {
        match &self.engine {
            Engine::Sqlite { polls, .. } => Some(polls),
            Engine::Postgres { .. } => None,
        }
    }

    /// What happens, for whoever waits for it: woken after each commit, in every process.
    pub const fn wakeups(&self) -> &Wakeups {
        &self.wakeups
    }

    /// Whether the database answers, and its schema is this program's.
    pub async fn check(&self) -> Result<()> {
        self.check_schema().await
    }

    /// Returns when reading sees what was written here before. Writers on SQLite see what those before them did a little
    /// earlier than readers do, who see it when it is committed: whoever lost to another writer waits before it reads why.
    pub async fn catch_up(&self) -> Result<()> {
        if let Engine::Sqlite { writer, .. } = &self.engine {
            writer.begin().commit().await?;
        }
        Ok(())
    }

    /// Closes every connection, after what they are doing.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { readers, writer, checkpoints, .. } => {
                readers.close();
                checkpoints.close();
                writer.close().await;
            }
            Engine::Postgres { connections, announcer } => {
                announcer.clone().tell().await;
                connections.close().await;
            }
        }
    }

    /// The engine's name, for logs.
    pub const fn engine(&self) -> &'static str {
        match &self.engine {
            Engine::Sqlite { .. } => "sqlite",
            Engine::Postgres { .. } => "postgres",
        }
    }

    /// Whether events are numbered in the order of their commits: where one writes at a time.
    pub const fn numbers_in_order(&self) -> bool {
        matches!(self.engine, Engine::Sqlite { .. })
    }

    /// Hears what other processes committed, and passes it on; returns when the connection is lost.
    pub async fn listen(&self) -> Result<()> {
        let Engine::Postgres { connections, .. } = &self.engine else { return self.look().await };
        // Of a pool of its own: one that the server is silent on takes nothing from the others with it.
        let options = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = options
            .acquire_timeout(postgres::PATIENCE)
            .connect_lazy_with((*connections.pool().connect_options()).clone());
        let connecting = pool.clone();
        let mut listener = postgres::aside(async move { PgListener::connect_with(&connecting).await }).await?;
        listener.listen(CHANNEL).await?;
        self.wakeups.wake_all(); // whatever happened while nobody listened
        loop {
            match tokio::time::timeout(SILENCE, listener.try_recv()).await {
                Ok(Ok(Some(heard))) => self.wakeups.wake(&Happened::parse(heard.payload())),
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error.into()),
                // Nothing happened, or the connection is gone and nobody said so.
                Err(_) => {
                    postgres::in_time(&pool, listener.execute("select 1")).await?;
                }
            }
        }
    }

    /// SQLite tells nobody; the other process is the command line. One look for all who wait here.
    async fn look(&self) -> Result<()> {
        let mut seen = events::last_seq(self).await?;
        self.wakeups.wake_all();
        loop {
            tokio::time::sleep(LOOK).await;
            for (seq, request) in events::after(self, seen).await? {
                seen = seq;
                self.wakeups.wake(&request.map_or(Happened::Else, Happened::To));
                self.wakeups.wake(&Happened::Delivery);
            }
        }
    }
}

/// How long nothing may be heard from Postgres before it is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(10);
/// How often an SQLite file is looked at for what another process wrote.
const LOOK: Duration = Duration::from_secs(1);

impl Tx {
    /// Makes it last: on disk when this returns. Whoever waits for what it did is woken.
    pub async fn commit(self) -> Result<()> {
        let happened = self.happened.iter().filter_map(Happened::request);
        let changing = Changing::begin(&self.store, self.touched, happened.chain(self.changed));
        let committed = match self.engine {
            TxEngine::Sqlite(tx) => tx.commit().await,
            TxEngine::Postgres(tx) => tx.commit().await,
        };
        if let Some(changing) = changing {
            changing.end();
        }
        committed?;
        for happened in &self.happened {
            self.store.wakeups.wake(happened);
        }
        if let Engine::Postgres { announcer, .. } = &self.store.engine {
            announcer.announce(&self.happened);
        }
        Ok(())
    }

    /// The store, as long as nothing of this was sent to Postgres: what does not depend on it is read beside it, together with
    /// what others read, and need not make a transaction of it. Afterwards nobody may take a second connection.
    pub fn beside(&self) -> Option<Store> {
        match &self.engine {
            TxEngine::Postgres(tx) if !tx.has_begun() => Some(self.store.clone()),
            _ => None,
        }
    }

    /// A request changes, and nobody need be woken for it.
    fn changes(&mut self, id: Id<Request>) {
        self.changed.push(id);
    }

    /// Wakes whoever waits for this, after the commit.
    fn note(&mut self, happened: Happened) {
        self.happened.push(happened);
    }
}
