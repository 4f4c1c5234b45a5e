//! The transactions that share a commit on SQLite: each undoes only itself, and hears what became of all.

use super::{Error, Result, sqlite::closed, sqlite_tx::Waiting, usage::Committing};
use rusqlite::{Connection, ErrorCode};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The transactions that will be committed together.
#[derive(Debug)]
pub(super) struct Group {
    /// `None` when closed.
    connection: Option<Connection>,
    /// Those that wait to hear of the commit.
    members: Vec<oneshot::Sender<Result<()>>>,
    commits: Arc<Committing>,
}

impl Group {
    /// Of what this connection writes; each commit is counted.
    pub(super) const fn new(connection: Connection, commits: Arc<Committing>) -> Self {
        Self { connection: Some(connection), members: Vec::new(), commits }
    }

    /// Takes one in who has done what there was to do: how it hears of the commit, and whether it is the first.
    pub(super) fn join(&mut self) -> (oneshot::Receiver<Result<()>>, bool) {
        let (member, outcome) = oneshot::channel();
        self.members.push(member);
        (outcome, self.members.len() == 1)
    }

    /// Works with the connection outside any transaction.
    pub(super) fn alone<T>(&mut self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        self.commit();
        work(self.connection.as_mut().ok_or_else(closed)?)
    }

    /// Commits what is done; nothing is done any more.
    pub(super) fn close(&mut self) {
        self.commit();
        self.connection = None;
    }

    /// The connection, unless it is closed.
    pub(super) fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(closed)
    }

    /// Whether a transaction is open for all; `false` while another process has the file.
    pub(super) fn open(&mut self) -> Result<bool> {
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
    pub(super) fn first<T>(&mut self, run: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
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
    pub(super) fn commit(&mut self) {
        let Some(connection) = self.connection.as_ref().filter(|it| !it.is_autocommit()) else { return self.lost() };
        let committed = execute(connection, "commit");
        if let Err(error) = committed {
            let _ = execute(connection, "rollback"); // SQLite may have done so itself
            return self.tell(|| Err(Error::Unreachable(format!("the commit failed: {error}").into())));
        }
        self.commits.count(self.members.len());
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

pub(super) fn execute(connection: &Connection, text: &str) -> Result<()> {
    connection.prepare_cached(text)?.raw_execute()?;
    Ok(())
}
