//! The hourly windows: taking from them, giving back (contract 3, design 4).

use super::{Db, Result, columns::row};
use crate::domain::{Account, Id, Key, Timestamp, limit::WINDOW_SECONDS};

/// A window after something was taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// When it closes.
    pub closes_at: Timestamp,
    /// Requests taken by everybody, this taker included.
    pub used: i64,
    /// Requests that this taker got.
    pub granted: i64,
    /// Whether its owner was told that it is nearly used up.
    pub warned: bool,
}
row!(Taken { closes_at, used, granted, warned });

/// Takes a block of requests, or what is left of one, opening a window if none is open; `None` when nothing is left.
/// One statement, so that any number of processes together never take more than the limit.
pub async fn take(db: impl Db<'_>, key: Id<Key>, limit: i64, block: i64, now: Timestamp) -> Result<Option<Taken>> {
    db.sql(
        "insert into windows (key_id, closes_at, used, granted, warned, exceeded) values ($1, $2, $3, $3, $6, $6)
         on conflict (key_id) do update set
            granted = case when windows.closes_at <= $4 then excluded.granted
                           when windows.used + $3 <= $5 then $3
                           else $5 - windows.used end,
            used = case when windows.closes_at <= $4 then excluded.used
                        when windows.used + $3 <= $5 then windows.used + $3
                        else $5 end,
            warned = case when windows.closes_at <= $4 then $6 else windows.warned end,
            exceeded = case when windows.closes_at <= $4 then $6 else windows.exceeded end,
            closes_at = case when windows.closes_at <= $4 then excluded.closes_at else windows.closes_at end
         where windows.closes_at <= $4 or windows.used < $5
         returning closes_at, used, granted, warned",
    )
    .bind(key)
    .bind(now.plus_seconds(WINDOW_SECONDS))
    .bind(block)
    .bind(now)
    .bind(limit)
    .bind(false)
    .optional()
    .await
}

/// Notes that its owner was told of a window that is nearly used up; says whether that was the first time.
pub async fn warn(db: impl Db<'_>, key: Id<Key>, closes_at: Timestamp) -> Result<bool> {
    let sql = db.sql("update windows set warned = $3 where key_id = $1 and closes_at = $2 and not warned");
    Ok(sql.bind(key).bind(closes_at).bind(true).run().await? == 1)
}

/// Notes that its owner was told of a window that is used up; says whether that was the first time.
pub async fn exceed(db: impl Db<'_>, key: Id<Key>, closes_at: Timestamp) -> Result<bool> {
    let sql = db.sql("update windows set exceeded = $3 where key_id = $1 and closes_at = $2 and not exceeded");
    Ok(sql.bind(key).bind(closes_at).bind(true).run().await? == 1)
}

/// The window as it stands.
pub async fn find(db: impl Db<'_>, key: Id<Key>) -> Result<Option<Taken>> {
    db.sql("select closes_at, used, granted, warned from windows where key_id = $1").bind(key).optional().await
}

/// The windows of an account's keys that are open: whose, until when, how much is taken.
pub async fn of_account(
    db: impl Db<'_>,
    account: Id<Account>,
    now: Timestamp,
) -> Result<Vec<(Id<Key>, Timestamp, i64)>> {
    db.sql(
        "select w.key_id, w.closes_at, w.used from windows w join api_keys k on k.id = w.key_id
         where k.account_id = $1 and w.closes_at > $2",
    )
    .bind(account)
    .bind(now)
    .all()
    .await
}

/// How many are open.
pub async fn count_open(db: impl Db<'_>, now: Timestamp) -> Result<i64> {
    let (count,): (i64,) = db.sql("select count(*) from windows where closes_at > $1").bind(now).one().await?;
    Ok(count)
}

/// Gives requests back to the window that closes at that time, if it is still the one; says what is used then.
pub async fn give_back(db: impl Db<'_>, key: Id<Key>, closes_at: Timestamp, count: i64) -> Result<Option<i64>> {
    let used: Option<(i64,)> = db
        .sql(
            "update windows set used = case when used > $3 then used - $3 else 0 end
             where key_id = $1 and closes_at = $2 returning used",
        )
        .bind(key)
        .bind(closes_at)
        .bind(count)
        .optional()
        .await?;
    Ok(used.map(|(used,)| used))
}
