//! What a reviewer sees: the queue, their own work, what is done, and drafts. All of it in loops the reviewer is in: who is
//! removed from a loop loses sight of it at once (contract 16.7).

use super::{
    Db, Result,
    columns::row,
    requests::{REQUEST, request},
    sql::Sql,
};
use crate::domain::{
    Account, Id, Json, Request, Timestamp,
    request_filters::{Page, View},
    requests::Reviewer,
};

/// A request as one of its loop's members finds it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The request.
    pub request: Request,
    /// Who looks.
    pub by: Reviewer,
}
row!(Found, |row| Self {
    request: super::columns::FromRow::from_row(row)?,
    by: Reviewer {
        name: row.try_get("finder_name")?,
        email: row.try_get("finder_email")?,
        reachable: row.try_get("finder_reachable")?,
    },
});

/// Finds a request in the loops that a person has joined.
pub async fn find(db: impl Db<'_>, id: Id<Request>, account: Id<Account>) -> Result<Option<Found>> {
    const FOUND: &str = request!(
        ", me.name as finder_name, me.email as finder_email, me.reachable as finder_reachable",
        "join members m on m.loop_id = r.loop_id and m.account_id = $2 and m.status = 'active'
         join accounts me on me.id = m.account_id"
    );
    db.sql(FOUND).push("where r.id = $1").bind(id).bind(account).together().optional().await
}

/// Of the requests `r`, those in loops that the person `$1` has joined.
const IN_MY_LOOPS: &str =
    "where r.loop_id in (select loop_id from members where account_id = $1 and status = 'active')";

/// Adds the conditions of a view.
fn narrow(view: View, sql: Sql<'_>) -> Sql<'_> {
    sql.and("r.loop_id =", view.loop_id).and("r.priority =", view.priority)
}

/// Requests nobody has claimed, in the loops that a person has joined: the most urgent first, those with a tight
/// deadline before deferred ones, then the oldest (contract 8.7, 16.1).
pub async fn active(db: impl Db<'_>, account: Id<Account>, view: View, page: Page) -> Result<Vec<Request>> {
    const QUEUE: &str = "order by r.priority desc, r.processing_type desc, r.created_at, r.id"; // `time-sensitive` is behind `deferred`
    // Which ones is found in the queue's index alone; only those are then read whole.
    let sql = db.sql(REQUEST).push("join (select r.id from requests r").push(IN_MY_LOOPS).bind(account);
    let sql = narrow(view, sql.push("and r.status = 'pending'")).push(QUEUE);
    sql.page(page).push(") queued on queued.id = r.id").push(QUEUE).all().await
}

/// What a person has claimed, what ends first at the top.
pub async fn mine(db: impl Db<'_>, account: Id<Account>, view: View, page: Page) -> Result<Vec<Request>> {
    let mine = "and r.status = 'claimed' and r.claimed_by = $1";
    let sql = db.sql(REQUEST).push(IN_MY_LOOPS).bind(account).push(mine);
    narrow(view, sql).push("order by r.claim_expires_at, r.id").page(page).all().await
}

/// What a person has answered, the latest first.
pub async fn completed(db: impl Db<'_>, account: Id<Account>, view: View, page: Page) -> Result<Vec<Request>> {
    let sql = db.sql(REQUEST).push(IN_MY_LOOPS).bind(account).push("and r.response_by = $1");
    narrow(view, sql).push("order by r.response_at desc, r.id desc").page(page).all().await
}

/// What a person has answered, or had claimed when it ended without an answer; the latest change first. Each of both is
/// found in an index of its own, and no further than this page ends.
pub async fn history(db: impl Db<'_>, account: Id<Account>, page: Page) -> Result<Vec<Request>> {
    const ANSWERED: &str = "and r.response_by = $1 order by r.response_at desc, r.id desc";
    const MISSED: &str =
        "and r.claimed_by = $1 and r.status in ('timeout', 'cancelled') order by r.updated_at desc, r.id desc";
    let to_the_end = page.limit.saturating_add(page.offset);
    let sql = db.sql(REQUEST).push("join (select * from (select r.id from requests r").push(IN_MY_LOOPS).bind(account);
    let sql =
        sql.push(ANSWERED).first(to_the_end).push(") answered union all select * from (select r.id from requests r");
    let sql = sql.push(IN_MY_LOOPS).push(MISSED).first(to_the_end);
    let sql = sql.push(") missed) worked on worked.id = r.id order by r.updated_at desc, r.id desc");
    sql.page(page).all().await
}

/// How many requests wait in a person's loops, how many they have claimed, and how many they have answered. Of the last, which
/// only ever grow, no more than `most` or somewhat more are counted.
pub async fn counts(db: impl Db<'_>, account: Id<Account>, view: View, most: i64) -> Result<(i64, i64, i64)> {
    let sql = db.sql("select (select count(*) from requests r").push(IN_MY_LOOPS).bind(account);
    let sql = narrow(view, sql).push("and r.status = 'pending'), (select count(*) from requests r").push(IN_MY_LOOPS);
    let sql = narrow(view, sql).push("and r.status = 'claimed' and r.claimed_by = $1), (select count(*) from");
    let sql = sql.push("(select r.id from requests r").push(IN_MY_LOOPS).push("and r.response_by = $1");
    narrow(view, sql).first(most).push(") answered)").long().one().await
}

/// Keeps what a person has typed so far.
pub async fn put_draft(
    db: impl Db<'_>,
    request: Id<Request>,
    account: Id<Account>,
    body: &Json,
    now: Timestamp,
) -> Result<()> {
    db.sql(
        "insert into drafts (request_id, account_id, body, updated_at) values ($1, $2, $3, $4)
         on conflict (request_id, account_id) do update set body = excluded.body, updated_at = excluded.updated_at",
    )
    .bind(request)
    .bind(account)
    .bind(body)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

/// What a person had typed so far.
pub async fn draft(db: impl Db<'_>, request: Id<Request>, account: Id<Account>) -> Result<Option<Json>> {
    let found: Option<(Json,)> = db
        .sql("select body from drafts where request_id = $1 and account_id = $2")
        .bind(request)
        .bind(account)
        .optional()
        .await?;
    Ok(found.map(|(body,)| body))
}

/// Forgets what a person had typed. What others had is theirs still: they see it with what became of the request.
pub async fn drop_draft(db: impl Db<'_>, request: Id<Request>, account: Id<Account>) -> Result<()> {
    db.sql("delete from drafts where request_id = $1 and account_id = $2").bind(request).bind(account).later().await
}
