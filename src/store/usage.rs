//! How much of the connections is used, and how long they are waited for. Counting costs less than can be measured beside what is
//! counted, so it is always done.

use super::{Engine, Store};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// How the connections are used at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Connections that work for somebody. On SQLite those that read.
    pub in_use: usize,
    /// Open connections that work for nobody.
    pub idle: usize,
    /// Those who wait for one, on Postgres.
    pub waiting: usize,
    /// How often and how long one was waited for, on Postgres.
    pub connection_waits: Option<Waited>,
    /// How many calls went together with others, on Postgres.
    pub together: Option<u64>,
    /// How often somebody had the turn at the one that writes, and how long it was waited for, on SQLite.
    pub writer_turns: Option<Waited>,
    /// How many commits there were, and for how many transactions, on SQLite: those that come together share one.
    pub commits: Option<Commits>,
}

/// How often something was waited for, and how long in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// How often.
    pub times: u64,
    /// Microseconds in all.
    pub micros: u64,
}

/// How many commits, and for how many transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commits {
    /// How many commits.
    pub commits: u64,
    /// How many transactions these made last.
    pub transactions: u64,
}

/// The same, being counted.
#[derive(Debug, Default)]
pub(super) struct Committing {
    commits: AtomicU64,
    transactions: AtomicU64,
}

impl Committing {
    /// A commit for so many.
    pub(super) fn count(&self, transactions: usize) {
        self.commits.fetch_add(1, Relaxed);
        self.transactions.fetch_add(transactions as u64, Relaxed);
    }

    pub(super) fn so_far(&self) -> Commits {
        Commits { commits: self.commits.load(Relaxed), transactions: self.transactions.load(Relaxed) }
    }
}

/// How waiting is counted.
#[derive(Debug, Default)]
pub(super) struct Waits {
    times: AtomicU64,
    micros: AtomicU64,
}

impl Waits {
    /// Waits, and counts it, also when that is given up.
    #[expect(clippy::disallowed_methods, reason = "measures how long it took")]
    pub(super) async fn count<T>(&self, wait: impl Future<Output = T>) -> T {
        let _measured = Measured { waits: self, began: Instant::now() };
        wait.await
    }

    pub(super) fn so_far(&self) -> Waited {
        Waited { times: self.times.load(Relaxed), micros: self.micros.load(Relaxed) }
    }

    fn add(&self, waited: Duration) {
        self.times.fetch_add(1, Relaxed);
        self.micros.fetch_add(u64::try_from(waited.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }
}

struct Measured<'a> {
    waits: &'a Waits,
    began: Instant,
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        self.waits.add(self.began.elapsed());
    }
}

impl Store {
    /// How the connections are used.
    pub fn usage(&self) -> Usage {
        match &self.engine {
            Engine::Sqlite { readers, writer, .. } => {
                let (in_use, idle) = readers.usage();
                let (writer_turns, commits) = (Some(writer.turns()), Some(writer.commits()));
                Usage { in_use, idle, writer_turns, commits, ..Usage::default() }
            }
            Engine::Postgres { connections, .. } => connections.usage(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn who_gives_up_has_waited_too() {
        let waits = Waits::default();
        assert_eq!(waits.count(async { 7 }).await, 7);
        assert!(Box::pin(waits.count(std::future::pending::<()>())).now_or_never().is_none());
        assert_eq!(waits.so_far().times, 2);
    }
}
