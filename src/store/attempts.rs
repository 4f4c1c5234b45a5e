//! Attempts: each time that a delivery was sent, kept as long as the delivery is.

use super::{Db, Result, Tx, columns::row, deliveries::Attempt};
use crate::domain::{Delivery, Id, Timestamp};

/// One time that a delivery was sent, and how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// What was sent.
    pub delivery_id: Id<Delivery>,
    /// 1 is the first there was; it goes on counting when a delivery is sent again.
    pub number: i64,
    /// What caused it: `event`, `retry`, `manual`, `recovery` or `test`.
    pub cause: String,
    /// When it ended.
    pub at: Timestamp,
    /// The status that came back.
    pub response_status: Option<i64>,
    /// How long it took.
    pub response_time_ms: i64,
    /// What came back, cut.
    pub response_body: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}
row!(Made { delivery_id, number, cause, at, response_status, response_time_ms, response_body, error });

/// Adds one, in the transaction that records it on its delivery.
pub async fn insert(tx: &mut Tx, of: &Delivery, it: &Attempt, at: Timestamp) -> Result<()> {
    tx.sql(
        "insert into attempts (delivery_id, number, cause, at, response_status, response_time_ms, response_body, error)
         values ($1, (select count(*) + 1 from attempts where delivery_id = $1), $2, $3, $4, $5, $6, $7)",
    )
    .bind(of.id)
    .bind(&of.cause)
    .bind(at)
    .bind(it.response_status)
    .bind(it.response_time_ms)
    .bind(&it.response_body)
    .bind(&it.error)
    .later()
    .await
}

/// Those of several deliveries, the latest of each first.
pub async fn of_deliveries(db: impl Db<'_>, ids: &[Id<Delivery>]) -> Result<Vec<Made>> {
    db.sql("select * from attempts where true")
        .and_in("delivery_id", ids)
        .push("order by delivery_id, number desc")
        .all()
        .await
}
