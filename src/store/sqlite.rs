//! SQLite, called in place: a statement takes microseconds, less than handing it to another thread would. What takes long,
//! a commit that waits for the disk or a look at many rows, is handed to one. A look that may be long is begun in place all the
//! same, because mostly there are not many rows.

use super::{
    Error, Result,
    columns::{FromRow, Places, SqliteRow},
    values::Bound,
};
use rusqlite::{CachedStatement, Connection, OpenFlags, Statement, config::DbConfig};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{sync::Semaphore, time::timeout};

/// KiB of page cache a connection (negative: not pages), small because the system caches the file anyway.
const CACHE: i64 = -2048;
/// Statements kept ready a connection.
const STATEMENTS: usize = 256;
/// How long a reader waits for another process, which it need only when that opens or closes the file; and who looks at much,
/// until fewer do.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the writer waits for readers of the log before it goes on with the old one.
const FOR_READERS: Duration = Duration::from_millis(50);
/// Pages of the log, of 4 KiB, from which on it is begun anew.
pub(super) const LONG_LOG: i64 = 4096;
/// How many may do something long at once.
const LONG: usize = 4;
/// Steps of SQLite's machine between two looks at how many there were.
const STEPS: i32 = 1000;
/// After how many times as many steps a look is long: it has held its thread up for half a millisecond, about.
const BRIEF: u32 = 20;

/// Opens a connection that writes, making the file if it is not there.
pub(super) fn open(file: &Path) -> Result<Connection> {
    make_private(file);
    let connection = open_as(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?; // a worker does it
    connection.pragma_update(None, "journal_size_limit", 4096 * LONG_LOG)?;
    Ok(connection)
}

/// Makes the file, for its owner alone, as SQLite then makes those beside it. What prevents that SQLite says better.
#[cfg(unix)]
fn make_private(file: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
}

#[cfg(not(unix))]
const fn make_private(_: &Path) {}

/// Opens a connection that only reads.
pub(super) fn open_reader(file: &Path) -> Result<Connection> {
    open_as(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

/// Opens one that reads, and sees from its first look on what there was then.
fn open_standing_still(file: &Path) -> Result<Connection> {
    let connection = open_reader(file)?;
    connection.execute_batch("begin")?;
    Ok(connection)
}

fn open_as(file: &Path, rights: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(file, rights | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "full")?; // acknowledged means on disk
    connection.pragma_update(None, "cache_size", CACHE)?;
    // Else a statement whose plan may depend on a value is planned anew at each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Runs a statement; says how many rows it touched.
pub(super) fn run(connection: &Connection, text: &str, values: &[Bound]) -> Result<u64> {
    let touched = bound(connection, text, values)?.raw_execute()?;
    Ok(touched as u64)
}

/// Runs a statement; reads at most so many rows.
pub(super) fn rows<T>(connection: &Connection, text: &str, values: &[Bound], most: usize) -> Result<Vec<T>>
where
    T: for<'r> FromRow<SqliteRow<'r>>,
{
    let mut statement = bound(connection, text, values)?;
    let places = Places::default();
    let (mut rows, mut found) = (statement.raw_query(), Vec::new());
    while found.len() < most {
        let Some(row) = rows.next()? else { break };
        found.push(T::from_row(&SqliteRow::new(row, &places))?);
    }
    Ok(found)
}

/// The statement with its values. To SQLite `$1` is a name, and names are numbered as they appear.
pub(super) fn bound<'c>(connection: &'c Connection, text: &str, values: &[Bound]) -> Result<CachedStatement<'c>> {
    let mut statement = connection.prepare_cached(text)?;
    for place in 1..=statement.parameter_count() {
        let value = number(&statement, place).and_then(|number| values.get(number - 1));
        statement.raw_bind_parameter(place, value.expect("a statement has a value for each of its parameters"))?;
    }
    Ok(statement)
}

fn number(statement: &Statement<'_>, place: usize) -> Option<usize> {
    statement.parameter_name(place)?.strip_prefix('$')?.parse().ok().filter(|number| *number > 0)
}

/// Connections to one file, opened when they are first needed. As many are open as are used at once, which is no more than
/// there are threads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    file: PathBuf,
    open: fn(&Path) -> Result<Connection>,
    /// `None` when closed.
    idle: Mutex<Option<Vec<Connection>>>,
    /// How many were ever opened: none is closed before all are.
    opened: AtomicUsize,
    long: Arc<Semaphore>,
}

impl Connections {
    /// To a file, opened by that function.
    pub(super) fn new(file: PathBuf, open: fn(&Path) -> Result<Connection>) -> Self {
        let idle = Mutex::new(Some(Vec::new()));
        Self(Arc::new(Pool { file, open, idle, opened: AtomicUsize::new(0), long: Arc::new(Semaphore::new(LONG)) }))
    }

    /// Others to the same file, that stand still: for one who looks at one thing after another.
    pub(super) fn standing_still(&self) -> Self {
        Self::new(self.0.file.clone(), open_standing_still)
    }

    /// Works in place.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle().as_mut().ok_or_else(closed)?.pop();
        let connection = idle.map_or_else(|| self.open(), Ok)?;
        let outcome = work(&connection);
        if let Some(idle) = self.idle().as_mut() {
            idle.push(connection);
        }
        outcome
    }

    fn open(&self) -> Result<Connection> {
        let connection = (self.0.open)(&self.0.file)?;
        self.0.opened.fetch_add(1, Relaxed);
        Ok(connection)
    }

    /// How many work and how many do not.
    pub(super) fn usage(&self) -> (usize, usize) {
        let idle = self.idle().as_ref().map_or(0, Vec::len);
        (self.0.opened.load(Relaxed).saturating_sub(idle), idle)
    }

    /// Looks in place, if that is brief; else again from the beginning, on a thread that may be held up.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl Fn(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.with(|connection| briefly(connection, &look))? {
            Some(found) => Ok(found),
            None => self.with_long(look).await,
        }
    }

    /// Works on a thread that may be held up.
    pub(super) async fn with_long<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = timeout(PATIENCE, self.0.long.clone().acquire_owned()).await;
        let place = place.map_err(|_| Error::Unreachable("too many look at much".into()))?.map_err(|_| closed())?;
        let connections = self.clone();
        in_background(move || {
            let outcome = connections.with(work);
            drop(place);
            outcome
        })
        .await
    }

    pub(super) fn close(&self) {
        *self.idle() = None;
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a look finds, or `None` where it turns out to be long.
fn briefly<T>(connection: &Connection, look: impl FnOnce(&Connection) -> Result<T>) -> Result<Option<T>> {
    let (long, mut times) = (Arc::new(AtomicBool::new(false)), 0);
    let noted = long.clone();
    let stop = move || {
        times += 1;
        noted.store(times > BRIEF, Relaxed);
        times > BRIEF
    };
    connection.progress_handler(STEPS, Some(stop))?;
    let found = look(connection);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    if long.load(Relaxed) { Ok(None) } else { found.map(Some) }
}

/// Moves what the log holds into the file, beside everybody else; says how many pages the log has, and how many of them are there.
pub(super) fn checkpoint(connection: &Connection) -> Result<(i64, i64)> {
    Ok(connection.query_row("pragma wal_checkpoint(passive)", (), |row| Ok((row.get(1)?, row.get(2)?)))?)
}

/// Moves the rest of the log into the file while nobody writes, so that it begins anew. Readers are waited for, briefly.
pub(super) fn begin_log_anew(writer: &mut Connection) -> Result<()> {
    writer.busy_timeout(FOR_READERS)?;
    let done = writer.query_row("pragma wal_checkpoint(restart)", (), |_| Ok(()));
    writer.busy_timeout(Duration::ZERO)?;
    Ok(done?)
}

/// What who comes after [`Store::close`](super::Store::close) hears.
pub(super) fn closed() -> Error {
    Error::Unreachable("it is closed".into())
}

/// Works on a thread that may be held up.
pub(super) async fn in_background<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(stopped) => Err(Error::Unreachable(stopped.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_its_owner_s_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("test.db")).unwrap();
        connection.execute_batch("create table t (a)").unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", file.path().display());
        }
    }

    #[test]
    fn acknowledged_means_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("test.db")).unwrap();
        let asked = |what: &str| -> String {
            connection
                .query_row(&format!("select cast({what} as text) from pragma_{what}"), (), |row| row.get(0))
                .unwrap()
        };
        assert_eq!((asked("synchronous"), asked("journal_mode")), ("2".to_owned(), "wal".to_owned()));
    }

    #[tokio::test]
    async fn a_look_is_brief_or_begins_again_on_a_thread_that_may_be_held_up() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        open(&file).unwrap().execute_batch("create table t (a)").unwrap();
        let count = async |numbers: u32| {
            let text = format!(
                "with recursive numbers (i) as (select 1 union all select i + 1 from numbers where i < {numbers}) select count(*) from numbers"
            );
            let threads = Arc::new(Mutex::new(Vec::new()));
            let seen = threads.clone();
            let look = move |connection: &Connection| {
                seen.lock().unwrap().push(std::thread::current().id());
                rows::<(i64,)>(connection, &text, &[], 1)
            };
            let found = Connections::new(file.clone(), open_reader).look(look).await.unwrap();
            assert_eq!(found, [(i64::from(numbers),)]);
            let here = std::thread::current().id();
            threads.lock().unwrap().iter().map(|it| *it == here).collect::<Vec<_>>()
        };
        assert_eq!(count(100).await, [true]);
        assert_eq!(count(100_000).await, [true, false]);
    }

    #[test]
    fn a_statement_is_planned_once_whatever_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder.path().join("test.db")).unwrap();
        connection.execute_batch("create table t (a, status) ; create index i on t (a) where status = 'open'").unwrap();
        let text = "select a from t where status = $1 order by a";
        for status in ["open", "closed", "open"] {
            let found: Vec<(String,)> = rows(&connection, text, &[Bound::Text(Some(status.into()))], 1).unwrap();
            assert_eq!(found, []);
        }
        let statement = connection.prepare_cached(text).unwrap();
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
