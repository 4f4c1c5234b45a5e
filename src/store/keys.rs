//! API keys.

use super::{Db, Result, columns::row};
use crate::domain::{Account, AccountStatus, Email, Id, Json, Key, KeyStatus, Timestamp};

row!(Key, |row| Self {
    id: row.try_get("id")?,
    account_id: row.try_get("account_id")?,
    name: row.try_get("name")?,
    prefix: row.try_get("prefix")?,
    last_four: row.try_get("last_four")?,
    scopes: parsed(&row.try_get("scopes")?)?,
    loops: row.try_get::<Option<Json>, _>("loops")?.as_ref().map(parsed).transpose()?,
    status: row.try_get("status")?,
    hourly_limit: row.try_get("hourly_limit")?,
    expires_at: row.try_get("expires_at")?,
    last_used_at: row.try_get("last_used_at")?,
    created_at: row.try_get("created_at")?,
});

fn parsed<T: std::str::FromStr>(list: &Json) -> sqlx::Result<Vec<T>> {
    let parse =
        |text: &str| text.parse().map_err(|_| sqlx::Error::Decode(format!("{text:?} in a list of a key").into()));
    list.texts().iter().map(|text| parse(text)).collect()
}

/// A key, and the account that it acts as.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// The key.
    pub key: Key,
    /// The account's address.
    pub email: Email,
    /// Whether the account may act.
    pub account_status: AccountStatus,
}
row!(Holder, |row| Self {
    key: super::columns::FromRow::from_row(row)?,
    email: row.try_get("email")?,
    account_status: row.try_get("account_status")?,
});

const HOLDER: &str =
    "select k.*, a.email, a.status as account_status from api_keys k join accounts a on a.id = k.account_id";

/// Adds a key.
pub async fn insert(db: impl Db<'_>, key: &Key, token_hash: &str) -> Result<()> {
    db.sql(
        "insert into api_keys (id, account_id, name, token_hash, prefix, last_four, scopes, loops, status, hourly_limit, expires_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(key.id)
    .bind(key.account_id)
    .bind(&key.name)
    .bind(token_hash)
    .bind(&key.prefix)
    .bind(&key.last_four)
    .bind(Json::list(&key.scopes))
    .bind(key.loops.as_deref().map(Json::list))
    .bind(key.status)
    .bind(key.hourly_limit)
    .bind(key.expires_at)
    .bind(key.created_at)
    .run()
    .await?;
    Ok(())
}

/// Finds the key with that token: looking up is verifying (design 4).
pub async fn find_by_token(db: impl Db<'_>, token_hash: &str) -> Result<Option<Holder>> {
    db.sql(HOLDER).push("where k.token_hash = $1").bind(token_hash).optional().await
}

/// Finds one.
pub async fn find(db: impl Db<'_>, id: Id<Key>) -> Result<Option<Holder>> {
    db.sql(HOLDER).push("where k.id = $1").bind(id).optional().await
}

/// Of these ids, those of keys, with their names.
pub async fn names(db: impl Db<'_>, ids: &[String]) -> Result<Vec<(String, String)>> {
    db.sql("select id, name from api_keys where true").and_in("id", ids).all().await
}

/// All of an account's, or of everybody's; the newest first.
pub async fn list(db: impl Db<'_>, account: Option<Id<Account>>) -> Result<Vec<Holder>> {
    db.sql(HOLDER)
        .push("where true")
        .and("k.account_id =", account)
        .push("order by k.created_at desc, k.id desc")
        .all()
        .await
}

/// Changes its status from one of these; says whether it stood at one.
pub async fn set_status(db: impl Db<'_>, id: Id<Key>, from: [KeyStatus; 2], to: KeyStatus) -> Result<bool> {
    let touched = db
        .sql("update api_keys set status = $2 where id = $1 and status in ($3, $4)")
        .bind(id)
        .bind(to)
        .bind(from[0])
        .bind(from[1])
        .run()
        .await?;
    Ok(touched == 1)
}

/// Lets it end at that time at the latest.
pub async fn expire_by(db: impl Db<'_>, id: Id<Key>, at: Timestamp) -> Result<()> {
    db.sql("update api_keys set expires_at = $2 where id = $1 and (expires_at is null or expires_at > $2)")
        .bind(id)
        .bind(at)
        .run()
        .await?;
    Ok(())
}

/// Notes that it was used.
pub async fn touch(db: impl Db<'_>, id: Id<Key>, now: Timestamp) -> Result<()> {
    db.sql("update api_keys set last_used_at = $2 where id = $1").bind(id).bind(now).run().await?;
    Ok(())
}
