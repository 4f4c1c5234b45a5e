//! Signing in and out in a browser.

use super::{
    extract::{Address, Form, UserAgent},
    page_forms::Filled,
    page_notices::Notice,
    page_shell::{Section, Shell},
    page_signed_in::{SignedIn, Visitor},
    pages::{PageError, again, see_other, shown, signed_in},
    review_session::cookie,
};
use crate::{app::App, domain::request_filters::Query, service::sessions};
use askama::Template;
use axum::{extract::State, http::header, response::Response};
use url::Url;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    form: Filled,
}

/// The form to sign in with. Who is signed in already goes on.
pub async fn form(visitor: Visitor, query: Query) -> Response {
    let next = query.value("next").and_then(local);
    if visitor.who.is_some() {
        return see_other(&next.unwrap_or_else(|| Section::Inbox.href()), None);
    }
    let form = Filled::with([("next", next.as_deref().unwrap_or_default())]);
    shown(&SignInPage { shell: visitor.shell(None), form })
}

/// Signs in, and goes on to the page that was wanted.
pub async fn sign_in(
    visitor: Visitor,
    State(app): State<App>,
    Address(address): Address,
    UserAgent(agent): UserAgent,
    form: Form,
) -> Response {
    let (email, password) = (form.text("email"), form.exact("password"));
    match sessions::open(&app, address, email, password, agent.as_deref()).await {
        Ok(opened) => {
            let next = local(form.text("next")).unwrap_or_else(|| Section::Inbox.href());
            signed_in(&app, &opened, see_other(&next, None))
        }
        Err(error) => again(&error, &SignInPage { shell: visitor.shell(None), form: Filled::refused(form, &error) }),
    }
}

/// Signs out.
pub async fn sign_out(who: SignedIn, State(app): State<App>) -> Result<Response, PageError> {
    sessions::close(&app, &who.who).await?;
    let mut response = see_other("/sign-in", Notice::SignedOut);
    response.headers_mut().insert(header::SET_COOKIE, cookie(&app, "", 0));
    Ok(response)
}

/// A path on this server, read as a browser reads it; none where it leads elsewhere.
pub fn local(place: &str) -> Option<String> {
    let here = Url::parse("http://here.invalid").ok()?;
    let there = here.join(place).ok()?;
    let path = there[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
    let ours = place.starts_with('/') && there.origin() == here.origin() && place.len() <= 2000;
    (ours && !path.starts_with("//")).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_local() {
        for path in ["/inbox", "/inbox?tab=mine&notice=x", "/loops/65f1234567890abcdef12345"] {
            assert_eq!(local(path).as_deref(), Some(path));
        }
        assert_eq!(local("/a b?c=\u{e9}#d").as_deref(), Some("/a%20b?c=%C3%A9"));
        for elsewhere in [
            "",
            "inbox",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\/evil.test",
            "/\t/evil.test",
            "/\n/evil.test",
            "http://evil.test/",
            "https:evil.test",
            "javascript:alert(1)",
            "data:text/html,x",
            " //evil.test",
            "/.//evil.test",
            "/..//evil.test",
            "http://here.invalid/inbox",
            "//here.invalid@evil.test",
        ] {
            assert_eq!(local(elsewhere), None, "{elsewhere:?}");
        }
        assert_eq!(local(&format!("/{}", "a".repeat(2000))), None);
    }
}
