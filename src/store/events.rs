//! The record of what happened. Rows are added and never changed.

use super::{Db, Result, Tx, columns::row, sql::Sql};
use crate::{
    domain::{Account, Event, EventName, Id, Json, Loop, Request, Timestamp},
    wakeups::Happened,
};

/// Adds one, in the transaction of the change; wakes who waits for it when that commits, in every process.
pub async fn insert(tx: &mut Tx, event: &Event) -> Result<()> {
    tx.note(event.request_id.map_or(Happened::Else, Happened::To));
    tx.sql(
        "insert into events (id, at, name, actor_kind, actor_id, account_id, loop_id, request_id, from_status, to_status, data)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(event.id)
    .bind(event.at)
    .bind(event.name)
    .bind(event.actor.kind())
    .bind(event.actor.id())
    .bind(event.account_id)
    .bind(event.loop_id)
    .bind(event.request_id)
    .bind(event.from)
    .bind(event.to)
    .bind(&event.data)
    .later()
    .await
}

/// One line of the record.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its place in the order of all.
    pub seq: i64,
    /// Its identifier.
    pub id: Id<Event>,
    /// When.
    pub at: Timestamp,
    /// What.
    pub name: EventName,
    /// `key`, `person`, `operator` or `clock`.
    pub actor_kind: String,
    /// Which one.
    pub actor_id: Option<String>,
    /// The account it concerns.
    pub account_id: Id<Account>,
    /// The loop it concerns.
    pub loop_id: Option<Id<Loop>>,
    /// The request it concerns.
    pub request_id: Option<Id<Request>>,
    /// The status before.
    pub from_status: Option<String>,
    /// The status after.
    pub to_status: Option<String>,
    /// The body that webhooks are sent, or what else is worth keeping.
    pub data: Json,
}
row!(Line { seq, id, at, name, actor_kind, actor_id, account_id, loop_id, request_id, from_status, to_status, data });

/// Which lines are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only what concerns this account.
    pub account_id: Option<Id<Account>>,
    /// Only what concerns this request.
    pub request_id: Option<Id<Request>>,
    /// Only what concerns this loop.
    pub loop_id: Option<Id<Loop>>,
    /// Only these; all where there is none.
    pub names: Vec<EventName>,
    /// Only what this person or key did.
    pub actor_id: Option<String>,
    /// Only what came after that line.
    pub after: Option<i64>,
    /// Only what came before that line.
    pub before: Option<i64>,
    /// Only since then.
    pub since: Option<Timestamp>,
    /// Only before then.
    pub until: Option<Timestamp>,
}

/// Finds one by its place.
pub async fn find(db: impl Db<'_>, seq: i64) -> Result<Option<Line>> {
    db.sql("select * from events where seq = $1").bind(seq).optional().await
}

/// The first lines that are wanted, in order.
pub async fn list(db: impl Db<'_>, wanted: &Wanted, limit: i64) -> Result<Vec<Line>> {
    filtered(db.sql("select * from events where true"), wanted)
        .push_bind("order by seq limit", limit)
        .long()
        .all()
        .await
}

fn filtered<'c>(sql: Sql<'c>, wanted: &Wanted) -> Sql<'c> {
    between(sql.and_words("name", &wanted.names), wanted)
        .and("request_id =", wanted.request_id)
        .and("loop_id =", wanted.loop_id)
        .and("actor_id =", wanted.actor_id.as_ref())
        .and("at >=", wanted.since)
        .and("at <", wanted.until)
}

/// Those of an account are one stretch of their index, and are asked for as that: else Postgres, which does not know how many an
/// account has, may walk along everybody's.
fn between<'c>(sql: Sql<'c>, wanted: &Wanted) -> Sql<'c> {
    let Some(account) = wanted.account_id else {
        return sql.and("seq >", wanted.after).and("seq <", wanted.before);
    };
    sql.push_bind("and account_id =", account)
        .push_bind("and (account_id, seq) > (", account)
        .push_bind(",", wanted.after.unwrap_or(0))
        .push_bind(") and (account_id, seq) < (", account)
        .push_bind(",", wanted.before.unwrap_or(i64::MAX))
        .push(")")
}

/// The places and requests of the lines after that one.
pub async fn after(db: impl Db<'_>, seq: i64) -> Result<Vec<(i64, Option<Id<Request>>)>> {
    db.sql("select seq, request_id from events where seq > $1 order by seq limit 10000").bind(seq).all().await
}

/// The last lines that are wanted, in order.
pub async fn last(db: impl Db<'_>, wanted: &Wanted, most: i64) -> Result<Vec<Line>> {
    let sql = filtered(db.sql("select * from events where true"), wanted);
    let mut lines: Vec<Line> = sql.push_bind("order by seq desc limit", most).long().all().await?;
    lines.reverse();
    Ok(lines)
}

/// The last line up to this one that was written before then; 0 where there is none.
pub async fn settled(db: impl Db<'_>, up_to: i64, before: Timestamp) -> Result<i64> {
    let sql = db.sql("select seq from events where seq <= $1 and at < $2 order by seq desc limit 1");
    let found: Option<(i64,)> = sql.bind(up_to).bind(before).optional().await?;
    Ok(found.map_or(0, |(seq,)| seq))
}

/// When the last line up to this one was written.
pub async fn time_of(db: impl Db<'_>, up_to: i64) -> Result<Option<Timestamp>> {
    let sql = db.sql("select at from events where seq <= $1 order by seq desc limit 1");
    let found: Option<(Timestamp,)> = sql.bind(up_to).optional().await?;
    Ok(found.map(|(at,)| at))
}

/// The place of the last line.
pub async fn last_seq(db: impl Db<'_>) -> Result<i64> {
    let (seq,): (i64,) = db.sql("select coalesce(max(seq), 0) from events").one().await?;
    Ok(seq)
}

/// The names of what happened to a request, in order, with who did it.
pub async fn of_request(db: impl Db<'_>, request: Id<Request>) -> Result<Vec<(String, String, Option<String>)>> {
    db.sql("select name, actor_kind, actor_id from events where request_id = $1 order by seq").bind(request).all().await
}

/// Removes those from before then, but none of a request that is open; says how many. A batch at a time, so that nobody waits for it.
pub async fn sweep(db: impl Db<'_>, before: Timestamp, most: i64) -> Result<u64> {
    db.sql(
        "delete from events where seq in (
            select seq from events where at < $1 and not exists (
                select 1 from requests where requests.id = events.request_id and requests.status in ('pending', 'claimed'))
            order by at",
    )
    .limit(most)
    .on_postgres("for update of events skip locked")
    .push(")")
    .bind(before)
    .run()
    .await
}
