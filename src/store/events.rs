//! The record of what happened. Rows are added and never changed.

use super::{Db, Result};
use crate::domain::{Event, Id, Request};

/// Adds one, in the transaction of the change.
pub async fn insert(db: impl Db<'_>, event: &Event) -> Result<()> {
    db.sql(
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
    .run()
    .await?;
    Ok(())
}

/// The names of what happened to a request, in order, with who did it.
pub async fn of_request(db: impl Db<'_>, request: Id<Request>) -> Result<Vec<(String, String, Option<String>)>> {
    db.sql("select name, actor_kind, actor_id from events where request_id = $1 order by seq").bind(request).all().await
}
