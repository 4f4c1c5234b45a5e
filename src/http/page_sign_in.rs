//! Signing in and out in a browser.

use super::{
    extract::{Address, Form, UserAgent},
    page_forms::Filled,
    page_notices::Notice,
    page_request,
    page_shell::{Section, Shell},
    page_signed_in::{SignedIn, Visitor},
    pages::{PageError, again, page, see_other, shown, signed_in},
    review_session::cookie,
};
use crate::{
    app::App,
    domain::{Id, Request, request_filters::Query},
    service::{sessions, sessions::Opened},
};
use askama::Template;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use url::{Url, form_urlencoded::Serializer};

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
            let response = match carried(&next, &form) {
                Some((id, sent)) => brought_back(&app, visitor, &opened, id, &sent).await,
                None => see_other(&next, None),
            };
            signed_in(&app, &opened, response)
        }
        Err(error) => again(&error, &SignInPage { shell: visitor.shell(None), form: Filled::refused(form, &error) }),
    }
}

/// The form to sign in with, which carries an answer through: its session ended before it was sent.
pub fn carrying(visitor: &Visitor, next: &str, sent: &Form) -> Response {
    if sent.0.0.iter().all(|(_, text)| text.is_empty()) {
        return see_other(
            &format!("/sign-in?{}", Serializer::new(String::new()).append_pair("next", next).finish()),
            None,
        );
    }
    let kept = Serializer::new(String::new()).extend_pairs(&sent.0.0).finish();
    let form = Filled::with([("next", next), ("kept", &kept)]);
    page(StatusCode::UNAUTHORIZED, &SignInPage { shell: visitor.shell(None), form })
}

/// The request that an answer was carried for, and the answer's form.
fn carried(next: &str, form: &Form) -> Option<(Id<Request>, Form)> {
    let kept = Some(form.text("kept")).filter(|kept| !kept.is_empty())?;
    let id = next.strip_prefix("/inbox/")?.parse().ok()?;
    Some((id, Form(Query::parse(kept))))
}

async fn brought_back(app: &App, visitor: Visitor, opened: &Opened, id: Id<Request>, sent: &Form) -> Response {
    let who = match sessions::find(app, Some(opened.token.reveal())).await {
        Ok(who) => SignedIn::of(visitor.now_with(who)),
        Err(error) => return PageError::from(error).into_response(),
    };
    match who {
        Ok(who) => page_request::bring_back(app, &who, id, sent).await,
        Err(_) => see_other(&Section::Inbox.href(), None),
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
