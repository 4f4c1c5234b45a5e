//! The first account: whoever starts a server without people gets a link that works once (design 7).

use super::{Error, Result, accounts as people, accounts::NewAccount};
use crate::{
    app::App,
    domain::{Account, Email, Role, Token},
    store::accounts,
};

const USED: Error = Error::Missing("This setup link was used already, or never was one");

/// A link to make the first account with, while nobody can sign in.
pub async fn link(app: &App) -> Result<Option<String>> {
    if accounts::any_signed_up(&app.store).await? {
        return Ok(None);
    }
    let token = Token::marked("", app.random());
    accounts::insert_setup_link(&app.store, &token.hash(), app.now()).await?;
    Ok(Some(format!("{}/setup/{}", app.base_url, token.reveal())))
}

/// Whether a link still works. Looking changes nothing.
pub async fn check(app: &App, token: &str) -> Result<()> {
    let stands = accounts::has_setup_link(&app.store, &Token::presented(token).hash()).await?;
    if stands && !accounts::any_signed_up(&app.store).await? { Ok(()) } else { Err(USED) }
}

/// Makes the first account, the owner's, and uses the link up.
pub async fn complete(app: &App, token: &str, email: &str, name: &str, password: &str) -> Result<Account> {
    check(app, token).await?;
    let email = Email::parse(email)?;
    crate::domain::accounts::check_name(name)?;
    crate::domain::accounts::check_password(password)?;
    if !accounts::take_setup_links(&app.store, &Token::presented(token).hash()).await? {
        return Err(USED);
    }
    let new = NewAccount { email, name: name.to_owned(), role: Role::Owner };
    people::register(app, new, password).await
}
