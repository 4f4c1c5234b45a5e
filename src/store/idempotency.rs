//! What was answered to a POST that may be sent twice (quality A15).

use super::{Db, Result, columns::row};
use crate::domain::{Id, Key, Timestamp};

/// A call that was made under an idempotency key.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What was called, with which body: a hash.
    pub call_hash: String,
    /// The answer's status; none while it is under way.
    pub status: Option<i64>,
    /// The answer's body.
    pub body: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
}
row!(Call { call_hash, status, body, created_at });

/// Begins a call, if none was made under this key that still counts; says whether it did. A call that began before `stale` and
/// has no answer yet died with its process.
pub async fn begin(
    db: impl Db<'_>,
    api_key: Id<Key>,
    key: &str,
    call_hash: &str,
    stale: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let touched = db
        .sql(
            "insert into idempotency_keys (api_key_id, key, call_hash, created_at) values ($1, $2, $3, $5)
             on conflict (api_key_id, key) do update set call_hash = excluded.call_hash, created_at = excluded.created_at
             where idempotency_keys.status is null and idempotency_keys.created_at < $4 and idempotency_keys.call_hash = excluded.call_hash",
        )
        .bind(api_key)
        .bind(key)
        .bind(call_hash)
        .bind(stale)
        .bind(now)
        .run()
        .await?;
    Ok(touched == 1)
}

/// The call that was made under this key.
pub async fn find(db: impl Db<'_>, api_key: Id<Key>, key: &str) -> Result<Option<Call>> {
    db.sql("select call_hash, status, body, created_at from idempotency_keys where api_key_id = $1 and key = $2")
        .bind(api_key)
        .bind(key)
        .optional()
        .await
}

/// Keeps the answer.
pub async fn finish(db: impl Db<'_>, api_key: Id<Key>, key: &str, status: i64, body: &str) -> Result<()> {
    db.sql("update idempotency_keys set status = $3, body = $4 where api_key_id = $1 and key = $2")
        .bind(api_key)
        .bind(key)
        .bind(status)
        .bind(body)
        .run()
        .await?;
    Ok(())
}

/// Forgets a call that failed: it may be made again.
pub async fn forget(db: impl Db<'_>, api_key: Id<Key>, key: &str) -> Result<()> {
    db.sql("delete from idempotency_keys where api_key_id = $1 and key = $2 and status is null")
        .bind(api_key)
        .bind(key)
        .run()
        .await?;
    Ok(())
}

/// Forgets what was answered before then.
pub async fn sweep(db: impl Db<'_>, before: Timestamp) -> Result<u64> {
    db.sql("delete from idempotency_keys where created_at < $1").bind(before).run().await
}
