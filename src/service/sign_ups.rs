//! Signing up with a loop's invite code: whoever holds it may make an account and is in (contract 11.4).

use super::{Error, Result, accounts, accounts::NewAccount, members, sessions, sessions::Opened};
use crate::{
    app::App,
    domain::{Email, Loop, Role, accounts as rules},
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

/// Makes an account, joins the loop, and signs in.
pub async fn sign_up(app: &App, address: IpAddr, form: SignUp<'_>, user_agent: Option<&str>) -> Result<(Opened, Loop)> {
    let wanted = members::invited_to(app, address, None, form.code).await?;
    let email = Email::parse(form.email)?;
    rules::check_name(form.name)?;
    rules::check_password(form.password)?;
    let new = NewAccount { email, name: form.name.to_owned(), role: Role::Member };
    let account = accounts::register(app, new, form.password).await?;
    let it = match members::join(app, account.id, form.code).await {
        Err(Error::Conflict(_)) => wanted, // whoever was imported is in already
        joined => joined?,
    };
    Ok((sessions::open_for(app, account, user_agent).await?, it))
}
