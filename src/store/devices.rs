//! Browsers that take Web Push, and the keys that their vendors know this server by.

use super::{Db, Result, Tx, columns::row, sessions::Session};
use crate::domain::{Account, Id, Secret, Timestamp, notifications::Device};

row!(Device { id, endpoint, p256dh, auth, user_agent, created_at });

/// Adds one, with the session it goes with. A browser that is known already is whose it is now.
pub async fn put(tx: &mut Tx, account: Id<Account>, session: Id<Session>, it: &Device) -> Result<Device> {
    tx.sql(
        "insert into devices (id, account_id, session_id, endpoint, p256dh, auth, user_agent, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (endpoint) do update set account_id = excluded.account_id, session_id = excluded.session_id,
            p256dh = excluded.p256dh, auth = excluded.auth, user_agent = excluded.user_agent
         returning *",
    )
    .bind(it.id)
    .bind(account)
    .bind(session)
    .bind(&it.endpoint)
    .bind(&it.p256dh)
    .bind(&it.auth)
    .bind(&it.user_agent)
    .bind(it.created_at)
    .one()
    .await
}

/// Somebody's, the latest first.
pub async fn of_account(db: impl Db<'_>, account: Id<Account>) -> Result<Vec<Device>> {
    db.sql("select * from devices where account_id = $1 order by created_at desc, id desc").bind(account).all().await
}

/// Finds one of somebody's by where its vendor takes messages.
pub async fn find(db: impl Db<'_>, account: Id<Account>, endpoint: &str) -> Result<Option<Device>> {
    db.sql("select * from devices where account_id = $1 and endpoint = $2")
        .bind(account)
        .bind(endpoint)
        .optional()
        .await
}

/// Removes one of somebody's; says whether it was there.
pub async fn remove(tx: &mut Tx, account: Id<Account>, id: Id<Device>) -> Result<bool> {
    Ok(tx.sql("delete from devices where id = $1 and account_id = $2").bind(id).bind(account).run().await? == 1)
}

/// Lets those stay whose session has run out: only whoever signs out takes the device with them.
pub async fn outlive_sessions(db: impl Db<'_>, now: Timestamp) -> Result<()> {
    db.sql("update devices set session_id = null where session_id in (select id from sessions where expires_at <= $1)")
        .bind(now)
        .run()
        .await?;
    Ok(())
}

/// The keys that the vendors of browsers know this server by.
#[derive(Clone, Debug)]
pub struct PushKeys {
    /// The private one, as PKCS #8 in base64url.
    pub private_key: Secret,
    /// The public one, 65 bytes in base64url.
    pub public_key: String,
}
row!(PushKeys { private_key, public_key });

/// Finds them.
pub async fn push_keys(db: impl Db<'_>) -> Result<Option<PushKeys>> {
    db.sql("select private_key, public_key from push_keys").optional().await
}

/// Keeps them, unless there are some already.
pub async fn insert_push_keys(db: impl Db<'_>, it: &PushKeys, now: Timestamp) -> Result<()> {
    db.sql("insert into push_keys (id, private_key, public_key, created_at) values (1, $1, $2, $3) on conflict (id) do nothing")
        .bind(&it.private_key)
        .bind(&it.public_key)
        .bind(now)
        .run()
        .await?;
    Ok(())
}
