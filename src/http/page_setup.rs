//! The page behind the setup link: the first account, the owner's (design 7).

use super::{
    extract::{Address, Captured, Form, UserAgent},
    page_forms::Filled,
    page_shell::Shell,
    pages::{PageError, again, message, refused, shown, signed_in},
};
use crate::{
    app::App,
    service::{Error, sessions, setup},
};
use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    shell: Shell,
    form: Filled,
}

/// The form for the first account.
pub async fn form(State(app): State<App>, Captured(token): Captured) -> Result<Response, PageError> {
    setup::check(&app, &token).await?;
    Ok(shown(&SetupPage { shell: Shell::default(), form: Filled::default() }))
}

/// Makes the first account, and signs it in.
pub async fn set_up(
    State(app): State<App>,
    Address(address): Address,
    UserAgent(agent): UserAgent,
    Captured(token): Captured,
    form: Form,
) -> Response {
    let done = async {
        app.throttle.guess(address)?;
        let (email, name, password) = (form.text("email"), form.text("name"), form.exact("password"));
        let account = setup::complete(&app, &token, email, name, password).await?;
        sessions::open_for(&app, account, agent.as_deref()).await
    };
    match done.await {
        Ok(opened) => {
            let text = format!("You are signed in as {}, who owns this server now.", opened.account.email);
            let page = message(
                StatusCode::CREATED,
                "The first account is made",
                &text,
                &[("/loops/new", "Make your first loop")],
            );
            signed_in(&app, &opened, page)
        }
        Err(error @ Error::Missing(_)) => refused(&error),
        Err(error) => again(&error, &SetupPage { shell: Shell::default(), form: Filled::refused(form, &error) }),
    }
}
