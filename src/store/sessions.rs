//! Sessions of people who signed in.

use super::{Db, Result, columns::row};
use crate::domain::{Account, Email, Id, Role, Timestamp};

/// A session, which is kept by the hash of its token.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its identifier.
    pub id: Id<Session>,
    /// Who signed in.
    pub account_id: Id<Account>,
    /// SHA-256 of the token.
    pub token_hash: String,
    /// The program they signed in with.
    pub user_agent: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}
row!(Session { id, account_id, token_hash, user_agent, created_at, expires_at });

/// Who is signed in: the account behind a session that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedIn {
    /// The session.
    pub session_id: Id<Session>,
    /// The account.
    pub account_id: Id<Account>,
    /// Its address.
    pub email: Email,
    /// Its name.
    pub name: String,
    /// What it may do on the server.
    pub role: Role,
    /// Whether its programs ask, or it may make them: an owner's, or one that has made a loop or a key.
    pub asks: bool,
    /// When the person was last seen, to some minutes.
    pub last_seen_at: Option<Timestamp>,
}
row!(SignedIn { session_id, account_id, email, name, role, asks, last_seen_at });

/// Opens one.
pub async fn insert(db: impl Db<'_>, session: &Session) -> Result<()> {
    db.sql("insert into sessions (id, account_id, token_hash, user_agent, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)")
        .bind(session.id)
        .bind(session.account_id)
        .bind(&session.token_hash)
        .bind(&session.user_agent)
        .bind(session.created_at)
        .bind(session.expires_at)
        .run()
        .await?;
    Ok(())
}

/// Finds who holds a token, if the session stands and the account may act.
pub async fn find(db: impl Db<'_>, token_hash: &str, now: Timestamp) -> Result<Option<SignedIn>> {
    db.sql(
        "select s.id as session_id, a.id as account_id, a.email, a.name, a.role, a.last_seen_at,
            (a.role <> 'member' or exists (select 1 from loops l where l.creator_id = a.id)
                or exists (select 1 from api_keys k where k.account_id = a.id)) as asks
         from sessions s join accounts a on a.id = s.account_id
         where s.token_hash = $1 and s.expires_at > $2 and a.status = 'active'",
    )
    .bind(token_hash)
    .bind(now)
    .together()
    .optional()
    .await
}

/// Whether one stands.
pub async fn stands(db: impl Db<'_>, id: Id<Session>, now: Timestamp) -> Result<bool> {
    let sql = db.sql("select account_id from sessions where id = $1 and expires_at > $2");
    let found: Option<(Id<Account>,)> = sql.bind(id).bind(now).optional().await?;
    Ok(found.is_some())
}

/// An account's sessions that stand, the latest first.
pub async fn of_account(db: impl Db<'_>, account: Id<Account>, now: Timestamp) -> Result<Vec<Session>> {
    db.sql("select * from sessions where account_id = $1 and expires_at > $2 order by created_at desc, id desc")
        .bind(account)
        .bind(now)
        .all()
        .await
}

/// Closes one of an account's; says whether it was there.
pub async fn close_of(db: impl Db<'_>, account: Id<Account>, id: Id<Session>) -> Result<bool> {
    Ok(db.sql("delete from sessions where id = $1 and account_id = $2").bind(id).bind(account).run().await? == 1)
}

/// Closes one.
pub async fn close(db: impl Db<'_>, id: Id<Session>) -> Result<()> {
    db.sql("delete from sessions where id = $1").bind(id).run().await?;
    Ok(())
}

/// Closes all of an account's but, where given, one; says how many.
pub async fn close_all(db: impl Db<'_>, account: Id<Account>, except: Option<Id<Session>>) -> Result<u64> {
    let kept = except.map_or(String::new(), |id| id.to_string());
    db.sql("delete from sessions where account_id = $1 and id <> $2").bind(account).bind(kept).run().await
}

/// Removes those whose time is over; says how many.
pub async fn sweep(db: impl Db<'_>, now: Timestamp) -> Result<u64> {
    db.sql("delete from sessions where expires_at <= $1").bind(now).run().await
}
