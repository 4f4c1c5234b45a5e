//! Accounts, as the operator and their owners manage them (design 7).

use super::{Error, Result, passwords, record};
use crate::{
    app::App,
    domain::{
        Account, AccountStatus, Actor, Email, EventName, Id, Invalid, Role, accounts as rules, signatures::new_secret,
    },
    store::{self, Tx, accounts, sessions, transitions},
};
use serde_json::json;

/// What a new account is to be.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What one signs in with.
    pub email: Email,
    /// What others see.
    pub name: String,
    /// What it may do on the server.
    pub role: Role,
}

/// Makes an account that can sign in. One that was only invited becomes it.
pub async fn create(app: &App, actor: Actor, new: NewAccount, password: &str) -> Result<Account> {
    create_by(app, Some(actor), new, password).await
}

/// The same by the person themselves.
pub async fn register(app: &App, new: NewAccount, password: &str) -> Result<Account> {
    create_by(app, None, new, password).await
}

async fn create_by(app: &App, actor: Option<Actor>, new: NewAccount, password: &str) -> Result<Account> {
    let name = rules::check_name(&new.name)?;
    rules::check_password(password)?;
    let password_hash = passwords::hash(app, password).await?;
    let mut tx = app.store.begin();
    let account = match accounts::find_by_email(&mut tx, &new.email).await? {
        Some(invited) if accounts::sign_up(&mut tx, invited.id, &name, new.role, &password_hash).await? => Account {
            name,
            role: new.role,
            status: AccountStatus::Active,
            password_hash: Some(password_hash),
            ..invited
        },
        Some(_) => return Err(TAKEN),
        None => {
            let account = Account {
                id: app.new_id(),
                email: new.email,
                name,
                role: new.role,
                status: AccountStatus::Active,
                password_hash: Some(password_hash),
                created_at: app.now(),
            };
            accounts::insert(&mut tx, &account, &new_secret(app.random())).await.map_err(taken)?;
            account
        }
    };
    let data = json!({"email": account.email, "role": account.role});
    let actor = actor.unwrap_or(Actor::Person(account.id));
    record::of_account(app, &mut tx, EventName::AccountCreated, actor, account.id, data).await?;
    tx.commit().await?;
    Ok(account)
}

/// The account with that address, if there is one.
pub(super) async fn known(app: &App, email: &Email) -> Result<Option<Account>> {
    Ok(accounts::find_by_email(&app.store, email).await?)
}

pub(super) const TAKEN: Error = Error::Conflict("An account with this e-mail exists already");

pub(super) fn taken(error: store::Error) -> Error {
    match error {
        store::Error::Conflict => TAKEN,
        other => other.into(),
    }
}

/// All accounts, the oldest first.
pub async fn list(app: &App) -> Result<Vec<Account>> {
    Ok(accounts::list(&app.store).await?)
}

/// The account with that address.
pub async fn by_email(app: &App, email: &Email) -> Result<Account> {
    accounts::find_by_email(&app.store, email).await?.ok_or(Error::Missing("There is no account with this e-mail"))
}

/// The account itself.
pub async fn account(app: &App, id: Id<Account>) -> Result<Account> {
    accounts::find(&app.store, id).await?.ok_or(Error::Missing("There is no such account"))
}

/// Suspends an account or lets it act again. Suspending ends its sessions and gives back what it had claimed (contract 16.7).
pub async fn set_status(app: &App, actor: Actor, id: Id<Account>, status: AccountStatus) -> Result<()> {
    let mut tx = app.store.begin();
    let account = account_in(&mut tx, id).await?;
    put_status(app, &mut tx, actor, &account, status).await?;
    Ok(tx.commit().await?)
}

/// The same inside a transaction.
pub(super) async fn put_status(
    app: &App,
    tx: &mut Tx,
    actor: Actor,
    account: &Account,
    status: AccountStatus,
) -> Result<()> {
    if account.password_hash.is_none() {
        return Err(Error::invalid("This person was invited and has not signed up yet"));
    }
    accounts::set_status(&mut *tx, account.id, status).await?;
    if status != AccountStatus::Active {
        sessions::close_all(&mut *tx, account.id, None).await?;
        for moved in transitions::release_all(&mut *tx, account.id, None, app.now()).await? {
            record::released(app, tx, actor, &moved).await?;
        }
    }
    record::of_account(app, tx, EventName::AccountStatusChanged, actor, account.id, json!({"status": status})).await
}

/// Sets a password for somebody, and ends their sessions.
pub async fn set_password(app: &App, actor: Actor, id: Id<Account>, password: &str) -> Result<()> {
    rules::check_password(password)?;
    let hash = passwords::hash(app, password).await?;
    let mut tx = app.store.begin();
    accounts::set_password(&mut tx, id, &hash).await?;
    sessions::close_all(&mut tx, id, None).await?;
    record::of_account(app, &mut tx, EventName::PasswordChanged, actor, id, json!({})).await?;
    tx.commit().await?;
    Ok(())
}

/// Changes one's own password: the old one must be known; other sessions end.
pub async fn change_password(app: &App, who: &sessions::SignedIn, current: &str, new: &str) -> Result<()> {
    app.throttle.prove(who.email.as_str(), app.now())?;
    let account = account(app, who.account_id).await?;
    if !passwords::verify(app, current, account.password_hash.as_ref()).await? {
        return Err(Invalid::failed("current_password is wrong").into());
    }
    app.throttle.proved(who.email.as_str());
    rules::check_password(new)?;
    let hash = passwords::hash(app, new).await?;
    let mut tx = app.store.begin();
    accounts::set_password(&mut tx, account.id, &hash).await?;
    sessions::close_all(&mut tx, account.id, Some(who.session_id)).await?;
    record::of_account(app, &mut tx, EventName::PasswordChanged, Actor::Person(account.id), account.id, json!({}))
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Changes one's own name.
pub async fn rename(app: &App, who: &sessions::SignedIn, name: &str) -> Result<()> {
    let name = rules::check_name(name)?;
    let mut tx = app.store.begin();
    accounts::set_name(&mut tx, who.account_id, &name).await?;
    let (actor, data) = (Actor::Person(who.account_id), json!({"name": name}));
    record::of_account(app, &mut tx, EventName::AccountRenamed, actor, who.account_id, data).await?;
    tx.commit().await?;
    Ok(())
}

/// The account itself, inside a transaction.
pub(super) async fn account_in(tx: &mut Tx, id: Id<Account>) -> Result<Account> {
    accounts::find(tx, id).await?.ok_or(Error::Missing("There is no such account"))
}
