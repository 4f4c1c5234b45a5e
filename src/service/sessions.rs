//! Signing in and out (design 7). A session's token is shown once and kept as a hash, like a key's.

use super::{Error, Result, passwords};
use crate::{
    app::App,
    domain::{Account, AccountStatus, Email, Id, Timestamp, Token},
    store::{
        accounts,
        sessions::{self, Session, SignedIn},
    },
};
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
    let verified = passwords::verify(app, password, hash).await;
    match account {
        Some(account) if verified && account.status == AccountStatus::Active => {
            app.throttle.signed_in(address, named);
            open_for(app, account, user_agent).await
        }
        _ => Err(Error::Unauthenticated { msg: "Invalid email or password", detail: None }),
    }
}

/// Opens a session for somebody who has proved who they are.
pub async fn open_for(app: &App, account: Account, user_agent: Option<&str>) -> Result<Opened> {
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
    sessions::insert(&app.store, &session).await?;
    accounts::seen(&app.store, account.id, now).await?;
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
    if sessions::close_of(&app.store, who.account_id, id).await? {
        return Ok(());
    }
    Err(Error::Missing("That session has ended already"))
}

/// Ends all of one's own sessions but this one.
pub async fn end_others(app: &App, who: &SignedIn) -> Result<()> {
    sessions::close_all(&app.store, who.account_id, Some(who.session_id)).await?;
    Ok(())
}

/// Signs out.
pub async fn close(app: &App, who: &SignedIn) -> Result<()> {
    Ok(sessions::close(&app.store, who.session_id).await?)
}
