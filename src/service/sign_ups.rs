//! Signing up with a loop's invite code: whoever holds it may make an account and is in (contract 11.4).

use super::{Error, Result, accounts, accounts::NewAccount, members, sessions, sessions::Opened};
use crate::{
    app::App,
    domain::{Account, AccountStatus, Email, Id, Loop, Role, accounts as rules},
    store::loops,
};
use std::net::IpAddr;

/// What a person fills in.
#[derive(Clone, Copy)]
pub struct SignUp<'a> {
    /// The loop's code.
    pub code: &'a str,
    /// What to sign in with.
    pub email: &'a str,
    /// What others see.
    pub name: &'a str,
    /// To sign in with.
    pub password: &'a str,
}

/// What came of it.
pub struct SignedUp {
    /// The session that was opened.
    pub opened: Opened,
    /// The loop that was joined.
    pub it: Loop,
    /// Whether the account was made; otherwise it was there, and the password was its own.
    pub is_new: bool,
}

/// Makes an account, joins the loop, and signs in.
pub async fn sign_up(app: &App, address: IpAddr, form: SignUp<'_>, user_agent: Option<&str>) -> Result<SignedUp> {
    let wanted = members::invited_to(app, address, None, form.code).await?;
    let email = Email::parse(form.email)?;
    rules::check_name(form.name)?;
    rules::check_password(form.password)?;
    match accounts::known(app, &email).await? {
        Some(it) if it.status != AccountStatus::Inactive => {
            return signed_up_before(app, address, form, user_agent, wanted).await;
        }
        Some(it) if !may_become(app, &it, &wanted).await? => return Err(NOT_TAKEN),
        _ => {}
    }
    let new = NewAccount { email, name: form.name.to_owned(), role: Role::Member };
    let account = accounts::register(app, new, form.password).await?;
    let it = entered(app, account.id, form.code, wanted).await?;
    Ok(SignedUp { opened: sessions::open_for(app, account, user_agent).await?, it, is_new: true })
}

/// Whether the code of that loop makes somebody who they are: whoever was imported is in loops already, of which it must be one.
async fn may_become(app: &App, who: &Account, wanted: &Loop) -> Result<bool> {
    let joined = loops::joined_by(&app.store, who.id).await?;
    Ok(joined.is_empty() || joined.iter().any(|it| it.id == wanted.id))
}

/// Whoever has an account signs in by the same form, if the password is theirs. What is not is a failed attempt to sign in, and
/// counted as one: nobody finds out address by address who has an account.
async fn signed_up_before(
    app: &App,
    address: IpAddr,
    form: SignUp<'_>,
    user_agent: Option<&str>,
    wanted: Loop,
) -> Result<SignedUp> {
    let opened = match sessions::open(app, address, form.email, form.password, user_agent).await {
        Err(Error::Unauthenticated { .. }) => return Err(NOT_TAKEN),
        opened => opened?,
    };
    let it = entered(app, opened.account.id, form.code, wanted).await?;
    Ok(SignedUp { opened, it, is_new: false })
}

/// The loop once somebody has joined it, or is in it already.
async fn entered(app: &App, account: Id<Account>, code: &str, wanted: Loop) -> Result<Loop> {
    match members::join(app, account, code).await {
        Err(Error::Conflict(_)) => Ok(wanted),
        joined => joined,
    }
}

const NOT_TAKEN: Error = Error::Conflict("This did not work. If you have an account already, sign in with it");
