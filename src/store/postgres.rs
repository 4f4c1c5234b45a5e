//! Connections to Postgres, lent and taken back. sqlx's pool asks each connection that it gets back how it is, a journey
//! for each statement; here those that did what they should are kept, and only the others go back to it.

use super::{
    DEADLOCK, Error, HELD, Result, is_out_of_reach,
    sqlite::closed,
    together::Together,
    usage::{Usage, Waits},
};
use crate::turns::{Place, Places, call};
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres, pool::PoolConnection};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{runtime::Handle, task::spawn_blocking, time::timeout};

/// How long a call waits for a free connection, and as long for a new one, before it fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// How often the server is asked whether it is still there before even a living one has had a statement for too long.
const QUESTIONS: usize = 100;
/// How often one is lent before sqlx's pool gets it back, which closes those that are old.
const TIMES: u32 = 10_000;

/// The connections of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connections {
    pool: PgPool,
    places: Arc<Places>,
    most: usize,
    waits: Arc<Waits>,
    kept: Arc<Kept>,
    groups: Together,
}

/// Connections that did what they should; `None` when closed.
#[derive(Debug)]
struct Kept(Mutex<Option<Vec<Idle>>>);

/// A connection that waits for work, and how often it did some.
#[derive(Debug)]
struct Idle {
    connection: PoolConnection<Postgres>,
    times: u32,
}

impl Connections {
    /// Of that pool, at most so many at once. It must have room for them.
    pub(super) fn of(pool: PgPool, most: u32) -> Self {
        let most = most.try_into().expect("a number of connections");
        let (places, waits) = (Places::new(most), Arc::default());
        let kept = Arc::new(Kept(Mutex::new(Some(Vec::new()))));
        Self { pool, places, most, waits, kept, groups: Together::default() }
    }

    /// Lends one, when one is free: first to the call that came first.
    pub(super) async fn lend(&self) -> Result<Lent> {
        let place = match self.places.take_free() {
            Some(place) => place,
            None => {
                let place = self.waits.count(timeout(PATIENCE, self.places.take())).await;
                place.map_err(|_| Error::Unreachable("no connection was free in time".into()))?
            }
        };
        let kept = self.kept.lock().as_mut().ok_or_else(closed)?.pop();
        let (connection, times) = match kept {
            Some(Idle { connection, times }) => (connection, times),
            None => (self.acquire().await?, 0),
        };
        Ok(Lent {
            connection: Some(connection),
            times: times + 1,
            sound: true,
            in_transaction: false,
            pool: self.pool.clone(),
            kept: self.kept.clone(),
            _place: place,
        })
    }

    /// One of the pool's, as a rule a new one.
    async fn acquire(&self) -> Result<PoolConnection<Postgres>> {
        let pool = self.pool.clone();
        Ok(aside(async move { pool.acquire().await }).await?)
    }

    /// What is under way or waits to go together.
    pub(super) const fn groups(&self) -> &Together {
        &self.groups
    }

    /// The pool behind, for what needs a connection of its own.
    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How they are used.
    pub(super) fn usage(&self) -> Usage {
        Usage {
            in_use: self.most - self.places.free(),
            idle: self.kept.lock().as_ref().map_or(0, Vec::len),
            waiting: self.places.waiting(),
            connection_waits: Some(self.waits.so_far()),
            together: Some(self.groups.so_far()),
            writer_turns: None,
            commits: None,
        }
    }

    /// Closes them all, those that are lent when they come back.
    pub(super) async fn close(&self) {
        *self.kept.lock() = None;
        self.pool.close().await;
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<Idle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection for as long as somebody holds it.
pub(super) struct Lent {
    /// `None` only while it is given back.
    connection: Option<PoolConnection<Postgres>>,
    times: u32,
    /// Nothing that was begun was left half done or broke.
    sound: bool,
    in_transaction: bool,
    pool: PgPool,
    kept: Arc<Kept>,
    _place: Place,
}

impl Lent {
    /// The connection, to work with. Until [`ended`](Self::ended) hears how that went it counts as broken: work may be dropped.
    pub(super) fn begun(&mut self) -> &mut PgConnection {
        self.sound = false;
        self.connection.as_mut().expect("it is held")
    }

    /// Passes on how it went.
    pub(super) fn ended<T>(&mut self, outcome: sqlx::Result<T>) -> Result<T> {
        self.sound = match &outcome {
            Ok(_) => true,
            Err(sqlx::Error::Database(error)) => {
                error.code().is_none_or(|code| [DEADLOCK, HELD].contains(&&*code) || !is_out_of_reach(&code))
            }
            Err(_) => false,
        };
        if !self.sound
            && let Some(kept) = self.kept.lock().as_mut()
        {
            // They may have lost the server too. Whoever asked each would wait for ever where it is silent.
            kept.drain(..).for_each(|mut idle| idle.connection.close_on_drop());
        }
        Ok(outcome?)
    }

    /// The pool it is of.
    pub(super) fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    /// Whether what was begun with it has ended, and well.
    pub(super) const fn is_sound(&self) -> bool {
        self.sound
    }

    /// Begins a transaction. One that no call waits for, such as what came of a delivery, has time.
    pub(super) async fn begin(&mut self) -> Result<()> {
        self.in_transaction = true;
        let pool = self.pool.clone();
        let how = if call().is_some() { "begin" } else { "begin; set local lock_timeout = '30s'" };
        let begun = in_time(&pool, self.begun().execute(how)).await;
        self.ended(begun).map(drop)
    }

    /// Ends it with `commit` or `rollback`.
    pub(super) async fn end(&mut self, how: &'static str) -> Result<()> {
        let pool = self.pool.clone();
        let ended = in_time(&pool, self.begun().execute(how)).await;
        self.ended(ended)?;
        self.in_transaction = false;
        Ok(())
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if self.in_transaction || !self.sound {
            connection.close_on_drop();
        } else if self.times < TIMES
            && let Some(kept) = self.kept.lock().as_mut()
        {
            kept.push(Idle { connection, times: self.times });
        }
    }
}

/// Connects on a thread of its own. sqlx lets all other tasks go first eight hundred times while it works on a password: where
/// they are many, that takes longer than anybody waits.
pub(super) async fn aside<T: Send + 'static>(
    connecting: impl Future<Output = sqlx::Result<T>> + Send + 'static,
) -> sqlx::Result<T> {
    let here = Handle::current();
    spawn_blocking(move || here.block_on(connecting)).await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// Waits for an answer as long as the server lives. What it takes says nothing: a statement may be long. But where nothing comes
/// from a server that takes no new connection either, nothing will.
pub(super) async fn in_time<T>(pool: &PgPool, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    tokio::pin!(work);
    for _ in 0..QUESTIONS {
        if let Ok(done) = timeout(PATIENCE, &mut work).await {
            return done;
        }
        if !is_alive(pool).await {
            break;
        }
    }
    Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))
}

/// Whether the server says anything to somebody new, be it that it is busy.
async fn is_alive(pool: &PgPool) -> bool {
    let options = pool.connect_options();
    let connecting = aside(async move { PgConnection::connect_with(&options).await });
    match timeout(PATIENCE, connecting).await {
        Ok(Ok(connection)) => {
            let _ = timeout(PATIENCE, connection.close()).await;
            true
        }
        Ok(Err(error)) => matches!(error, sqlx::Error::Database(_)),
        Err(_) => false,
    }
}
