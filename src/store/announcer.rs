//! Tells the other processes on a Postgres what this one committed.
//!
//! After the commit, not in it: Postgres lets those who notify commit one at a time, so writers would queue for the disk.
//! What happens while an announcement is under way goes with the next one. One that is lost with its process is found by
//! those who wait when they next look by themselves.

use super::{
    Result,
    postgres::{Connections, in_time},
};
use crate::wakeups::Happened;
use std::{
    collections::HashSet,
    mem::take,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Postgres' channel between processes.
pub(super) const CHANNEL: &str = "hitl";
/// The rest between two announcements, so that many commits make few of them.
const REST: Duration = Duration::from_millis(5);
/// More than this at once is told as "anything may have happened".
const MOST: usize = 1000;

/// Announces on a pool. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Announcer {
    connections: Connections,
    untold: Arc<Mutex<HashSet<Happened>>>,
    /// Held while telling.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Announcer {
    pub(super) fn new(connections: Connections) -> Self {
        Self { connections, untold: Arc::default(), turn: Arc::default() }
    }

    /// Has it told soon.
    pub(super) fn announce(&self, happened: &[Happened]) {
        let mut untold = self.untold();
        let is_seen_to = !untold.is_empty(); // by a task that has yet to take what is untold
        untold.extend(happened);
        if untold.len() > MOST {
            *untold = HashSet::from([Happened::Anything]);
        }
        if !is_seen_to && !untold.is_empty() {
            tokio::spawn(self.clone().tell());
        }
    }

    /// Tells what is untold; what is being told has been when this returns.
    pub(super) async fn tell(self) {
        let _turn = self.turn.lock().await;
        let payloads: Vec<String> = take(&mut *self.untold()).iter().map(Happened::to_string).collect();
        if payloads.is_empty() {
            return; // with those before
        }
        if let Err(error) = self.notify(payloads).await {
            tracing::warn!(%error, "other processes were not told of a change and will find it later");
        }
        tokio::time::sleep(REST).await;
    }

    async fn notify(&self, payloads: Vec<String>) -> Result<()> {
        let mut connection = self.connections.lend().await?;
        let text = "select pg_notify($1, told) from unnest($2::text[]) told";
        let (query, pool) = (sqlx::query(text).bind(CHANNEL).bind(payloads), connection.pool());
        let told = in_time(&pool, query.execute(connection.begun())).await;
        connection.ended(told).map(drop)
    }

    fn untold(&self) -> MutexGuard<'_, HashSet<Happened>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::postgres::PgPoolOptions;

    #[tokio::test]
    async fn however_much_happens_few_tasks_tell_of_it() {
        let nobody = PgPoolOptions::new().connect_lazy("postgres://nobody@127.0.0.1:1/nothing").unwrap();
        let announcer = Announcer::new(Connections::of(nobody, 1));
        for _ in 0..1000 {
            announcer.announce(&[Happened::Else]);
            tokio::task::yield_now().await;
        }
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        assert!(tasks <= 3, "{tasks}");
    }
}
