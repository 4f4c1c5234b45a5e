//! The page behind a reset link: a new password without the old one, or the first one of somebody who was invited.

use super::{
    extract::{Address, Captured, Form},
    page_forms::Filled,
    page_notices::Notice,
    page_shell::Shell,
    pages::{PageError, again, refused, see_other, shown},
};
use crate::{
    app::App,
    domain::Account,
    service::{Error, resets},
};
use askama::Template;
use axum::{extract::State, response::Response};

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage {
    shell: Shell,
    account: Account,
    form: Filled,
}

impl ResetPage {
    fn new(account: Account, form: Filled) -> Self {
        Self { shell: Shell::default(), account, form }
    }

    /// Whether it is the first password, of somebody who was invited.
    fn is_first(&self) -> bool {
        self.account.password_hash.is_none()
    }
}

/// The form for the new password. Looking uses nothing up.
pub async fn form(
    State(app): State<App>,
    Address(address): Address,
    Captured(token): Captured,
) -> Result<Response, PageError> {
    let account = resets::check(&app, address, &token).await?;
    Ok(shown(&ResetPage::new(account, Filled::default())))
}

/// Sets the password, and uses the link up.
pub async fn reset(
    State(app): State<App>,
    Address(address): Address,
    Captured(token): Captured,
    form: Form,
) -> Result<Response, PageError> {
    let account = resets::check(&app, address, &token).await?;
    Ok(match resets::complete(&app, &token, form.exact("password")).await {
        Ok(()) => see_other("/sign-in", Notice::PasswordSet),
        Err(error @ Error::Missing(_)) => refused(&error),
        Err(error) => again(&error, &ResetPage::new(account, Filled::refused(form, &error))),
    })
}
