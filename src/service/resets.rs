//! Setting a new password without the old one, by a link that an owner or the operator hands over: it works once, for a day,
//! and for a week where it is the first password of somebody who was invited.

use super::{Error, Result, accounts as people, passwords, record};
use crate::{
    app::App,
    domain::{Account, Actor, EventName, Id, Token, accounts as rules, loops::INVITATION_SECONDS},
    store::{Tx, accounts, resets, sessions},
};
use serde_json::json;
use std::net::IpAddr;

/// How long a link stands for who has a password.
const LIFETIME_SECONDS: i64 = 24 * 3600;

/// A link that was used, has run out, was replaced by another, or never was one: nobody is told which.
const USED: Error = Error::Missing("This link was used already, has run out, or never was one. Ask for another.");

/// A fresh link for an account; an earlier one stops working.
pub async fn link(app: &App, actor: Actor, id: Id<Account>) -> Result<String> {
    let mut tx = app.store.begin();
    let account = people::account_in(&mut tx, id).await?;
    let link = link_in(app, &mut tx, actor, &account).await?;
    tx.commit().await?;
    Ok(link)
}

/// The same inside a transaction.
pub(super) async fn link_in(app: &App, tx: &mut Tx, actor: Actor, account: &Account) -> Result<String> {
    let link = put(app, tx, account).await?;
    record::of_account(app, tx, EventName::ResetLinkCreated, actor, account.id, json!({})).await?;
    Ok(link)
}

/// A fresh link for the letter to somebody who was invited; `None` once the invitation was taken up or taken back.
pub(super) async fn first_link(app: &App, id: Id<Account>) -> Result<Option<String>> {
    let mut tx = app.store.begin();
    let invited = accounts::find(&mut tx, id).await?.filter(|it| it.password_hash.is_none());
    let Some(account) = invited else { return Ok(None) };
    let link = put(app, &mut tx, &account).await?;
    tx.commit().await?;
    Ok(Some(link))
}

async fn put(app: &App, tx: &mut Tx, account: &Account) -> Result<String> {
    let token = Token::marked("", app.random());
    let lifetime = if account.password_hash.is_some() { LIFETIME_SECONDS } else { INVITATION_SECONDS };
    resets::put(&mut *tx, account.id, &token.hash(), app.now().plus_seconds(lifetime)).await?;
    Ok(format!("{}/reset/{}", app.base_url, token.reveal()))
}

/// Whose link it is. Looking changes nothing, and counts as a guess.
pub async fn check(app: &App, address: IpAddr, token: &str) -> Result<Account> {
    app.throttle.guess(address)?;
    let found = resets::find(&app.store, &Token::presented(token).hash(), app.now()).await?;
    people::account(app, found.ok_or(USED)?).await
}

/// Sets the password, uses the link up, and ends the account's sessions.
pub async fn complete(app: &App, token: &str, password: &str) -> Result<()> {
    rules::check_password(password)?;
    let hash = passwords::hash(app, password).await?;
    let mut tx = app.store.begin();
    let taken = resets::take(&mut tx, &Token::presented(token).hash(), app.now()).await?;
    let id = taken.ok_or(USED)?;
    accounts::set_password(&mut tx, id, &hash).await?;
    sessions::close_all(&mut tx, id, None).await?;
    record::of_account(app, &mut tx, EventName::PasswordChanged, Actor::Person(id), id, json!({})).await?;
    tx.commit().await?;
    Ok(())
}
