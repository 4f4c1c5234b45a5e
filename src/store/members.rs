//! Who is in which loop.

use super::{Db, Result, columns::row};
use crate::domain::{Account, Id, Loop, Member, Timestamp};

row!(Member { loop_id, account_id, email, name, account_status, role, status, invited_at, joined_at, last_active });

/// A member with the account's name and address. Invitations that have run out are not members.
const MEMBER: &str =
    "select m.*, a.email, a.name, a.status as account_status from members m join accounts a on a.id = m.account_id
     where (m.status = 'active' or m.invited_at > $1)";

/// A loop's members: the creator first, then in the order of joining, invitations last (contract 5.1).
pub async fn of_loop(db: impl Db<'_>, id: Id<Loop>, invited_after: Timestamp) -> Result<Vec<Member>> {
    db.sql(MEMBER)
        .push("and m.loop_id = $2 order by case when m.role = 'admin' then 0 else 1 end, m.joined_at nulls last, m.invited_at, m.account_id")
        .bind(invited_after)
        .bind(id)
        .all()
        .await
}

/// The members of every loop that an account created or has joined, in the same order.
pub async fn of_loops_of(db: impl Db<'_>, account: Id<Account>, invited_after: Timestamp) -> Result<Vec<Member>> {
    db.sql(MEMBER)
        .push(
            "and (m.loop_id in (select id from loops where creator_id = $2)
                  or m.loop_id in (select loop_id from members where account_id = $2 and status = 'active'))
             order by m.loop_id, case when m.role = 'admin' then 0 else 1 end, m.joined_at nulls last, m.invited_at, m.account_id",
        )
        .bind(invited_after)
        .bind(account)
        .all()
        .await
}

/// Finds one.
pub async fn find(
    db: impl Db<'_>,
    id: Id<Loop>,
    account: Id<Account>,
    invited_after: Timestamp,
) -> Result<Option<Member>> {
    db.sql(MEMBER)
        .push("and m.loop_id = $2 and m.account_id = $3")
        .bind(invited_after)
        .bind(id)
        .bind(account)
        .optional()
        .await
}

/// What somebody is in or invited to, by loop.
pub async fn of_person(db: impl Db<'_>, account: Id<Account>, invited_after: Timestamp) -> Result<Vec<Member>> {
    db.sql(MEMBER).push("and m.account_id = $2 order by m.loop_id").bind(invited_after).bind(account).all().await
}

/// Whether an account has joined a loop.
pub async fn is_active(db: impl Db<'_>, id: Id<Loop>, account: Id<Account>) -> Result<bool> {
    let found: Option<(Id<Loop>,)> = db
        .sql("select loop_id from members where loop_id = $1 and account_id = $2 and status = 'active'")
        .bind(id)
        .bind(account)
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Adds a member, or turns an invitation into what is given; says whether anything changed: an active member stays one.
pub async fn put(db: impl Db<'_>, member: &Member) -> Result<bool> {
    let touched = db
        .sql(
            "insert into members (loop_id, account_id, role, status, invited_at, joined_at) values ($1, $2, $3, $4, $5, $6)
             on conflict (loop_id, account_id) do update set
                status = excluded.status, joined_at = excluded.joined_at,
                invited_at = case when excluded.status = 'active' then members.invited_at else excluded.invited_at end
             where members.status = 'pending'",
        )
        .bind(member.loop_id)
        .bind(member.account_id)
        .bind(member.role)
        .bind(member.status)
        .bind(member.invited_at)
        .bind(member.joined_at)
        .run()
        .await?;
    Ok(touched == 1)
}

/// Removes a member or an invitation; says whether there was one.
pub async fn remove(db: impl Db<'_>, id: Id<Loop>, account: Id<Account>) -> Result<bool> {
    Ok(db.sql("delete from members where loop_id = $1 and account_id = $2").bind(id).bind(account).run().await? == 1)
}

/// How many memberships, and invitations that stand, a loop has.
pub async fn count(db: impl Db<'_>, id: Id<Loop>, invited_after: Timestamp) -> Result<i64> {
    let (count,): (i64,) = db
        .sql("select count(*) from members where loop_id = $1 and (status = 'active' or invited_at > $2)")
        .bind(id)
        .bind(invited_after)
        .one()
        .await?;
    Ok(count)
}

/// How coarse `last_active` is, in seconds. Of those who answer at the same time as the same person, each would wait for the
/// other's commit.
const ACTIVE_SECONDS: i64 = 60;

/// Notes that a member did something.
pub async fn touch(db: impl Db<'_>, id: Id<Loop>, account: Id<Account>, now: Timestamp) -> Result<()> {
    db.sql(
        "update members set last_active = $3
         where loop_id = $1 and account_id = $2 and (last_active is null or last_active <= $4)",
    )
    .bind(id)
    .bind(account)
    .bind(now)
    .bind(now.plus_seconds(-ACTIVE_SECONDS))
    .later()
    .await
}

/// Removes invitations that have run out; says how many.
pub async fn sweep(db: impl Db<'_>, invited_before: Timestamp) -> Result<u64> {
    db.sql("delete from members where status = 'pending' and invited_at <= $1").bind(invited_before).run().await
}
