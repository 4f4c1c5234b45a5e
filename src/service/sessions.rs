//! Signing in and out (design 7). A session's token is shown once and kept as a hash, like a key's.

use super::{Error, Result, passwords, record};
use crate::{
    app::App,
    domain::{Account, AccountStatus, Actor, Email, EventName, Id, Timestamp, Token},
    store::{
        Tx, accounts,
        sessions::{self, Session, SignedIn},
    },
};
use serde_json::{Value, json};
use std::net::IpAddr;

/// The mark of a session's token.
const MARK: &str = "hitl_session_";
/// The longest `User-Agent` that is kept, in characters.
const LONGEST_AGENT: usize = 300;
/// How often it is noted that somebody is there, in microseconds.
const SEEN_EVERY: i64 = 5 * 60 * 1_000_000;

/// A session that was just opened.
pub struct Opened {
    /// The token, to be shown once.
    pub token: Token,
    /// Who signed in.
    pub account: Account,
    /// Until when it stands.
    pub expires_at: Timestamp,
}

/// Signs somebody in. Wrong address, wrong password and suspended account are told apart by nobody.
pub async fn open(app: &App, address: IpAddr, email: &str, password: &str, user_agent: Option<&str>) -> Result<Opened> {
    let email = Email::parse(email).ok();
    let named = email.as_ref().map_or("", Email::as_str);
    app.throttle.sign_in(address, named, app.now())?;
    let account = match &email {
        Some(email) => accounts::find_by_email(&app.store, email).await?,
        None => None,
    };
    let hash = account.as_ref().and_then(|account| account.password_hash.as_ref());
    let verified = passwords::verify(app, password, hash).await?;
    match account {
        Some(account) if verified && account.status == AccountStatus::Active => {
            app.throttle.signed_in(address, named);
            open_from(app, account, user_agent, Some(address)).await
        }
        _ => Err(Error::Unauthenticated { msg: "Invalid email or password", detail: None }),
    }
}

/// Opens a session for somebody who has proved who they are in another way, which has its own event.
pub async fn open_for(app: &App, account: Account, user_agent: Option<&str>) -> Result<Opened> {
    open_from(app, account, user_agent, None).await
}

/// The same; who has signed in from an address is recorded.
async fn open_from(app: &App, account: Account, user_agent: Option<&str>, address: Option<IpAddr>) -> Result<Opened> {
    let token = Token::marked(MARK, app.random());
    let now = app.now();
    let lifetime = i64::try_from(app.settings.sessions.lifetime.as_secs()).unwrap_or(i64::MAX);
    let session = Session {
        id: app.new_id(),
        account_id: account.id,
        token_hash: token.hash(),
        user_agent: user_agent.map(|agent| agent.chars().take(LONGEST_AGENT).collect()),
        created_at: now,
        expires_at: now.plus_seconds(lifetime),
    };
    let mut tx = app.store.begin();
    sessions::insert(&mut tx, &session).await?;
    accounts::seen(&mut tx, account.id, now).await?;
    if let Some(address) = address {
        let about = json!({"session_id": session.id, "address": address.to_string(), "user_agent": session.user_agent});
        let actor = Actor::Person(account.id);
        record::of_account(app, &mut tx, EventName::SignedIn, actor, account.id, about).await?;
    }
    tx.commit().await?;
    Ok(Opened { token, account, expires_at: session.expires_at })
}

/// Finds out who holds a session's token. An API key is never one (contract 16.6).
pub async fn find(app: &App, token: Option<&str>) -> Result<SignedIn> {
    let refused = Error::Unauthenticated { msg: "Sign in first", detail: None };
    let Some(token) = token.filter(|token| token.starts_with(MARK) && token.len() <= Token::LONGEST) else {
        return Err(refused);
    };
    let now = app.now();
    let who = sessions::find(&app.store, &Token::presented(token).hash(), now).await?.ok_or(refused)?;
    if who.last_seen_at.is_none_or(|at| now.micros_since(at) >= SEEN_EVERY)
        && let Err(error) = accounts::seen(&app.store, who.account_id, now).await
    {
        tracing::warn!(%error, "when somebody was last seen could not be noted"); // nobody is kept out for that
    }
    Ok(who)
}

/// Whether a session still stands.
pub async fn check(app: &App, who: &SignedIn) -> Result<()> {
    if sessions::stands(&app.store, who.session_id, app.now()).await? {
        return Ok(());
    }
    Err(Error::Unauthenticated { msg: "Sign in first", detail: None })
}

/// Where a person is signed in, the latest first.
pub async fn list(app: &App, account: Id<Account>) -> Result<Vec<Session>> {
    Ok(sessions::of_account(&app.store, account, app.now()).await?)
}

/// Ends one of one's own sessions.
pub async fn end(app: &App, who: &SignedIn, id: Id<Session>) -> Result<()> {
    let mut tx = app.store.begin();
    if !sessions::close_of(&mut tx, who.account_id, id).await? {
        return Err(Error::Missing("That session has ended already"));
    }
    ended(app, tx, who, EventName::SessionsEnded, json!({"email": who.email, "count": 1})).await
}

/// Ends all of one's own sessions but this one.
pub async fn end_others(app: &App, who: &SignedIn) -> Result<()> {
    let mut tx = app.store.begin();
    let count = sessions::close_all(&mut tx, who.account_id, Some(who.session_id)).await?;
    if count == 0 {
        return Ok(());
    }
    ended(app, tx, who, EventName::SessionsEnded, json!({"email": who.email, "count": count})).await
}

/// Signs out.
pub async fn close(app: &App, who: &SignedIn) -> Result<()> {
    let mut tx = app.store.begin();
    sessions::close(&mut tx, who.session_id).await?;
    ended(app, tx, who, EventName::SignedOut, json!({"session_id": who.session_id})).await
}

async fn ended(app: &App, mut tx: Tx, who: &SignedIn, name: EventName, about: Value) -> Result<()> {
    record::of_account(app, &mut tx, name, Actor::Person(who.account_id), who.account_id, about).await?;
    Ok(tx.commit().await?)
}
