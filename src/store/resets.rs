//! Links with which people set a new password. Kept by the hash of their token, at most one an account.

use super::{Db, Result};
use crate::domain::{Account, Id, Timestamp};

/// Keeps one in the place of the account's last.
pub async fn put(db: impl Db<'_>, account: Id<Account>, token_hash: &str, expires_at: Timestamp) -> Result<()> {
    db.sql(
        "insert into reset_links (account_id, token_hash, expires_at) values ($1, $2, $3)
         on conflict (account_id) do update set token_hash = excluded.token_hash, expires_at = excluded.expires_at",
    )
    .bind(account)
    .bind(token_hash)
    .bind(expires_at)
    .run()
    .await?;
    Ok(())
}

/// Whose link it is, if it stands.
pub async fn find(db: impl Db<'_>, token_hash: &str, now: Timestamp) -> Result<Option<Id<Account>>> {
    let found: Option<(Id<Account>,)> = db
        .sql("select account_id from reset_links where token_hash = $1 and expires_at > $2")
        .bind(token_hash)
        .bind(now)
        .optional()
        .await?;
    Ok(found.map(|(account,)| account))
}

/// Uses one up; says whose it was. Of two callers at once only one is told.
pub async fn take(db: impl Db<'_>, token_hash: &str, now: Timestamp) -> Result<Option<Id<Account>>> {
    let taken: Option<(Id<Account>,)> = db
        .sql("delete from reset_links where token_hash = $1 and expires_at > $2 returning account_id")
        .bind(token_hash)
        .bind(now)
        .optional()
        .await?;
    Ok(taken.map(|(account,)| account))
}

/// Removes those whose time is over.
pub async fn sweep(db: impl Db<'_>, now: Timestamp) -> Result<u64> {
    db.sql("delete from reset_links where expires_at <= $1").bind(now).run().await
}
