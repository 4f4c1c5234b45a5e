//! What could not be taken in of what somebody has on another server, by its hash.

use super::{Db, Result};
use crate::domain::{Account, Id};

/// All that an account here lacks of what is that account's there.
pub async fn of(db: impl Db<'_>, account: Id<Account>, there: Id<Account>) -> Result<Vec<String>> {
    let found: Vec<(String,)> = db
        .sql("select what_hash from omissions where account_id = $1 and there_id = $2")
        .bind(account)
        .bind(there)
        .all()
        .await?;
    Ok(found.into_iter().map(|(hash,)| hash).collect())
}

/// Adds one, unless it is noted already.
pub async fn insert(db: impl Db<'_>, account: Id<Account>, there: Id<Account>, hash: &str) -> Result<()> {
    db.sql("insert into omissions (account_id, there_id, what_hash) values ($1, $2, $3) on conflict do nothing")
        .bind(account)
        .bind(there)
        .bind(hash)
        .run()
        .await?;
    Ok(())
}

/// Forgets one.
pub async fn delete(db: impl Db<'_>, account: Id<Account>, there: Id<Account>, hash: &str) -> Result<()> {
    db.sql("delete from omissions where account_id = $1 and there_id = $2 and what_hash = $3")
        .bind(account)
        .bind(there)
        .bind(hash)
        .run()
        .await?;
    Ok(())
}
