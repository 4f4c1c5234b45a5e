//! Oneself: name, password, and where one is signed in.

use super::{
    extract::Form,
    page_forms::Filled,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::SignedIn,
    page_times::Moment,
    pages::{PageError, PageId, again, see_other, shown},
};
use crate::{
    app::App,
    service::{Error, accounts, sessions},
    store::sessions::Session,
};
use askama::Template;
use axum::{extract::State, response::Response};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    email: String,
    name: Filled,
    password: Filled,
    sessions: Vec<SessionRow>,
}

/// One place where one is signed in.
struct SessionRow {
    id: String,
    device: String,
    since: Moment,
    is_this: bool,
}

/// Everything about oneself.
pub async fn show(who: SignedIn, State(app): State<App>) -> Result<Response, PageError> {
    let name = Filled::with([("name", &who.who.name)]);
    Ok(shown(&page(&app, &who, name, Filled::default()).await?))
}

async fn page(app: &App, who: &SignedIn, name: Filled, password: Filled) -> Result<AccountPage, Error> {
    let sessions = sessions::list(app, who.id()).await?.into_iter().map(|session| SessionRow {
        id: session.id.to_string(),
        device: device(session.user_agent.as_deref().unwrap_or_default()),
        since: Moment::age(session.created_at, app.now()),
        is_this: session.id == who.who.session_id,
    });
    let sessions = sessions.collect();
    Ok(AccountPage { shell: who.shell(Section::Account), email: who.who.email.to_string(), name, password, sessions })
}

/// Changes one's name.
pub async fn rename(who: SignedIn, State(app): State<App>, form: Form) -> Result<Response, PageError> {
    Ok(match accounts::rename(&app, &who.who, form.text("name")).await {
        Ok(()) => see_other("/account", Notice::NameChanged),
        Err(error) => again(&error, &page(&app, &who, Filled::refused(form, &error), Filled::default()).await?),
    })
}

/// Changes one's password.
pub async fn change_password(who: SignedIn, State(app): State<App>, form: Form) -> Result<Response, PageError> {
    let (current, new) = (form.exact("current_password"), form.exact("password"));
    Ok(match accounts::change_password(&app, &who.who, current, new).await {
        Ok(()) => see_other("/account", Notice::PasswordChanged),
        Err(error) => {
            let name = Filled::with([("name", &who.who.name)]);
            again(&error, &page(&app, &who, name, Filled::refused(form, &error)).await?)
        }
    })
}

/// Ends one of one's sessions.
pub async fn end_session(
    who: SignedIn,
    State(app): State<App>,
    PageId(id): PageId<Session>,
) -> Result<Response, PageError> {
    sessions::end(&app, &who.who, id).await?;
    Ok(see_other("/account", Notice::SessionEnded))
}

/// Ends all of one's sessions but this one.
pub async fn end_others(who: SignedIn, State(app): State<App>) -> Result<Response, PageError> {
    sessions::end_others(&app, &who.who).await?;
    Ok(see_other("/account", Notice::SessionsEnded))
}

/// A `User-Agent` in words: the first of each list that it names.
pub(super) fn device(agent: &str) -> String {
    const PROGRAMS: [(&str, &str); 6] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    ];
    let named = |list: [(&str, &'static str); 6]| list.iter().find(|(mark, _)| agent.contains(mark)).map(|it| it.1);
    match (named(PROGRAMS), named(SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "A program".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn browsers_are_named() {
        let phone = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36";
        assert_eq!(device(phone), "Chrome on Android");
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15";
        assert_eq!(device(mac), "Safari on Mac");
        assert_eq!((device("curl/8.5"), device("")), ("curl".to_owned(), "A program".to_owned()));
    }
}
