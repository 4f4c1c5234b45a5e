//! A request's way through its states: each step one guarded update, judged by the row it touched (contract 8.2).
//!
//! Every statement here says in its `where` what must hold; whoever loses a race touches nothing and gets `None`.

use super::{Db, Result, Tx};
use crate::domain::{Account, Id, Json, Loop, Request, Status, Timestamp};

/// A request that changed, and what its event needs to know.
pub type Moved = (Id<Request>, Id<Account>, Id<Loop>, Option<Id<Account>>);

/// The person `$2` is in the request's loop and may act: looked at in the step itself, so that nobody acts on a request
/// after being removed or suspended (contract 16.7).
const BY_A_MEMBER: &str = "and exists (select 1 from members m join accounts a on a.id = m.account_id
    where m.loop_id = requests.loop_id and m.account_id = $2 and m.status = 'active' and a.status = 'active')";

/// `pending` → `claimed`, by a member, unless its time is over or the person has `most` claims already. A claim that has lapsed is nobody's.
pub async fn claim(
    db: impl Db<'_>,
    id: Id<Request>,
    account: Id<Account>,
    until: Timestamp,
    most: i64,
    now: Timestamp,
) -> Result<Option<Moved>> {
    db.sql(
        "update requests set status = 'claimed', claimed_by = $2, claimed_at = $4, updated_at = $4,
            claim_expires_at = case when timeout_at < $3 then timeout_at else $3 end
         where id = $1 and timeout_at > $4
            and (status = 'pending' or (status = 'claimed' and claim_expires_at <= $4))
            and (select count(*) from requests mine where mine.claimed_by = $2 and mine.status = 'claimed' and mine.claim_expires_at > $4) < $5",
    )
    .push(BY_A_MEMBER)
    .push("returning id, creator_id, loop_id, claimed_by")
    .bind(id)
    .bind(account)
    .bind(until)
    .bind(now)
    .bind(most)
    .optional()
    .await
}

/// `claimed` → `pending`, by the claimant.
pub async fn release(db: impl Db<'_>, id: Id<Request>, account: Id<Account>, now: Timestamp) -> Result<Option<Moved>> {
    db.sql(
        "update requests set status = 'pending', claimed_by = null, claimed_at = null, claim_expires_at = null, updated_at = $3
         where id = $1 and status = 'claimed' and claimed_by = $2 and timeout_at > $3
         returning id, creator_id, loop_id, claimed_by",
    )
    .bind(id)
    .bind(account)
    .bind(now)
    .optional()
    .await
}

/// `claimed` → `pending` for all that a person has claimed: in one loop, or everywhere.
pub async fn release_all(
    db: impl Db<'_>,
    account: Id<Account>,
    id: Option<Id<Loop>>,
    now: Timestamp,
) -> Result<Vec<Moved>> {
    db.sql(
        "update requests set status = 'pending', claimed_by = null, claimed_at = null, claim_expires_at = null, updated_at = $2
         where claimed_by = $1 and status = 'claimed' and timeout_at > $2",
    )
    .bind(account)
    .bind(now)
    .and("loop_id =", id)
    .push("returning id, creator_id, loop_id, claimed_by")
    .all()
    .await
}

/// `pending` or one's own `claimed` → `completed`, by a member, before the deadline. Answering without a claim claims on the way.
/// The transaction fails with [`Lost`](super::Error::Lost) if the request does not stand as it was read.
pub async fn answer(tx: &mut Tx, read: &Request, account: Id<Account>, answer: &Json, now: Timestamp) -> Result<()> {
    tx.sql(
        "update requests set status = 'completed', response_by = $2, response_at = $4, response_data = $3, updated_at = $4,
            claimed_at = case when claimed_by = $2 then claimed_at else $4 end, claimed_by = $2, claim_expires_at = null
         where id = $1 and timeout_at > $4 and updated_at = $5
            and (status = 'pending' or (status = 'claimed' and (claimed_by = $2 or claim_expires_at <= $4)))",
    )
    .push(BY_A_MEMBER)
    .bind(read.id)
    .bind(account)
    .bind(answer)
    .bind(now)
    .bind(read.updated_at)
    .or_lost()
    .await
}

/// Open → `cancelled`, if it still stands where the caller saw it and its time is not over.
pub async fn cancel(
    db: impl Db<'_>,
    id: Id<Request>,
    seen: Status,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<Option<Moved>> {
    db.sql(
        "update requests set status = 'cancelled', cancelled_at = $4, cancel_reason = $3, updated_at = $4, claim_expires_at = null
         where id = $1 and status = $2 and status in ('pending', 'claimed') and timeout_at > $4
         returning id, creator_id, loop_id, claimed_by",
    )
    .bind(id)
    .bind(seen)
    .bind(reason)
    .bind(now)
    .optional()
    .await
}

/// Open → `cancelled`, for all of a loop whose time is not over.
pub async fn cancel_all(db: impl Db<'_>, id: Id<Loop>, reason: &str, now: Timestamp) -> Result<Vec<Moved>> {
    db.sql(
        "update requests set status = 'cancelled', cancelled_at = $3, cancel_reason = $2, updated_at = $3, claim_expires_at = null
         where loop_id = $1 and status in ('pending', 'claimed') and timeout_at > $3
         returning id, creator_id, loop_id, claimed_by",
    )
    .bind(id)
    .bind(reason)
    .bind(now)
    .all()
    .await
}

/// Open → `timeout`, for those whose time is over; `most` at a time.
pub async fn expire(db: impl Db<'_>, most: i64, now: Timestamp) -> Result<Vec<Moved>> {
    db.sql(
        "update requests set status = 'timeout', updated_at = $1, claim_expires_at = null
         where status in ('pending', 'claimed') and id in (
            select id from requests where status in ('pending', 'claimed') and timeout_at <= $1 order by timeout_at",
    )
    .limit(most)
    .on_postgres("for update") // not `skip locked`: who reads afterwards must not see what another is just ending (contract 7.4)
    .push(") returning id, creator_id, loop_id, claimed_by")
    .bind(now)
    .all()
    .await
}

/// Open → `timeout`, for all of a loop whose time is over.
pub async fn expire_all(db: impl Db<'_>, id: Id<Loop>, now: Timestamp) -> Result<Vec<Moved>> {
    db.sql(
        "update requests set status = 'timeout', updated_at = $2, claim_expires_at = null
         where loop_id = $1 and status in ('pending', 'claimed') and timeout_at <= $2
         returning id, creator_id, loop_id, claimed_by",
    )
    .bind(id)
    .bind(now)
    .all()
    .await
}

/// `claimed` → `pending`, for claims that have lapsed; `most` at a time.
pub async fn lapse(db: impl Db<'_>, most: i64, now: Timestamp) -> Result<Vec<Moved>> {
    db.sql(
        "update requests set status = 'pending', claimed_by = null, claimed_at = null, claim_expires_at = null, updated_at = $1
         where status = 'claimed' and id in (
            select id from requests where status = 'claimed' and claim_expires_at <= $1 and timeout_at > $1 order by claim_expires_at",
    )
    .limit(most)
    .on_postgres("for update skip locked")
    .push(") returning id, creator_id, loop_id, claimed_by")
    .bind(now)
    .all()
    .await
}

/// The next moment at which something is due: a deadline or the end of a claim.
pub async fn next_due(db: impl Db<'_>) -> Result<Option<Timestamp>> {
    let (deadline, claim): (Option<Timestamp>, Option<Timestamp>) = db
        .sql(
            "select (select min(timeout_at) from requests where status in ('pending', 'claimed')),
                    (select min(claim_expires_at) from requests where status = 'claimed')",
        )
        .one()
        .await?;
    Ok(match (deadline, claim) {
        (Some(deadline), Some(claim)) => Some(deadline.min(claim)),
        (deadline, claim) => deadline.or(claim),
    })
}

/// Claimed since before it was time to be warned, by somebody who can be.
const TO_WARN: &str = "status = 'claimed' and warn_at is not null and claimed_at <= warn_at
    and claimed_by in (select id from accounts where reachable)";

/// Takes those whose claimants are to be warned of the deadline now, each once; `most` at a time. It is no change of the request.
pub async fn take_warnings(db: impl Db<'_>, most: i64, now: Timestamp) -> Result<Vec<Moved>> {
    db.sql("update requests set warn_at = null where warn_at is not null and id in (select id from requests where")
        .push(TO_WARN)
        .push("and warn_at <= $1 and timeout_at > $1 order by warn_at")
        .limit(most)
        .on_postgres("for update skip locked")
        .push(") returning id, creator_id, loop_id, claimed_by")
        .bind(now)
        .all()
        .await
}

/// The next moment at which somebody is to be warned.
pub async fn next_warning(db: impl Db<'_>) -> Result<Option<Timestamp>> {
    let (at,): (Option<Timestamp>,) = db.sql("select min(warn_at) from requests where").push(TO_WARN).one().await?;
    Ok(at)
}
