//! Loops.

use super::{Db, Result, columns::row};
use crate::domain::{Account, Email, Id, Loop, MemberRole, Timestamp, loops::LoopChange};

row!(Loop { id, creator_id, name, description, icon, invite_code, created_at, updated_at });

/// Adds a loop. [`Conflict`](super::Error::Conflict) when the invite code is taken.
pub async fn insert(db: impl Db<'_>, it: &Loop) -> Result<()> {
    db.sql("insert into loops (id, creator_id, name, description, icon, invite_code, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(it.id)
        .bind(it.creator_id)
        .bind(&it.name)
        .bind(&it.description)
        .bind(&it.icon)
        .bind(&it.invite_code)
        .bind(it.created_at)
        .bind(it.updated_at)
        .run()
        .await?;
    Ok(())
}

/// Finds one.
pub async fn find(db: impl Db<'_>, id: Id<Loop>) -> Result<Option<Loop>> {
    db.sql("select * from loops where id = $1").bind(id).optional().await
}

/// Finds the loop that people join with that code.
pub async fn find_by_code(db: impl Db<'_>, code: &str) -> Result<Option<Loop>> {
    db.sql("select * from loops where invite_code = $1").bind(code).optional().await
}

/// A loop that is asked something, and who will be told.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The loop.
    pub loop_id: Id<Loop>,
    /// The account that made it.
    pub creator_id: Id<Account>,
    /// Its name.
    pub name: String,
    /// Whether its creator has webhooks.
    pub heard: bool,
    /// The members who have joined and may act, the creator first (contract 10.1).
    pub members: Vec<Recipient>,
}

/// Somebody who will be told.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The person.
    pub account_id: Id<Account>,
    /// The person's address.
    pub email: Email,
    /// The person's part.
    pub role: MemberRole,
    /// Whether there is any way to notify them.
    pub reachable: bool,
}

/// One member of a loop, or the loop without any.
struct Row {
    it: Asked,
    member: Option<Recipient>,
}
row!(Row, |row| Self {
    it: Asked {
        loop_id: row.try_get("id")?,
        creator_id: row.try_get("creator_id")?,
        name: row.try_get("name")?,
        heard: row.try_get("heard")?,
        members: Vec::new(),
    },
    member: match row.try_get("account_id")? {
        Some(account_id) => Some(Recipient {
            account_id,
            email: row.try_get("email")?,
            role: row.try_get("role")?,
            reachable: row.try_get("reachable")?,
        }),
        None => None,
    },
});

/// Finds a loop to ask, with those who will be told, in one look.
pub async fn ask(db: impl Db<'_>, id: Id<Loop>) -> Result<Option<Asked>> {
    let rows: Vec<Row> = db
        .sql(
            "select l.id, l.creator_id, l.name, a.id as account_id, a.email, a.reachable, m.role,
                exists (select 1 from webhooks w where w.account_id = l.creator_id and w.deleted_at is null) as heard
             from loops l
             left join members m on m.loop_id = l.id and m.status = 'active'
             left join accounts a on a.id = m.account_id and a.status = 'active'
             where l.id = $1
             order by case when m.role = 'admin' then 0 else 1 end, m.joined_at, m.account_id",
        )
        .bind(id)
        .together()
        .all()
        .await?;
    let mut rows = rows.into_iter();
    let Some(Row { it, member }) = rows.next() else { return Ok(None) };
    let members = member.into_iter().chain(rows.filter_map(|row| row.member)).collect();
    Ok(Some(Asked { members, ..it }))
}

/// Those that an account made, the newest first.
pub async fn created_by(db: impl Db<'_>, account: Id<Account>) -> Result<Vec<Loop>> {
    db.sql("select * from loops where creator_id = $1 order by created_at desc, id desc").bind(account).all().await
}

/// Those that an account has joined, its own included; the newest first.
pub async fn joined_by(db: impl Db<'_>, account: Id<Account>) -> Result<Vec<Loop>> {
    db.sql(
        "select l.* from loops l join members m on m.loop_id = l.id
         where m.account_id = $1 and m.status = 'active'
         order by l.created_at desc, l.id desc",
    )
    .bind(account)
    .all()
    .await
}

/// All of them, for the operator; the newest first.
pub async fn list(db: impl Db<'_>) -> Result<Vec<Loop>> {
    db.sql("select * from loops order by created_at desc, id desc").all().await
}

/// Changes what is to change; returns the loop as it is then, if it is still there.
pub async fn update(db: impl Db<'_>, id: Id<Loop>, change: &LoopChange, now: Timestamp) -> Result<Option<Loop>> {
    db.sql(
        "update loops set name = coalesce($2, name), description = coalesce($3, description), icon = coalesce($4, icon), updated_at = $5
         where id = $1 returning *",
    )
    .bind(id)
    .bind(&change.name)
    .bind(&change.description)
    .bind(&change.icon)
    .bind(now)
    .optional()
    .await
}

/// Sets a new invite code.
pub async fn set_code(db: impl Db<'_>, id: Id<Loop>, code: &str, now: Timestamp) -> Result<()> {
    db.sql("update loops set invite_code = $2, updated_at = $3 where id = $1")
        .bind(id)
        .bind(code)
        .bind(now)
        .run()
        .await?;
    Ok(())
}

/// Notes that its membership changed.
pub async fn touch(db: impl Db<'_>, id: Id<Loop>, now: Timestamp) -> Result<()> {
    db.sql("update loops set updated_at = $2 where id = $1").bind(id).bind(now).later().await
}

/// Deletes it with all that belongs to it; says whether it was there.
pub async fn delete(db: impl Db<'_>, id: Id<Loop>) -> Result<bool> {
    Ok(db.sql("delete from loops where id = $1").bind(id).run().await? == 1)
}
