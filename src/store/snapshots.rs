//! Reading much as it was at one moment, beside those who write: nobody waits for it, and it waits for nobody.

use super::{Db, Engine, Result, Store, postgres_tx::PostgresTx, sql::Target, sqlite::Connections};

/// The database at one moment: that of the first look at it. Only for looking.
pub struct Snapshot(Kind);

enum Kind {
    /// The one connection here is in a transaction, and always the one that is used.
    Sqlite(Connections),
    Postgres(PostgresTx),
}

const STANDING_STILL: &str = "set transaction isolation level repeatable read read only";
// Who reads page after page walks along an index: sorting what is left for each page would take the square of its time.
const IN_ORDER: &str = "set local enable_bitmapscan = off";
const NOT_SORTED: &str = "set local enable_sort = off";

impl Store {
    /// The database as it is from the first look on.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        Ok(Snapshot(match &self.engine {
            Engine::Sqlite { readers, .. } => Kind::Sqlite(readers.standing_still()),
            Engine::Postgres { connections, .. } => {
                let mut snapshot = Snapshot(Kind::Postgres(PostgresTx::new(connections.clone())));
                for setting in [STANDING_STILL, IN_ORDER, NOT_SORTED] {
                    snapshot.sql(setting).run().await?;
                }
                return Ok(snapshot);
            }
        }))
    }
}

impl<'c> Db<'c> for &'c mut Snapshot {
    fn target(self, _: &str) -> Target<'c> {
        match &mut self.0 {
            Kind::Sqlite(connections) => Target::Sqlite(connections),
            Kind::Postgres(tx) => Target::PostgresTx(tx),
        }
    }
}
