//! Moving SQLite's log into its file, beside who reads and who writes.

use super::{Engine, Result, Store, sqlite, sqlite::Connections};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

/// The connection that does it, and how far it came. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Checkpoints {
    connections: Connections,
    /// Pages of the log that were in the file after the last one.
    moved: Arc<AtomicI64>,
}

impl Checkpoints {
    /// Of that file.
    pub(super) fn of(file: PathBuf) -> Self {
        Self { connections: Connections::new(file, sqlite::open), moved: Arc::default() }
    }

    /// Makes one. Says whether the log is long and can begin anew: not while somebody reads on from the time before the last
    /// one, for whom everybody who writes would wait in vain.
    async fn make(&self) -> Result<bool> {
        let (pages, moved) = self.connections.with_long(sqlite::checkpoint).await?;
        let before = self.moved.swap(moved, Relaxed);
        Ok(pages > sqlite::LONG_LOG && (moved == pages || moved != before))
    }

    pub(super) fn close(&self) {
        self.connections.close();
    }
}

impl Store {
    /// Moves what SQLite's log holds into the file, beside readers and the writer; when writers are so busy that it grows
    /// nevertheless, they wait for it. Nothing to do on Postgres.
    pub async fn checkpoint(&self) -> Result<()> {
        let Engine::Sqlite { checkpoints, writer, .. } = &self.engine else { return Ok(()) };
        if checkpoints.make().await? {
            writer.alone(sqlite::begin_log_anew).await?;
        }
        Ok(())
    }
}
