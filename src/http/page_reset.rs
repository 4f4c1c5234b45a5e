//! The page behind a reset link: a new password, without the old one.

use super::{
    extract::{Address, Captured, Form},
    page_forms::Filled,
    page_notices::Notice,
    page_shell::Shell,
    pages::{PageError, again, refused, see_other, shown},
};
use crate::{
    app::App,
    service::{Error, resets},
};
use askama::Template;
use axum::{extract::State, response::Response};

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage {
    shell: Shell,
    email: String,
    form: Filled,
}

/// The form for the new password. Looking uses nothing up.
pub async fn form(
    State(app): State<App>,
    Address(address): Address,
    Captured(token): Captured,
) -> Result<Response, PageError> {
    let account = resets::check(&app, address, &token).await?;
    let email = account.email.to_string();
    Ok(shown(&ResetPage { shell: Shell::default(), email, form: Filled::default() }))
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
        Err(error) => {
            let form = Filled::refused(form, &error);
            again(&error, &ResetPage { shell: Shell::default(), email: account.email.to_string(), form })
        }
    })
}
