//! Pages that show a secret: that of a webhook once, when it is made; that of an account's callbacks whenever it is asked for.

use super::{
    page_shell::{Section, Shell},
    page_signed_in::{Asker, SignedIn},
    pages::{PageError, Question, confirm, page},
};
use crate::{
    app::App,
    domain::{Timestamp, Webhook, signatures::Signing},
    service::callbacks,
};
use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};

type Page = std::result::Result<Response, PageError>;

#[derive(Template)]
#[template(path = "webhook_secret.html")]
struct SecretPage {
    shell: Shell,
    title: &'static str,
    secret: String,
    it: Option<Webhook>,
    old_until: Option<String>,
}

/// Until when an old secret signs, if it does.
pub(super) fn running(until: Option<Timestamp>, now: Timestamp) -> Option<String> {
    until.filter(|until| *until > now).map(|until| until.to_string())
}

/// The page that shows a webhook's secret, this once.
pub(super) fn secret_page(who: &SignedIn, title: &'static str, it: Webhook, now: Timestamp) -> Response {
    let (shell, secret) = (who.shell(Section::Webhooks), it.secret.0.clone());
    let old_until = running(it.previous_until, now);
    page(StatusCode::CREATED, &SecretPage { shell, title, secret, it: Some(it), old_until })
}

fn account_page(who: &SignedIn, status: StatusCode, title: &'static str, it: Signing, now: Timestamp) -> Response {
    let (shell, old_until) = (who.shell(Section::Webhooks), running(it.previous_until, now));
    page(status, &SecretPage { shell, title, secret: it.secret.0, it: None, old_until })
}

/// Shows what callbacks are signed with. Only when asked to, by a button: it stands on no page that one passes.
pub async fn show(Asker(who): Asker, State(app): State<App>) -> Page {
    let found = callbacks::signing(&app, &who.who).await?;
    Ok(account_page(&who, StatusCode::OK, "The signing secret of your account", found, app.now()))
}

/// Asks before an account's is replaced.
pub async fn ask_rotate(Asker(who): Asker, State(app): State<App>) -> Page {
    let until = callbacks::signing(&app, &who.who).await?.previous_until;
    let about = "It signs the callbacks of all your requests.";
    let place = ("/webhooks/signing-secret/rotate".to_owned(), "/webhooks".to_owned());
    Ok(question(&who, "Make a new signing secret?", about, running(until, app.now()), place))
}

/// Asks before a secret is replaced; `old_until` is when the one before it ends.
pub(super) fn question(
    who: &SignedIn,
    title: &str,
    about: &str,
    old_until: Option<String>,
    (action, back): (String, String),
) -> Response {
    let ended = old_until
        .map_or(String::new(), |until| format!(" The one before it, which signs until {until}, is gone at once."));
    let text = format!(
        "{about}\n\nFor 24 hours both sign what is sent, so that receivers can change over without losing anything: the old one in \
         the headers that end in -Previous and in webhook-signature. Then the old one is gone.{ended}"
    );
    let (title, label) = (title.to_owned(), "Make a new secret");
    confirm(who.shell(Section::Webhooks), Question { title, text, reason: None, label, action, back })
}

/// Replaces it; the new one is on the page that says so.
pub async fn rotate(Asker(who): Asker, State(app): State<App>) -> Page {
    let rotated = callbacks::rotate(&app, &who.who).await?;
    Ok(account_page(&who, StatusCode::CREATED, "The new signing secret of your account", rotated, app.now()))
}
