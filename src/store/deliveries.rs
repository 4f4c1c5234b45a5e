//! Deliveries: the outbox. Rows are written in the transaction of the change, leased by workers, and recorded (design 5).

use super::{Db, Result, Sql, Tx, columns::row};
use crate::{
    domain::{
        Account, Delivery, EventName, Id, Request, Timestamp, Webhook,
        request_filters::Page,
        webhooks::{DeliveryKind, DeliveryStatus},
    },
    wakeups::Happened,
};

row!(Delivery {
    id,
    event_id,
    event,
    kind,
    account_id,
    webhook_id,
    request_id,
    url,
    body,
    status,
    attempt,
    cause,
    next_attempt_at,
    locked_until,
    response_status,
    response_time_ms,
    response_body,
    error,
    created_at,
    delivered_at
});

/// Adds one. `endpoint` names the receiver whose places it takes.
pub async fn insert(tx: &mut Tx, it: &Delivery, endpoint: &str) -> Result<()> {
    tx.note(Happened::Delivery);
    tx.sql(
        "insert into deliveries (id, event_id, event, kind, account_id, webhook_id, request_id, url, endpoint, body, status, attempt, cause,
            next_attempt_at, created_at, locked_until)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(it.id)
    .bind(it.event_id)
    .bind(it.event)
    .bind(it.kind)
    .bind(it.account_id)
    .bind(it.webhook_id)
    .bind(it.request_id)
    .bind(&it.url)
    .bind(endpoint)
    .bind(&it.body)
    .bind(it.status)
    .bind(it.attempt)
    .bind(&it.cause)
    .bind(it.next_attempt_at)
    .bind(it.created_at)
    .bind(it.locked_until)
    .later()
    .await
}

/// A delivery that a worker holds, and the receiver whose place it takes.
#[derive(Clone, Debug)]
pub struct Leased {
    /// The delivery.
    pub delivery: Delivery,
    /// The receiver.
    pub endpoint: String,
}
row!(Leased, |row| Self { delivery: super::columns::FromRow::from_row(row)?, endpoint: row.try_get("endpoint")? });

/// What is to be sent next, and when.
#[derive(Clone, Copy, Debug)]
pub struct Coming {
    /// The delivery.
    pub id: Id<Delivery>,
    /// When it is due, whether or not somebody holds it until then.
    pub at: Timestamp,
}
row!(Coming { id, at });

/// What comes next: of the due ones `most` in all and `each` of one receiver, none for the `busy` ones, taken from all in turn;
/// after them whatever is due later. Empty when nothing is to be sent.
///
/// It steps from receiver to receiver, one search of the index each, and then from row to row of those it found: what it
/// costs depends on how many receivers there are, not on how much waits for one of them.
pub async fn coming(db: impl Db<'_>, busy: &[&str], each: i64, most: i64, now: Timestamp) -> Result<Vec<Coming>> {
    db.sql(
        "select id, at from (
            with recursive heads(id, endpoint, at) as (
                select id, endpoint, next_attempt_at from deliveries where id = (
                    select id from deliveries where next_attempt_at is not null order by endpoint, next_attempt_at, id limit 1)
                union all
                select d.id, d.endpoint, d.next_attempt_at from heads join deliveries d on d.id = (
                    select id from deliveries where next_attempt_at is not null and endpoint > heads.endpoint
                    order by endpoint, next_attempt_at, id limit 1)
            ), coming(id, endpoint, at, place) as (
                select * from (select id, endpoint, at, 1 from heads where true",
    )
    .and_not_in("endpoint", busy)
    .push_bind("order by at limit", most)
    .push_bind(
        ") firsts
                union all
                select d.id, d.endpoint, d.next_attempt_at, place + 1 from coming join deliveries d on d.id = (
                    select id from deliveries where endpoint = coming.endpoint and (next_attempt_at, id) > (coming.at, coming.id)
                    and next_attempt_at <=",
        now,
    )
    .push_bind("order by next_attempt_at, id limit 1) where place <", each)
    .push_bind(") select id, at, place from coming) found order by at >", now)
    .push_bind(", place, at, id limit", most)
    .all()
    .await
}

/// Leases those of them that are due, until a time. Of two workers only one gets a row.
pub async fn lease(db: impl Db<'_>, coming: &[Coming], until: Timestamp, now: Timestamp) -> Result<Vec<Leased>> {
    let due: Vec<_> = coming.iter().filter(|it| it.at <= now).map(|it| it.id).collect();
    if due.is_empty() {
        return Ok(Vec::new());
    }
    db.sql("update deliveries set locked_until = $1, next_attempt_at = $1 where id in (select id from deliveries where next_attempt_at <= $2")
        .bind(until)
        .bind(now)
        .and_in("id", &due)
        .on_postgres("for update skip locked")
        .push(") returning *")
        .all()
        .await
}

/// How many of each kind are due and held by nobody.
pub async fn due(db: impl Db<'_>, now: Timestamp) -> Result<Vec<(DeliveryKind, i64)>> {
    db.sql("select kind, count(*) from deliveries where next_attempt_at <= $1 group by kind").bind(now).all().await
}

/// How an attempt went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attempt {
    /// Where the delivery stands then.
    pub status: Option<DeliveryStatus>,
    /// When it is to be sent again.
    pub next_attempt_at: Option<Timestamp>,
    /// The status that came back.
    pub response_status: Option<i64>,
    /// How long it took.
    pub response_time_ms: i64,
    /// What came back, cut.
    pub response_body: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Records an attempt, if the lease under which it was made still holds; says whether it did.
pub async fn record(db: impl Db<'_>, leased: &Delivery, attempt: &Attempt) -> Result<bool> {
    let delivered_at = attempt.ended_at.filter(|_| attempt.status == Some(DeliveryStatus::Success));
    let touched = db
        .sql(
            "update deliveries set status = $3, attempt = attempt + 1, next_attempt_at = $4, locked_until = null, response_status = $5,
                response_time_ms = $6, response_body = $7, error = $8, delivered_at = $9, url = $10,
                cause = case when $4 is null then cause else 'retry' end
             where id = $1 and locked_until = $2",
        )
        .bind(leased.id)
        .bind(leased.locked_until)
        .bind(attempt.status.unwrap_or(DeliveryStatus::Failed))
        .bind(attempt.next_attempt_at)
        .bind(attempt.response_status)
        .bind(attempt.response_time_ms)
        .bind(&attempt.response_body)
        .bind(&attempt.error)
        .bind(delivered_at)
        .bind(&leased.url)
        .run()
        .await?;
    Ok(touched == 1)
}

/// Ends one that was not sent: no attempt is counted.
pub async fn end(db: impl Db<'_>, leased: &Delivery, error: &str) -> Result<bool> {
    let touched = db
        .sql("update deliveries set status = 'failed', error = $3, next_attempt_at = null, locked_until = null where id = $1 and locked_until = $2")
        .bind(leased.id)
        .bind(leased.locked_until)
        .bind(error)
        .run()
        .await?;
    Ok(touched == 1)
}

/// What programs may see: whom a person is notified by is the person's own.
const OF_PROGRAMS: &str = "and kind in ('webhook', 'callback')";

/// Which deliveries are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only to this webhook.
    pub webhook_id: Option<Id<Webhook>>,
    /// Only of this request.
    pub request_id: Option<Id<Request>>,
    /// Only this account's.
    pub account_id: Option<Id<Account>>,
    /// Only to this kind of address.
    pub kind: Option<DeliveryKind>,
    /// Only those that stand there.
    pub status: Option<DeliveryStatus>,
    /// Only of this event.
    pub event: Option<EventName>,
}

impl Wanted {
    fn narrow<'a>(&self, sql: Sql<'a>) -> Sql<'a> {
        sql.push(OF_PROGRAMS)
            .and("webhook_id =", self.webhook_id)
            .and("request_id =", self.request_id)
            .and("account_id =", self.account_id)
            .and("kind =", self.kind)
            .and("status =", self.status)
            .and("event =", self.event)
    }
}

/// A page of them, the newest first.
pub async fn list(db: impl Db<'_>, wanted: &Wanted, page: Page) -> Result<Vec<Delivery>> {
    wanted
        .narrow(db.sql("select * from deliveries where true"))
        .push("order by created_at desc, id desc")
        .page(page)
        .all()
        .await
}

/// How many there are.
pub async fn count(db: impl Db<'_>, wanted: &Wanted) -> Result<i64> {
    let (count,): (i64,) = wanted.narrow(db.sql("select count(*) from deliveries where true")).one().await?;
    Ok(count)
}

/// Finds one of a webhook's.
pub async fn find(db: impl Db<'_>, id: Id<Delivery>, webhook: Id<Webhook>) -> Result<Option<Delivery>> {
    db.sql("select * from deliveries where id = $1 and webhook_id = $2").bind(id).bind(webhook).optional().await
}

/// Finds one of a request's callback.
pub async fn find_callback(db: impl Db<'_>, id: Id<Delivery>, request: Id<Request>) -> Result<Option<Delivery>> {
    db.sql("select * from deliveries where id = $1 and request_id = $2 and kind = 'callback'")
        .bind(id)
        .bind(request)
        .optional()
        .await
}

/// Sends one again, from the first attempt on, unless a worker has it; says whether it will be.
pub async fn restart(db: impl Db<'_>, id: Id<Delivery>, cause: &str, now: Timestamp) -> Result<bool> {
    let touched = db
        .sql(
            "update deliveries set status = 'pending', attempt = 0, cause = $2, next_attempt_at = $3, delivered_at = null, error = null
             where id = $1 and locked_until is null",
        )
        .bind(id)
        .bind(cause)
        .bind(now)
        .run()
        .await?;
    Ok(touched == 1)
}

/// Sends all of a webhook's that were given up since then again; says how many.
pub async fn recover(db: impl Db<'_>, webhook: Id<Webhook>, since: Timestamp, now: Timestamp) -> Result<u64> {
    db.sql(
        "update deliveries set status = 'pending', attempt = 0, cause = 'recovery', next_attempt_at = $3
         where webhook_id = $1 and status = 'failed' and created_at >= $2 and locked_until is null",
    )
    .bind(webhook)
    .bind(since)
    .bind(now)
    .run()
    .await
}

/// Gives up what is still on its way to a webhook; says how many.
pub async fn give_up(db: impl Db<'_>, webhook: Id<Webhook>, error: &str) -> Result<u64> {
    db.sql("update deliveries set status = 'failed', error = $2, next_attempt_at = null, locked_until = null where webhook_id = $1 and next_attempt_at is not null")
        .bind(webhook)
        .bind(error)
        .run()
        .await
}

/// Removes what was decided before then; says how many. A batch at a time, so that nobody waits for it.
pub async fn sweep(db: impl Db<'_>, before: Timestamp, most: i64) -> Result<u64> {
    db.sql("delete from deliveries where id in (select id from deliveries where created_at < $1 and next_attempt_at is null order by created_at")
        .limit(most)
        .on_postgres("for update skip locked")
        .push(")")
        .bind(before)
        .run()
        .await
}
