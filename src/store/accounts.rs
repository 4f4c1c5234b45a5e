//! Accounts and the one-time setup links.

use super::{Db, Result, columns::row};
use crate::domain::{Account, AccountStatus, Email, Id, Role, Secret, Timestamp};

row!(Account { id, email, name, role, status, password_hash, created_at });

/// Adds an account, with the secret that its callbacks are signed with. [`Conflict`](super::Error::Conflict) when the address is taken.
pub async fn insert(db: impl Db<'_>, account: &Account, signing_secret: &Secret) -> Result<()> {
    db.sql("insert into accounts (id, email, name, role, status, password_hash, created_at, signing_secret) values ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(account.id)
        .bind(&account.email)
        .bind(&account.name)
        .bind(account.role)
        .bind(account.status)
        .bind(&account.password_hash)
        .bind(account.created_at)
    .bind(signing_secret)
        .run()
        .await?;
    Ok(())
}

/// Finds one.
pub async fn find(db: impl Db<'_>, id: Id<Account>) -> Result<Option<Account>> {
    db.sql("select * from accounts where id = $1").bind(id).optional().await
}

/// Finds one by address.
pub async fn find_by_email(db: impl Db<'_>, email: &Email) -> Result<Option<Account>> {
    db.sql("select * from accounts where email = $1").bind(email).optional().await
}

/// Notes that somebody is there.
pub async fn seen(db: impl Db<'_>, id: Id<Account>, now: Timestamp) -> Result<()> {
    db.sql("update accounts set last_seen_at = $2 where id = $1").bind(id).bind(now).run().await?;
    Ok(())
}

/// Of these ids, those of accounts, with their names.
pub async fn names(db: impl Db<'_>, ids: &[String]) -> Result<Vec<(String, String)>> {
    db.sql("select id, name from accounts where true").and_in("id", ids).all().await
}

/// All of them, the oldest first.
pub async fn list(db: impl Db<'_>) -> Result<Vec<Account>> {
    db.sql("select * from accounts order by created_at, id").all().await
}

/// Whether anybody can sign in yet.
pub async fn any_signed_up(db: impl Db<'_>) -> Result<bool> {
    let found: Option<(i64,)> =
        db.sql("select cast(1 as bigint) from accounts where password_hash is not null limit 1").optional().await?;
    Ok(found.is_some())
}

/// Turns an account that was only invited into one that can sign in. Says whether it was one.
pub async fn sign_up(db: impl Db<'_>, id: Id<Account>, name: &str, role: Role, password_hash: &Secret) -> Result<bool> {
    let touched = db
        .sql("update accounts set name = $2, password_hash = $3, role = $4, status = 'active' where id = $1 and password_hash is null and status = 'inactive'")
        .bind(id)
        .bind(name)
        .bind(password_hash)
        .bind(role)
        .run()
        .await?;
    Ok(touched == 1)
}

/// Sets whether it may act.
pub async fn set_status(db: impl Db<'_>, id: Id<Account>, status: AccountStatus) -> Result<()> {
    db.sql("update accounts set status = $2 where id = $1").bind(id).bind(status).run().await?;
    Ok(())
}

/// Sets its password. An account that was only invited becomes active by it.
pub async fn set_password(db: impl Db<'_>, id: Id<Account>, hash: &Secret) -> Result<()> {
    db.sql("update accounts set password_hash = $2, status = case when status = 'inactive' then 'active' else status end where id = $1")
        .bind(id)
        .bind(hash)
        .run()
        .await?;
    Ok(())
}

/// Sets its name.
pub async fn set_name(db: impl Db<'_>, id: Id<Account>, name: &str) -> Result<()> {
    db.sql("update accounts set name = $2 where id = $1").bind(id).bind(name).run().await?;
    Ok(())
}

/// Makes claims of one person wait for each other, where more than one process writes.
pub async fn lock(db: impl Db<'_>, id: Id<Account>) -> Result<()> {
    let _: Option<(Id<Account>,)> =
        db.sql("select id from accounts where id = $1").on_postgres("for update").bind(id).optional().await?;
    Ok(())
}

/// Keeps a setup link.
pub async fn insert_setup_link(db: impl Db<'_>, token_hash: &str, now: Timestamp) -> Result<()> {
    db.sql("insert into setup_links (token_hash, created_at) values ($1, $2)").bind(token_hash).bind(now).run().await?;
    Ok(())
}

/// Whether a setup link stands.
pub async fn has_setup_link(db: impl Db<'_>, token_hash: &str) -> Result<bool> {
    let found: Option<(String,)> =
        db.sql("select token_hash from setup_links where token_hash = $1").bind(token_hash).optional().await?;
    Ok(found.is_some())
}

/// Uses up every setup link; says whether this one was among them. Of two callers at once only one is told yes.
pub async fn take_setup_links(db: impl Db<'_>, token_hash: &str) -> Result<bool> {
    let taken: Vec<(String,)> = db.sql("delete from setup_links returning token_hash").all().await?;
    Ok(taken.iter().any(|(hash,)| hash == token_hash))
}
