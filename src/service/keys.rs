//! API keys, as their owners manage them: by session or command line, never by key (contract 13).

use super::{Error, Result, record};
use crate::{
    app::App,
    domain::{
        Account, Actor, EventName, Id, Invalid, Key, KeyStatus, Loop, Scope, Timestamp, Token, Window,
        accounts::check_name,
        limit::{UNLIMITED, effective},
    },
    store::{keys, keys::Holder, loops, windows},
};
use serde_json::json;

/// The longest a replaced key may live on, in seconds: 30 days (quality C).
pub const LONGEST_OVERLAP: i64 = 30 * 24 * 3600;

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The account it acts as.
    pub account_id: Id<Account>,
    /// 1 to 100 code points.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The loops it may touch; `None` is all.
    pub loops: Option<Vec<Id<Loop>>>,
    /// Its own hourly limit; 0 is none.
    pub hourly_limit: Option<i64>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// Makes a key. The token is returned here and nowhere else.
pub async fn create(app: &App, actor: Actor, new: NewKey) -> Result<(Key, Token)> {
    let name = check_name(&new.name)?;
    if new.hourly_limit.is_some_and(|limit| !(0..=UNLIMITED).contains(&limit)) {
        return Err(Invalid::failed(format!("limit must be between 0 and {UNLIMITED}")).into());
    }
    if new.expires_at.is_some_and(|at| at <= app.now()) {
        return Err(Invalid::failed("expires must be in the future").into());
    }
    for id in new.loops.iter().flatten() {
        if loops::find(&app.store, *id).await?.is_none() {
            return Err(Error::Missing("Loop not found"));
        }
    }
    let token = Token::new(app.random());
    let key = Key {
        id: app.new_id(),
        account_id: new.account_id,
        name,
        prefix: token.prefix(),
        last_four: token.last_four(),
        scopes: new.scopes,
        loops: new.loops,
        status: KeyStatus::Active,
        hourly_limit: new.hourly_limit,
        expires_at: new.expires_at,
        last_used_at: None,
        created_at: app.now(),
    };
    let mut tx = app.store.begin();
    keys::insert(&mut tx, &key, &token.hash()).await?;
    let data = json!({"api_key_id": key.id, "name": key.name, "prefix": key.prefix, "scopes": key.scopes});
    record::of_account(app, &mut tx, EventName::KeyCreated, actor, key.account_id, data).await?;
    tx.commit().await?;
    Ok((key, token))
}

/// All keys of an account, or of everybody; the newest first.
pub async fn list(app: &App, account: Option<Id<Account>>) -> Result<Vec<Holder>> {
    Ok(keys::list(&app.store, account).await?)
}

/// A key, and what its window has seen so far.
pub struct Used {
    /// The key.
    pub key: Key,
    /// The window that is open, or what a new one would be.
    pub window: Window,
}

impl Used {
    /// Requests taken from the window.
    pub fn count(&self) -> i64 {
        self.window.limit - self.window.remaining
    }

    /// What the window holds; `None` is no limit.
    pub fn limit(&self) -> Option<i64> {
        (self.window.limit < UNLIMITED).then_some(self.window.limit)
    }
}

/// The keys of an account with what is used of them, the newest first.
pub async fn with_use(app: &App, account: Id<Account>) -> Result<Vec<Used>> {
    let open = windows::of_account(&app.store, account, app.now()).await?;
    let used = |key: Key| {
        let limit = effective(key.hourly_limit, app.settings.limits.requests_per_hour.into());
        let (closes_at, used) = open.iter().find(|it| it.0 == key.id).map_or((app.now(), 0), |it| (it.1, it.2));
        Used { window: Window { limit, remaining: (limit - used).max(0), closes_at }, key }
    };
    Ok(list(app, Some(account)).await?.into_iter().map(|holder| used(holder.key)).collect())
}

/// One of an account's keys. Another account's is not there.
pub async fn of_account(app: &App, account: Id<Account>, id: Id<Key>) -> Result<Used> {
    let found = with_use(app, account).await?.into_iter().find(|it| it.key.id == id);
    found.ok_or(Error::Missing("There is no such key"))
}

/// The key itself.
pub async fn key(app: &App, id: Id<Key>) -> Result<Holder> {
    keys::find(&app.store, id).await?.ok_or(Error::Missing("There is no such key"))
}

/// Suspends, activates or revokes a key. A revoked one stays so.
pub async fn set_status(app: &App, actor: Actor, id: Id<Key>, status: KeyStatus) -> Result<Key> {
    let found = key(app, id).await?.key;
    let mut tx = app.store.begin();
    if !keys::set_status(&mut tx, id, [KeyStatus::Active, KeyStatus::Suspended], status).await? {
        return Err(Error::Conflict("This key was revoked"));
    }
    let data = json!({"api_key_id": id, "from": found.status, "to": status});
    record::of_account(app, &mut tx, EventName::KeyStatusChanged, actor, found.account_id, data).await?;
    tx.commit().await?;
    Ok(Key { status, ..found })
}

/// Replaces a key by a new one with the same settings; the old one lives on for `overlap` seconds.
pub async fn rotate(app: &App, actor: Actor, id: Id<Key>, overlap: i64) -> Result<(Key, Token)> {
    if !(0..=LONGEST_OVERLAP).contains(&overlap) {
        return Err(Invalid::failed("overlap must be between 0 and 30 days").into());
    }
    let old = key(app, id).await?.key;
    if !old.is_usable(app.now()) {
        return Err(Error::Conflict("Only an active key can be rotated"));
    }
    let now = app.now();
    let token = Token::new(app.random());
    let new = Key {
        id: app.new_id(),
        prefix: token.prefix(),
        last_four: token.last_four(),
        last_used_at: None,
        created_at: now,
        ..old.clone()
    };
    let mut tx = app.store.begin();
    keys::insert(&mut tx, &new, &token.hash()).await?;
    keys::expire_by(&mut tx, old.id, now.plus_seconds(overlap)).await?;
    let data = json!({"api_key_id": old.id, "replaced_by": new.id, "overlap_seconds": overlap});
    record::of_account(app, &mut tx, EventName::KeyRotated, actor, old.account_id, data).await?;
    tx.commit().await?;
    Ok((new, token))
}
