//! Counting requests by loop: what is open, what came of it each day, how long answers took. Each reads indexes alone.
//! Without an account it counts everybody's.

use super::{Db, Result};
use crate::domain::{Account, Id, Loop, Timestamp};

/// A loop, how many of its requests are open, and since when the oldest of them waits. Loops without any are left out.
pub async fn open(db: impl Db<'_>, account: Option<Id<Account>>) -> Result<Vec<(Id<Loop>, i64, Timestamp)>> {
    db.sql(
        "select w.loop_id, cast(sum(w.count) as bigint), min(w.oldest) from (
            select loop_id, count(*) as count, min(created_at) as oldest from requests where status = 'pending' group by loop_id
            union all
            select loop_id, 1, created_at from requests where status = 'claimed' and claimed_by is not null
         ) w join loops l on l.id = w.loop_id where true",
    )
    .and("l.creator_id =", account)
    .push("group by w.loop_id")
    .long()
    .all()
    .await
}

/// A loop, the number of a day, and how many of its requests were answered and how many timed out on it. The days lie between
/// these borders.
pub async fn ended(
    db: impl Db<'_>,
    account: Option<Id<Account>>,
    borders: &[Timestamp],
) -> Result<Vec<(Id<Loop>, i64, i64, i64)>> {
    let sql = db.sql(
        "select l.id, d.column1,
            (select count(*) from requests r where r.loop_id = l.id and r.status = 'completed'
                and r.response_at >= d.column2 and r.response_at < d.column3),
            (select count(*) from requests r where r.loop_id = l.id and r.status = 'timeout'
                and r.timeout_at >= d.column2 and r.timeout_at < d.column3)
         from loops l cross join (values",
    );
    // Both engines call the columns of `values` so.
    let days = (0_i64..).zip(borders.windows(2));
    let sql = days.fold(sql, |sql, (number, ends)| {
        let sql = sql.push_bind(if number == 0 { "(" } else { ", (" }, number);
        sql.push_bind(",", ends[0]).push_bind(",", ends[1]).push(")")
    });
    sql.push(") d where true").and("l.creator_id =", account).long().all().await
}

/// How many answers of a loop are timed: the newest.
const TIMED: i64 = 1000;

/// A loop, and when one of its requests was made and answered; the newest of those answered since then.
pub async fn answered(
    db: impl Db<'_>,
    account: Option<Id<Account>>,
    since: Timestamp,
) -> Result<Vec<(Id<Loop>, Timestamp, Timestamp)>> {
    db.sql(
        "select r.loop_id, r.created_at, r.response_at from (
            select l.id, coalesce((
                select n.response_at from requests n where n.loop_id = l.id and n.status = 'completed' and n.response_at >= $1
                order by n.response_at desc limit 1 offset $2), $1) as since
            from loops l where true",
    )
    .bind(since)
    .bind(TIMED - 1)
    .and("l.creator_id =", account)
    // The limit keeps SQLite from asking anew for each request since when they count.
    .push("limit 100000) l join requests r on r.loop_id = l.id where r.status = 'completed' and r.response_at >= l.since")
    .long()
    .all()
    .await
}
