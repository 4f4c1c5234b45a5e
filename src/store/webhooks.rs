//! Registered webhooks.

use super::{Db, Result, Tx, columns::row};
use crate::domain::{Account, Id, Json, Loop, Timestamp, Webhook, webhooks::Failing};

row!(Webhook, |row| Self {
    id: row.try_get("id")?,
    account_id: row.try_get("account_id")?,
    url: row.try_get("url")?,
    loop_id: row.try_get("loop_id")?,
    events: row.try_get::<Json, _>("events")?.texts(),
    enabled: row.try_get("enabled")?,
    disabled_reason: row.try_get("disabled_reason")?,
    secret: row.try_get("secret")?,
    previous_secret: row.try_get("previous_secret")?,
    previous_until: row.try_get("previous_until")?,
    description: row.try_get("description")?,
    created_at: row.try_get("created_at")?,
    updated_at: row.try_get("updated_at")?,
    last_delivery_at: row.try_get("last_delivery_at")?,
    last_status: row.try_get("last_status")?,
    failure_count: row.try_get("failure_count")?,
    failing_since: row.try_get("failing_since")?,
});

/// Adds one.
pub async fn insert(db: impl Db<'_>, it: &Webhook) -> Result<()> {
    db.sql(
        "insert into webhooks (id, account_id, url, loop_id, events, enabled, secret, description, created_at, updated_at, failure_count)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)",
    )
    .bind(it.id)
    .bind(it.account_id)
    .bind(&it.url)
    .bind(it.loop_id)
    .bind(Json::list(&it.events))
    .bind(it.enabled)
    .bind(&it.secret)
    .bind(&it.description)
    .bind(it.created_at)
    .bind(it.updated_at)
    .run()
    .await?;
    Ok(())
}

/// Finds one of an account's.
pub async fn find(db: impl Db<'_>, id: Id<Webhook>, account: Id<Account>) -> Result<Option<Webhook>> {
    db.sql("select * from webhooks where id = $1 and account_id = $2 and deleted_at is null")
        .bind(id)
        .bind(account)
        .optional()
        .await
}

/// Finds one to send to what was queued: what its owner has deleted is gone, what was deleted with its loop is not (contract 12.6).
pub async fn find_for_queued(db: impl Db<'_>, id: Id<Webhook>) -> Result<Option<Webhook>> {
    db.sql("select * from webhooks where id = $1 and (deleted_at is null or enabled)").bind(id).optional().await
}

/// Finds one, deleted or not.
pub async fn find_any(db: impl Db<'_>, id: Id<Webhook>) -> Result<Option<Webhook>> {
    db.sql("select * from webhooks where id = $1").bind(id).optional().await
}

/// All of an account's, or of everybody's; the newest first.
pub async fn list(db: impl Db<'_>, account: Option<Id<Account>>) -> Result<Vec<Webhook>> {
    db.sql("select * from webhooks where deleted_at is null")
        .and("account_id =", account)
        .push("order by created_at desc, id desc")
        .together()
        .all()
        .await
}

/// Writes what may change.
pub async fn update(db: impl Db<'_>, it: &Webhook) -> Result<bool> {
    let touched = db
        .sql(
            "update webhooks set url = $2, loop_id = $3, events = $4, enabled = $5, disabled_reason = $6, secret = $7,
                previous_secret = $8, previous_until = $9, description = $10, updated_at = $11, failure_count = $12,
                failing_since = $13, warned_at = case when $13 is null then null else warned_at end
             where id = $1 and deleted_at is null",
        )
        .bind(it.id)
        .bind(&it.url)
        .bind(it.loop_id)
        .bind(Json::list(&it.events))
        .bind(it.enabled)
        .bind(&it.disabled_reason)
        .bind(&it.secret)
        .bind(&it.previous_secret)
        .bind(it.previous_until)
        .bind(&it.description)
        .bind(it.updated_at)
        .bind(it.failure_count)
        .bind(it.failing_since)
        .run()
        .await?;
    Ok(touched == 1)
}

/// Deletes one of an account's, and switches it off: nothing that is on its way is sent.
pub async fn delete(db: impl Db<'_>, id: Id<Webhook>, now: Timestamp) -> Result<bool> {
    Ok(db
        .sql("update webhooks set deleted_at = $2, enabled = $3 where id = $1 and deleted_at is null")
        .bind(id)
        .bind(now)
        .bind(false)
        .run()
        .await?
        == 1)
}

/// Deletes those of a loop; what is on its way to them is still sent.
pub async fn delete_of_loop(db: impl Db<'_>, id: Id<Loop>, now: Timestamp) -> Result<u64> {
    db.sql("update webhooks set deleted_at = $2 where loop_id = $1 and deleted_at is null")
        .bind(id)
        .bind(now)
        .run()
        .await
}

/// Removes what was deleted before then and to which nothing is on its way; says how many.
pub async fn sweep(db: impl Db<'_>, before: Timestamp) -> Result<u64> {
    db.sql(
        "delete from webhooks where deleted_at < $1
         and not exists (select 1 from deliveries where webhook_id = webhooks.id and next_attempt_at is not null)",
    )
    .bind(before)
    .run()
    .await
}

/// Holds one for the rest of the transaction. Whoever changes it and its deliveries holds it first, so that no two wait for each other.
pub async fn hold(tx: &mut Tx, id: Id<Webhook>) -> Result<()> {
    let held = tx.sql("select id from webhooks where id = $1").bind(id).on_postgres("for update");
    held.optional::<(Id<Webhook>,)>().await?;
    Ok(())
}

/// Notes a success.
pub async fn note_success(db: impl Db<'_>, id: Id<Webhook>, status: i64, now: Timestamp) -> Result<()> {
    db.sql(
        "update webhooks set last_delivery_at = $3, last_status = $2, failure_count = 0, failing_since = null, warned_at = null where id = $1",
    )
    .bind(id)
    .bind(status)
    .bind(now)
    .run()
    .await?;
    Ok(())
}

row!(Failing, |row| Self { since: row.try_get("failing_since")?, warned_at: row.try_get("warned_at")? });

/// Notes a failed attempt; returns since when there was nothing but failure.
pub async fn note_failure(
    db: impl Db<'_>,
    id: Id<Webhook>,
    status: Option<i64>,
    now: Timestamp,
) -> Result<Option<Failing>> {
    db.sql(
        "update webhooks set last_delivery_at = $3, last_status = $2, failure_count = failure_count + 1,
            failing_since = coalesce(failing_since, $3)
         where id = $1 returning failing_since, warned_at",
    )
    .bind(id)
    .bind(status)
    .bind(now)
    .optional()
    .await
}

/// Disables one; says whether it was enabled.
pub async fn disable(db: impl Db<'_>, id: Id<Webhook>, reason: &str, now: Timestamp) -> Result<bool> {
    let touched = db
        .sql("update webhooks set enabled = $3, disabled_reason = $2, updated_at = $4 where id = $1 and enabled and deleted_at is null")
        .bind(id)
        .bind(reason)
        .bind(false)
        .bind(now)
        .run()
        .await?;
    Ok(touched == 1)
}

/// Notes that its owner was warned; says whether that was the first time since it began to fail.
pub async fn warn(db: impl Db<'_>, id: Id<Webhook>, now: Timestamp) -> Result<bool> {
    let touched = db
        .sql(
            "update webhooks set warned_at = $2 where id = $1 and warned_at is null and enabled and deleted_at is null",
        )
        .bind(id)
        .bind(now)
        .run()
        .await?;
    Ok(touched == 1)
}
