//! SQLite's one writer, and how many transactions share a commit.
//!
//! Whoever writes waits for its turn at the writer, works, and leaves what it did, not yet committed, to the next; one that
//! fails undoes only itself. The first of such a group sends the committer to the end of the queue. When its turn comes, all
//! who stood before it are in the group, and one wait for the disk serves them all. Nobody hears of success before that.

use super::{
    Error, Result,
    sqlite::{self, closed, in_background},
    sqlite_group::Group,
    sqlite_tx::SqliteTx,
    usage::{Commits, Committing, Waited, Waits},
    values::Bound,
};
use rusqlite::Connection;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, OwnedMutexGuard, Semaphore},
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
    commits: Arc<Committing>,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Result<Self> {
        connection.busy_timeout(Duration::ZERO)?; // waiting in place would hold up everybody on the thread
        let commits = Arc::<Committing>::default();
        let group = Arc::new(Mutex::new(Group::new(connection, commits.clone())));
        Ok(Self { group, places: Arc::new(Semaphore::new(MOST_WAITING)), waits: Arc::default(), commits })
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

    /// How many commits there were, and for how many.
    pub(super) fn commits(&self) -> Commits {
        self.commits.so_far()
    }

    /// Hands the writer on; returns when what was done is on disk.
    pub(super) async fn committed(&self, mut group: OwnedMutexGuard<Group>) -> Result<()> {
        let (outcome, first) = group.join();
        if first {
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
        in_background(move || group.alone(work)).await
    }

    /// Commits what is done, and closes.
    pub(super) async fn close(&self) {
        self.group.lock().await.close();
    }
}

/// Commits the group when everybody who waits for the writer now has had their turn.
async fn commit(writer: Writer) {
    let mut group = writer.group.lock_owned().await;
    // Those of the group are told by whoever holds it, should the runtime stop before.
    let _ = tokio::task::spawn_blocking(move || group.commit()).await;
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
        assert_eq!(writer.commits(), Commits { commits: 1, transactions: 10 });
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
