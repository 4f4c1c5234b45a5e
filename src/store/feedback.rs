//! Feedback on answers.

use super::{Db, Result};
use crate::domain::Feedback;

/// Adds an entry. [`Conflict`](super::Error::Conflict) when the request has one.
pub async fn insert(db: impl Db<'_>, it: &Feedback) -> Result<()> {
    db.sql("insert into feedback (id, request_id, account_id, body, submitted_at) values ($1, $2, $3, $4, $5)")
        .bind(it.id)
        .bind(it.request_id)
        .bind(it.account_id)
        .bind(&it.body)
        .bind(it.submitted_at)
        .run()
        .await?;
    Ok(())
}
