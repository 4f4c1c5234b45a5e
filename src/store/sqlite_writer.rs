//! SQLite's one writer, and how many transactions share a commit.
//!
//! Whoever writes waits for its turn at the writer, works, and leaves what it did, not yet committed, to the next; one that
//! fails undoes only itself. The first of such a group sends the committer to the end of the queue. When its turn comes, all
//! who stood before it are in the group, and one wait for the disk serves them all. Nobody hears of success before that.

use super::{
    Error, Result,
    sqlite::{self, closed, in_background},
    sqlite_tx::{SqliteTx, Waiting},
    usage::{Waited, Waits},
    values::Bound,
};
use rusqlite::{Connection, ErrorCode};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, Semaphore, oneshot},
    time::{sleep, timeout},
};

/// How long a call waits for its turn before it fails.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many may wait for their turn; whoever comes then fails at once, before what they hold takes too much memory.
const MOST_WAITING: usize = 4096;
/// How often the file is tried while another process writes to it.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// The writer, and how its turns were waited for. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Writer {
    group: Arc<Mutex<Group>>,
    places: Arc<Semaphore>,
    waits: Arc<Waits>,
}

/// The transactions that will be committed together.
#[derive(Debug)]
pub(super) struct Group {
    /// `None` when closed.
    connection: Option<Connection>,
    /// Those that wait to hear of the commit.
    members: Vec<oneshot::Sender<Result<()>>>,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Result<Self> {
        connection.busy_timeout(Duration::ZERO)?; // waiting in place would hold up everybody on the thread
        let group = Group { connection: Some(connection), members: Vec::new() };
        let places = Semaphore::new(MOST_WAITING);
        Ok(Self { group: Arc::new(Mutex::new(group)), places: Arc::new(places), waits: Arc::default() })
    }

    /// A transaction. It waits for its turn when it first must.
    pub(super) fn begin(&self) -> SqliteTx {
        SqliteTx::new(self.clone())
    }

    /// Runs a statement as a transaction of its own; says how many rows it touched.
    pub(super) async fn run(&self, text: &str, values: &[Bound]) -> Result<u64> {
        let mut group = self.turn().await?;
        let touched = group.first(|connection| sqlite::run(connection, text, values))?;
        self.committed(group).await?;
        Ok(touched)
    }

    /// Waits for its turn.
    pub(super) async fn turn(&self) -> Result<OwnedMutexGuard<Group>> {
        let waits = self.places.try_acquire();
        let _waits = waits.map_err(|_| Error::Unreachable("too many wait for the writer".into()))?;
        let turn = async {
            let mut group = self.group.clone().lock_owned().await;
            while !group.open()? {
                sleep(BETWEEN_TRIES).await;
            }
            Ok(group)
        };
        self.waits
            .count(timeout(PATIENCE, turn))
            .await
            .unwrap_or_else(|_| Err(Error::Unreachable("the writer is busy".into())))
    }

    /// How often somebody had a turn, and how long it was waited for.
    pub(super) fn turns(&self) -> Waited {
        self.waits.so_far()
    }

    /// Hands the writer on; returns when what was done is on disk.
    pub(super) async fn committed(&self, mut group: OwnedMutexGuard<Group>) -> Result<()> {
        let (member, outcome) = oneshot::channel();
        group.members.push(member);
        if group.members.len() == 1 {
            // On its own, so that it comes whoever stops waiting.
            tokio::spawn(commit(self.clone()));
        }
        drop(group);
        outcome.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Works alone with the writer, outside any transaction of it.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut group = self.group.clone().lock_owned().await;
        in_background(move || {
            group.commit();
            work(group.connection.as_mut().ok_or_else(closed)?)
        })
        .await
    }

    /// Commits what is done, and closes.
    pub(super) async fn close(&self) {
        let mut group = self.group.clone().lock_owned().await;
        group.commit();
        group.connection = None;
    }
}

impl Group {
    /// The connection, unless it is closed.
    pub(super) fn connection(&self) -> Result<&Connection> {
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

    /// Runs statements of which only the first is expected to fail. Should another, nobody can tell any longer what is
    /// whose, and all is undone.
    pub(super) fn run(&mut self, statements: &[Waiting]) -> Result<()> {
        let Some((first, others)) = statements.split_first() else { return Ok(()) };
        self.first(|connection| first.run(connection))?;
        let done = self.connection().and_then(|connection| others.iter().try_for_each(|other| other.run(connection)));
        done.inspect_err(|_| self.undo())
    }

    /// Runs a statement; should it fail, it has changed nothing.
    fn first<T>(&mut self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let done = self.connection().and_then(run);
        if done.is_err() && self.members.is_empty() {
            self.undo(); // nobody else would end the transaction
        }
        done
    }

    /// Undoes what everybody did, and tells them.
    fn undo(&mut self) {
        let undone = self.connection().and_then(|connection| execute(connection, "rollback"));
        if let Err(error) = undone {
            tracing::debug!(%error, "nothing to undo"); // SQLite did so itself
        }
        self.lost();
    }

    /// Whether nothing of anybody's would be undone.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
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

/// Commits the group when everybody who waits for the writer now has had their turn.
async fn commit(writer: Writer) {
    let mut group = writer.group.lock_owned().await;
    // Those of the group are told by whoever holds it, should the runtime stop before.
    let _ = tokio::task::spawn_blocking(move || group.commit()).await;
}

pub(super) fn execute(connection: &Connection, text: &str) -> Result<()> {
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

    const INSERT: &str = "insert into numbers values ($1)";

    async fn insert(tx: &mut SqliteTx, number: i64) -> Result<u64> {
        tx.run(INSERT, &[Bound::Number(Some(number))]).await
    }

    /// Adds them when nobody waits for the outcome of each.
    async fn insert_later(writer: &Writer, numbers: &[i64]) -> Result<()> {
        let mut tx = writer.begin();
        for number in numbers {
            tx.wait(INSERT.into(), vec![Bound::Number(Some(*number))], false);
        }
        tx.commit().await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_that_fails_undoes_only_itself() {
        let (writer, folder) = writer();
        let write = async |number: i64| {
            let mut tx = writer.begin();
            insert(&mut tx, number).await?;
            match number % 3 {
                0 => tx.commit().await,
                1 => Err(Error::NotFound), // given up
                _ => insert(&mut tx, 0).await.map(drop),
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
        let mut first = writer.begin();
        insert(&mut first, 0).await.unwrap();
        let mut others: Vec<_> = (1..10)
            .map(|number| {
                let writer = writer.clone();
                Box::pin(async move {
                    let mut tx = writer.begin();
                    insert(&mut tx, number).await?;
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
        let mut tx = writer.begin();
        insert(&mut tx, 1).await.unwrap();
        assert!(Box::pin(tx.commit()).now_or_never().is_none(), "a commit takes a while");
        let mut other = writer.begin();
        insert(&mut other, 3).await.unwrap();
        drop(other);
        let mut tx = writer.begin();
        insert(&mut tx, 2).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(committed(&folder), [1, 2]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn without_a_savepoint_too_one_that_fails_undoes_only_itself() {
        let (writer, folder) = writer();
        insert_later(&writer, &[0]).await.unwrap();
        let write = async |number: i64| match number % 3 {
            0 => insert_later(&writer, &[number, -number]).await,
            1 => insert_later(&writer, &[0, number]).await,
            _ => writer.run(INSERT, &[Bound::Number(Some(0))]).await.map(drop),
        };
        let outcomes = join_all((1..60).map(write)).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 19);
        assert!(
            outcomes.iter().flatten().count() + outcomes.iter().filter(|it| matches!(it, Err(Error::Conflict))).count()
                == 59
        );
        assert_eq!(committed(&folder), (-57..60).step_by(3).collect::<Vec<_>>());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_change_that_must_touch_a_row_and_does_not_undoes_what_came_before_it() {
        let (writer, folder) = writer();
        let change = async |before: &[i64], number: i64| {
            let mut tx = writer.begin();
            for number in before {
                tx.wait(INSERT.into(), vec![Bound::Number(Some(*number))], false);
            }
            let text = "update numbers set number = number + 100 where number = $1";
            tx.wait(text.into(), vec![Bound::Number(Some(number))], true);
            tx.wait(INSERT.into(), vec![Bound::Number(Some(number + 1000))], false);
            tx.commit().await
        };
        insert_later(&writer, &[1, 2]).await.unwrap();
        change(&[], 1).await.unwrap();
        assert!(matches!(change(&[], 1).await, Err(Error::Lost)));
        change(&[3], 2).await.unwrap();
        assert!(matches!(change(&[4], 2).await, Err(Error::Lost)));
        assert_eq!(committed(&folder), [3, 101, 102, 1001, 1002]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_second_statement_that_fails_against_expectation_lets_nobody_believe_that_anything_was_done() {
        let (writer, folder) = writer();
        insert_later(&writer, &[0]).await.unwrap();
        let mut first = writer.begin();
        insert(&mut first, 1).await.unwrap();
        let (second, first) = tokio::join!(insert_later(&writer, &[2, 0]), first.commit());
        assert!(matches!(second, Err(Error::Conflict)), "{second:?}");
        assert!(matches!(first, Err(Error::Unreachable(_))), "{first:?}");
        assert_eq!(committed(&folder), [0]);
        insert_later(&writer, &[5]).await.unwrap();
        assert_eq!(committed(&folder), [0, 5]);
    }

    #[tokio::test]
    async fn so_many_wait_for_the_writer_and_whoever_comes_then_fails_at_once() {
        let (writer, _folder) = writer();
        let turn = writer.turn().await.unwrap();
        let mut waiting: Vec<_> = (0..MOST_WAITING).map(|_| Box::pin(writer.turn())).collect();
        for waits in &mut waiting {
            assert!(waits.now_or_never().is_none());
        }
        let refused = writer.turn().now_or_never().expect("it does not wait");
        assert!(matches!(refused, Err(Error::Unreachable(_))), "{refused:?}");
        drop((turn, waiting));
        insert_later(&writer, &[1]).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn another_process_is_waited_for() {
        let (writer, folder) = writer();
        let other = Connection::open(folder.path().join("test.db")).unwrap();
        other.execute_batch("begin immediate; insert into numbers values (1)").unwrap();
        let write = insert_later(&writer, &[2]);
        tokio::pin!(write);
        assert!(timeout(10 * BETWEEN_TRIES, &mut write).await.is_err());
        other.execute_batch("commit").unwrap();
        write.await.unwrap();
        assert_eq!(committed(&folder), [1, 2]);
    }

    #[tokio::test]
    async fn a_full_disk_fails_all_who_wrote_and_nobody_after() {
        let (writer, folder) = writer();
        writer.alone(|it| Ok(it.pragma_update(None, "max_page_count", 4)?)).await.unwrap();
        let mut tx = writer.begin();
        let mut outcome = Ok(1);
        for number in 1..10_000 {
            outcome = outcome.and(insert(&mut tx, number).await);
        }
        assert!(matches!(outcome, Err(Error::Unreachable(_))), "{outcome:?}");
        assert!(insert(&mut tx, 20_000).await.is_err(), "there is no transaction any longer for it to be part of");
        drop(tx);
        writer.alone(|it| Ok(it.pragma_update(None, "max_page_count", 1000)?)).await.unwrap();
        assert_eq!(committed(&folder), [0; 0]);
        let mut tx = writer.begin();
        insert(&mut tx, 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(committed(&folder), [1]);
    }
}
