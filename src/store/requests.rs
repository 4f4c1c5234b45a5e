//! Requests: adding, finding, listing, changing what they ask.

use super::{Db, Result, Tx, columns::row, sql::Sql};
use crate::domain::{
    Account, Content, Email, Id, Loop, Request, Status, Timestamp,
    request_filters::{RequestFilter, Sort},
    requests::{Reviewer, warn_at},
};

row!(Content, |row| Self {
    processing_type: row.try_get("processing_type")?,
    kind: row.try_get("type")?,
    priority: row.try_get("priority")?,
    request_text: row.try_get("request_text")?,
    image_url: row.try_get("image_url")?,
    context: row.try_get("context")?,
    timeout_seconds: row.try_get("timeout_seconds")?,
    response_type: row.try_get("response_type")?,
    response_config: row.try_get("response_config")?,
    default_response: row.try_get("default_response")?,
    platform: row.try_get("platform")?,
    platform_version: row.try_get("platform_version")?,
    callback_url: row.try_get("callback_url")?,
    tags: row.try_get("tags")?,
    metadata: row.try_get("metadata")?,
});
// In the order of the columns: so each is found at once.
row!(Request, |row| Self {
    id: row.try_get("id")?,
    loop_id: row.try_get("loop_id")?,
    creator_id: row.try_get("creator_id")?,
    api_key_id: row.try_get("api_key_id")?,
    content: super::columns::FromRow::from_row(row)?,
    user_agent: row.try_get("user_agent")?,
    broadcasted_to: row.try_get("broadcasted_to")?,
    status: row.try_get("status")?,
    created_at: row.try_get("created_at")?,
    updated_at: row.try_get("updated_at")?,
    timeout_at: row.try_get("timeout_at")?,
    claimed_by: row.try_get("claimed_by")?,
    claimed_at: row.try_get("claimed_at")?,
    claim_expires_at: row.try_get("claim_expires_at")?,
    response_by: row.try_get("response_by")?,
    response_at: row.try_get("response_at")?,
    response_data: row.try_get("response_data")?,
    cancelled_at: row.try_get("cancelled_at")?,
    cancel_reason: row.try_get("cancel_reason")?,
    loop_name: row.try_get("loop_name")?,
    loop_creator_id: row.try_get("loop_creator_id")?,
    reviewer: reviewer(
        row.try_get("reviewer_name")?,
        row.try_get("reviewer_email")?,
        row.try_get("reviewer_reachable")?
    ),
    feedback: row.try_get("feedback")?,
    heard: row.try_get("heard")?,
});

fn reviewer(name: Option<String>, email: Option<Email>, reachable: Option<bool>) -> Option<Reviewer> {
    name.zip(email).map(|(name, email)| Reviewer { name, email, reachable: reachable.unwrap_or(false) })
}

/// A request with its loop's name, who answered, the feedback on it, and whether any webhook of its creator's may want to hear of it;
/// with further columns and joins where a statement needs them.
macro_rules! request {
    ($columns:literal, $joins:literal) => {
        concat!(
            "select r.*, l.name as loop_name, l.creator_id as loop_creator_id, p.name as reviewer_name, p.email as reviewer_email, p.reachable as reviewer_reachable,
                (select f.body from feedback f where f.request_id = r.id) as feedback,
                exists (select 1 from webhooks w where w.account_id = r.creator_id and w.deleted_at is null) as heard",
            $columns,
            " from requests r join loops l on l.id = r.loop_id
              left join accounts p on p.id = coalesce(r.response_by, r.claimed_by) ",
            $joins
        )
    };
}
pub(super) use request;

/// A request and nothing more.
pub(super) const REQUEST: &str = request!("", "");

/// Adds a request. The commit fails with [`Orphan`](super::Error::Orphan) when its loop is gone.
pub async fn insert(tx: &mut Tx, it: &Request) -> Result<()> {
    let content = &it.content;
    tx.sql(
        "insert into requests (id, loop_id, creator_id, api_key_id, processing_type, type, priority, request_text, image_url, context,
            timeout_seconds, response_type, response_config, default_response, platform, platform_version, callback_url, tags, metadata,
            user_agent, broadcasted_to, status, created_at, updated_at, timeout_at, warn_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)",
    )
    .bind(it.id)
    .bind(it.loop_id)
    .bind(it.creator_id)
    .bind(it.api_key_id)
    .bind(content.processing_type)
    .bind(content.kind)
    .bind(content.priority)
    .bind(&content.request_text)
    .bind(&content.image_url)
    .bind(&content.context)
    .bind(content.timeout_seconds)
    .bind(content.response_type)
    .bind(&content.response_config)
    .bind(&content.default_response)
    .bind(content.platform)
    .bind(&content.platform_version)
    .bind(&content.callback_url)
    .bind(&content.tags)
    .bind(&content.metadata)
    .bind(&it.user_agent)
    .bind(&it.broadcasted_to)
    .bind(it.status)
    .bind(it.created_at)
    .bind(it.updated_at)
    .bind(it.timeout_at)
    .bind(warn_at(content.timeout_seconds, it.timeout_at))
    .later()
    .await
}

/// Finds one.
pub async fn find(db: impl Db<'_>, id: Id<Request>) -> Result<Option<Request>> {
    db.sql(REQUEST).push("where r.id = $1").bind(id).together().optional().await
}

/// Whose requests are listed.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    /// Those that an account's keys made.
    Creator(Id<Account>),
    /// Those of a loop.
    Loop(Id<Loop>),
    /// Everybody's, for the operator.
    Everybody,
}

/// One page of those that match; `reach` confines it to these loops.
pub async fn list(
    db: impl Db<'_>,
    whose: Whose,
    reach: Option<&[Id<Loop>]>,
    filter: &RequestFilter,
) -> Result<Vec<Request>> {
    filtered(db.sql(REQUEST), whose, reach, filter)
        .push(match (filter.sort, whose) {
            // An id begins with the second it was made in. The operator can do without the order within one, and requests without
            // an index for it.
            (Sort::CreatedAtDesc, Whose::Everybody) => "order by r.id desc",
            (Sort::CreatedAtAsc, Whose::Everybody) => "order by r.id",
            (Sort::CreatedAtDesc, _) => "order by r.created_at desc, r.id desc",
            (Sort::CreatedAtAsc, _) => "order by r.created_at, r.id desc",
            (Sort::PriorityDesc, _) => "order by r.priority desc, r.created_at desc, r.id desc",
            (Sort::StatusAsc, _) => "order by r.status, r.created_at desc, r.id desc",
        })
        .page(filter.page)
        .long()
        .once_for_equal()
        .all()
        .await
}

/// How many match, on all pages.
pub async fn count(db: impl Db<'_>, whose: Whose, reach: Option<&[Id<Loop>]>, filter: &RequestFilter) -> Result<i64> {
    let sql = db.sql("select count(*) from requests r");
    let sql = match whose {
        // As values: by words, what leads to everybody's open requests seems good to Postgres while they are few.
        Whose::Creator(_) if !filter.statuses.is_empty() => {
            let any = RequestFilter { statuses: vec![], ..filter.clone() };
            filtered(sql, whose, reach, &any).and_in("r.status", &filter.statuses)
        }
        _ => filtered(sql, whose, reach, filter),
    };
    let (count,): (i64,) = sql.long().once_for_equal().one().await?;
    Ok(count)
}

/// Everything of a request that a search looks at. Half of all is what Postgres expects to find by this form of a condition:
/// expecting less than a page, it would read and sort all that there is.
const SEARCHED: &str = "and coalesce(lower(concat_ws(' ', r.id, r.request_text, cast(r.context as text), cast(r.tags as text), \
     cast(r.response_data as text))) like";

fn filtered<'c>(sql: Sql<'c>, whose: Whose, reach: Option<&[Id<Loop>]>, filter: &RequestFilter) -> Sql<'c> {
    let sql = match whose {
        Whose::Creator(account) => sql.push_bind("where r.creator_id =", account),
        Whose::Loop(id) => sql.push_bind("where r.loop_id =", id),
        Whose::Everybody => sql.push("where true"),
    };
    let sql = sql.and_words("r.status", &filter.statuses);
    let sql = if let Some(loops) = reach { sql.and_in("r.loop_id", loops) } else { sql };
    let sql = match &filter.text {
        Some(text) => sql.push_bind(SEARCHED, pattern(&text.to_lowercase())).push(", false)"),
        None => sql,
    };
    sql.and("r.priority =", filter.priority)
        .and("r.loop_id =", filter.loop_id)
        .and("r.api_key_id =", filter.api_key_id)
        .and("r.created_at >", filter.created_after)
        .and("r.created_at <", filter.created_before)
}

/// What `like` finds a text anywhere by; signs that mean something to it are not looked at.
pub(super) fn pattern(text: &str) -> String {
    format!("%{}%", text.replace(['%', '_', '\\'], "_"))
}

/// Changes what is asked, and when the request and a claim on it end, if it still stands as it was read; says whether it did.
pub async fn update(
    db: impl Db<'_>,
    read: &Request,
    content: &Content,
    (timeout_at, claim_expires_at): (Timestamp, Option<Timestamp>),
    now: Timestamp,
) -> Result<bool> {
    let touched = db
        .sql(
            "update requests set processing_type = $4, type = $5, priority = $6, request_text = $7, image_url = $8, context = $9,
                timeout_seconds = $10, response_type = $11, response_config = $12, default_response = $13, platform_version = $14,
                callback_url = $15, tags = $16, metadata = $17, timeout_at = $18, updated_at = $19,
                warn_at = case when timeout_at = $18 then warn_at else $20 end, claim_expires_at = $21
             where id = $1 and status = $2 and updated_at = $3 and timeout_at > $19",
        )
        .bind(read.id)
        .bind(read.status)
        .bind(read.updated_at)
        .bind(content.processing_type)
        .bind(content.kind)
        .bind(content.priority)
        .bind(&content.request_text)
        .bind(&content.image_url)
        .bind(&content.context)
        .bind(content.timeout_seconds)
        .bind(content.response_type)
        .bind(&content.response_config)
        .bind(&content.default_response)
        .bind(&content.platform_version)
        .bind(&content.callback_url)
        .bind(&content.tags)
        .bind(&content.metadata)
        .bind(timeout_at)
        .bind(now)
        .bind(warn_at(content.timeout_seconds, timeout_at))
        .bind(claim_expires_at)
        .run()
        .await?;
    Ok(touched == 1)
}

/// How many requests of a loop there are, and how many of them were answered.
pub async fn counts_of_loop(db: impl Db<'_>, id: Id<Loop>) -> Result<(i64, i64)> {
    db.sql("select count(*), count(case when status = 'completed' then 1 end) from requests where loop_id = $1")
        .bind(id)
        .long()
        .one()
        .await
}

/// A status, how many requests of a loop have it, and how long their answers took on average, in microseconds.
pub type Tally = (Status, i64, Option<f64>);

/// How the requests of a loop stand.
pub async fn statistics(db: impl Db<'_>, id: Id<Loop>) -> Result<Vec<Tally>> {
    db.sql("select status, count(*), cast(")
        .on_postgres("1000000 * extract(epoch from")
        .push("avg(response_at - created_at)")
        .on_postgres(")")
        .push("as double precision) from requests where loop_id = $1 group by status")
        .bind(id)
        .long()
        .all()
        .await
}

/// Removes those that ended before then and of which nothing is still to be sent, with their feedback, drafts, deliveries and
/// events; says how many. A batch at a time, so that nobody waits for it.
pub async fn sweep(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64> {
    let ended = tx.sql(
        "select id from requests where status not in ('pending', 'claimed') and updated_at < $1
            and not exists (select 1 from deliveries where deliveries.request_id = requests.id and next_attempt_at is not null)
         order by updated_at",
    );
    let ended: Vec<(Id<Request>,)> =
        ended.limit(most).on_postgres("for update of requests skip locked").bind(before).all().await?;
    let ended: Vec<_> = ended.into_iter().map(|(id,)| id).collect();
    if ended.is_empty() {
        return Ok(0);
    }
    for id in &ended {
        tx.changes(*id);
    }
    tx.sql("delete from events where true").and_in("request_id", &ended).run().await?;
    tx.sql("delete from deliveries where true").and_in("request_id", &ended).run().await?;
    tx.sql("delete from requests where true").and_in("id", &ended).run().await
}
