//! SQLite's one writer, and how many transactions share a commit.
//!
//! Whoever writes waits for its turn at the writer, works, and leaves what it did, not yet committed, to the next; each is a
//! savepoint, so one that fails undoes only itself. The first of such a group sends the committer to the end of the queue.
//! When its turn comes, all who stood before it are in the group, and one wait for the disk serves them all. Nobody hears of
//! success before that.

use super::{
    Error, Result,
    columns::{FromRow, SqliteRow},
    sqlite::{self, closed, in_background},
    values::Bound,
};
use rusqlite::{Connection, ErrorCode};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, oneshot},
    time::{sleep, timeout},
};

/// How long a call waits for its turn before it fails.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the file is tried while another process writes to it.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// The writer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Writer(Arc<Mutex<Group>>);

/// The transactions that will be committed together.
#[derive(Debug)]
struct Group {
    /// `None` when closed.
    connection: Option<Connection>,
    /// Those that wait to hear of the commit.
    members: Vec<oneshot::Sender<Result<()>>>,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Result<Self> {
        connection.busy_timeout(Duration::ZERO)?; // waiting in place would hold up everybody on the thread
        Ok(Self(Arc::new(Mutex::new(Group { connection: Some(connection), members: Vec::new() }))))
    }

    /// Waits for its turn, and begins.
    pub(super) async fn begin(&self) -> Result<SqliteTx> {
        timeout(PATIENCE, self.turn()).await.unwrap_or_else(|_| Err(Error::Unreachable("the writer is busy".into())))
    }

    async fn turn(&self) -> Result<SqliteTx> {
        let mut group = self.0.clone().lock_owned().await;
        while !group.open()? {
            sleep(BETWEEN_TRIES).await;
        }
        execute(group.connection()?, "savepoint one")?;
        Ok(SqliteTx { group: Some(group), writer: self.clone() })
    }

    /// Works alone with the writer, outside any transaction of it.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut group = self.0.clone().lock_owned().await;
        in_background(move || {
            group.commit();
            work(group.connection.as_mut().ok_or_else(closed)?)
        })
        .await
    }

    /// Commits what is done, and closes.
    pub(super) async fn close(&self) {
        let mut group = self.0.clone().lock_owned().await;
        group.commit();
        group.connection = None;
    }
}

impl Group {
    fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(closed)
    }

    /// Whether a transaction is open for all; `false` while another process has the file.
    fn open(&mut self) -> Result<bool> {
        if self.connection()?.is_autocommit() {
            self.lost(); // had it members, they would have been undone
            match self.connection()?.execute_batch("begin immediate") {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => return Ok(false),
                begun => begun?,
            }
        }
        Ok(true)
    }

    /// Makes what is done last, and tells those who did it.
    fn commit(&mut self) {
        let Some(connection) = self.connection.as_ref().filter(|it| !it.is_autocommit()) else { return self.lost() };
        let committed = execute(connection, "commit");
        if let Err(error) = committed {
            let _ = execute(connection, "rollback"); // SQLite may have done so itself
            return self.tell(|| Err(Error::Unreachable(format!("the commit failed: {error}").into())));
        }
        self.tell(|| Ok(()));
    }

    /// SQLite undid everything, as it does when the disk is full.
    fn lost(&mut self) {
        self.tell(|| Err(Error::Unreachable("the transaction was undone".into())));
    }

    fn tell(&mut self, outcome: impl Fn() -> Result<()>) {
        for member in self.members.drain(..) {
            let _ = member.send(outcome()); // it may have stopped waiting
        }
    }
}

/// A transaction: the writer while somebody holds it.
pub struct SqliteTx {
    /// `None` once it is handed on.
    group: Option<OwnedMutexGuard<Group>>,
    writer: Writer,
}

impl SqliteTx {
    /// Runs a statement; says how many rows it touched.
    pub(super) fn run(&self, text: &str, values: &[Bound]) -> Result<u64> {
        sqlite::run(self.connection()?, text, values)
    }

    /// Runs a statement; reads at most so many rows.
    pub(super) fn rows<T>(&self, text: &str, values: &[Bound], most: usize) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<SqliteRow<'r>>,
    {
        sqlite::rows(self.connection()?, text, values, most)
    }

    /// Outside a transaction, because SQLite undid it, a statement would last by itself.
    fn connection(&self) -> Result<&Connection> {
        let connection = self.group.as_ref().expect("it is held until the commit").connection()?;
        if connection.is_autocommit() {
            return Err(Error::Unreachable("the transaction was undone".into()));
        }
        Ok(connection)
    }

    /// Hands the writer on; returns when it is on disk.
    pub(super) async fn commit(mut self) -> Result<()> {
        execute(self.connection()?, "release one")?;
        let mut group = self.group.take().expect("it is held until the commit");
        let (member, outcome) = oneshot::channel();
        group.members.push(member);
        if group.members.len() == 1 {
            // On its own, so that it comes whoever stops waiting.
            tokio::spawn(commit(self.writer.clone()));
        }
        drop(group);
        outcome.await.unwrap_or_else(|_| Err(closed()))
    }
}

/// Commits the group when everybody who waits for the writer now has had their turn.
async fn commit(writer: Writer) {
    let mut group = writer.0.lock_owned().await;
    // Those of the group are told by whoever holds it, should the runtime stop before.
    let _ = tokio::task::spawn_blocking(move || group.commit()).await;
}

impl Drop for SqliteTx {
    /// Whatever was not committed is undone before anybody else gets the writer.
    fn drop(&mut self) {
        let Some(group) = self.group.take() else { return };
        let Ok(connection) = group.connection() else { return };
        let undo = if group.members.is_empty() { "rollback" } else { "rollback to one; release one" };
        if let Err(error) = connection.execute_batch(undo) {
            tracing::debug!(%error, "nothing to undo");
        }
    }
}

fn execute(connection: &Connection, text: &str) -> Result<()> {
    connection.prepare_cached(text)?.raw_execute()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future::join_all};
    use tempfile::TempDir;

    fn writer() -> (Writer, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let connection = sqlite::open(&folder.path().join("test.db")).unwrap();
        connection.execute_batch("create table numbers (number integer primary key) strict").unwrap();
        (Writer::new(connection).unwrap(), folder)
    }

    fn committed(folder: &TempDir) -> Vec<i64> {
        let reader = sqlite::open_reader(&folder.path().join("test.db")).unwrap();
        let rows: Vec<(i64,)> = sqlite::rows(&reader, "select number from numbers", &[], usize::MAX).unwrap();
        rows.into_iter().map(|(number,)| number).collect()
    }

    fn insert(tx: &SqliteTx, number: i64) -> Result<u64> {
        tx.run("insert into numbers values ($1)", &[Bound::Number(Some(number))])
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_that_fails_undoes_only_itself() {
        let (writer, folder) = writer();
        let write = async |number: i64| {
            let tx = writer.begin().await?;
            insert(&tx, number)?;
            match number % 3 {
                0 => tx.commit().await,
                1 => Err(Error::NotFound), // given up
                _ => insert(&tx, 0).map(drop),
            }
        };
        write(0).await.unwrap();
        let outcomes = join_all((1..60).map(write)).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 19);
        assert_eq!(committed(&folder), (0..60).step_by(3).collect::<Vec<_>>());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn those_who_wait_share_a_commit() {
        let (writer, folder) = writer();
        let first = writer.begin().await.unwrap();
        insert(&first, 0).unwrap();
        let mut others: Vec<_> = (1..10)
            .map(|number| {
                let writer = writer.clone();
                Box::pin(async move {
                    let tx = writer.begin().await?;
                    insert(&tx, number)?;
                    tx.commit().await
                })
            })
            .collect();
        for other in &mut others {
            assert!(other.now_or_never().is_none(), "it stands in the queue");
        }
        let others = tokio::spawn(join_all(others));
        first.commit().await.unwrap();
        assert_eq!(committed(&folder), (0..10).collect::<Vec<_>>());
        assert!(others.await.unwrap().iter().all(Result::is_ok));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_goes_away_leaves_nothing_undone() {
        let (writer, folder) = writer();
        let tx = writer.begin().await.unwrap();
        insert(&tx, 1).unwrap();
        assert!(Box::pin(tx.commit()).now_or_never().is_none(), "a commit takes a while");
        drop(writer.begin().await.unwrap());
        let tx = writer.begin().await.unwrap();
        insert(&tx, 2).unwrap();
        tx.commit().await.unwrap();
        assert_eq!(committed(&folder), [1, 2]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn another_process_is_waited_for() {
        let (writer, folder) = writer();
        let other = Connection::open(folder.path().join("test.db")).unwrap();
        other.execute_batch("begin immediate; insert into numbers values (1)").unwrap();
        let mut turn = Box::pin(writer.begin());
        assert!(timeout(10 * BETWEEN_TRIES, &mut turn).await.is_err());
        other.execute_batch("commit").unwrap();
        let tx = turn.await.unwrap();
        insert(&tx, 2).unwrap();
        tx.commit().await.unwrap();
        assert_eq!(committed(&folder), [1, 2]);
    }

    #[tokio::test]
    async fn a_full_disk_fails_all_who_wrote_and_nobody_after() {
        let (writer, folder) = writer();
        writer.alone(|it| Ok(it.pragma_update(None, "max_page_count", 4)?)).await.unwrap();
        let tx = writer.begin().await.unwrap();
        let outcome = (1..10_000).try_for_each(|number| insert(&tx, number).map(drop));
        assert!(matches!(outcome, Err(Error::Unreachable(_))), "{outcome:?}");
        assert!(insert(&tx, 20_000).is_err(), "there is no transaction any longer for it to be part of");
        drop(tx);
        writer.alone(|it| Ok(it.pragma_update(None, "max_page_count", 1000)?)).await.unwrap();
        assert_eq!(committed(&folder), [0; 0]);
        let tx = writer.begin().await.unwrap();
        insert(&tx, 1).unwrap();
        tx.commit().await.unwrap();
        assert_eq!(committed(&folder), [1]);
    }
}
