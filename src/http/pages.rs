//! How pages are made: rendered, refused, redirected, guarded. What is on them is in the `page_…` files. No GET changes anything.

use super::{
    error::{retry_later, status},
    extract::path_text,
    page_forms::told,
    page_notices::Notice,
    page_shell::Shell,
    review_session::cookie,
    reviewer::same_site,
};
use crate::{
    app::App,
    domain::Id,
    service::{Error, sessions::Opened},
};
use askama::Template;
use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    shell: Shell,
    title: String,
    text: String,
    /// Where to go and what to call it, first of all the first.
    links: Vec<(String, String)>,
}

/// A page with any status.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = template.render().expect("our templates render");
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], html)
        .into_response()
}

/// A page that shows what was asked for.
pub fn shown(template: &impl Template) -> Response {
    page(StatusCode::OK, template)
}

/// A form again, with what is wrong in it.
pub fn again(error: &Error, template: &impl Template) -> Response {
    after(error, page(status(error), template))
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct Confirm {
    shell: Shell,
    question: Question,
}

/// What is asked before something is done that cannot be undone.
pub struct Question {
    /// What is asked.
    pub title: String,
    /// What will happen.
    pub text: String,
    /// What to call a reason, where one may be given.
    pub reason: Option<&'static str>,
    /// The button that does it.
    pub label: &'static str,
    /// Where it is done, by `POST`.
    pub action: String,
    /// The way back.
    pub back: String,
}

/// A page that asks before something is done that cannot be undone.
pub fn confirm(shell: Shell, question: Question) -> Response {
    shown(&Confirm { shell, question })
}

/// A page that says one thing and leads on, first of all by the first link.
pub fn message(status: StatusCode, title: &str, text: &str, links: &[(&str, &str)]) -> Response {
    let links = links.iter().map(|(href, label)| ((*href).to_owned(), (*label).to_owned())).collect();
    page(status, &Message { shell: Shell::default(), title: title.to_owned(), text: text.to_owned(), links })
}

/// To another page, by `GET`, once something was done; there the notice says what.
pub fn see_other(path: &str, notice: impl Into<Option<Notice>>) -> Response {
    let joined = if path.contains('?') { '&' } else { '?' };
    let place = notice.into().map_or(path.to_owned(), |notice| format!("{path}{joined}notice={notice}"));
    let place = HeaderValue::from_str(&place).expect("a local path is visible ASCII");
    (StatusCode::SEE_OTHER, [(header::LOCATION, place), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))])
        .into_response()
}

/// A response that signs a browser in.
pub fn signed_in(app: &App, opened: &Opened, mut response: Response) -> Response {
    let seconds = opened.expires_at.micros_since(app.now()) / 1_000_000;
    response.headers_mut().insert(header::SET_COOKIE, cookie(app, opened.token.reveal(), seconds));
    response
}

/// An error that a page makes of itself. What a person may not see or do is not there (design 7).
pub struct PageError(Error);

impl<E: Into<Error>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match &self.0 {
            Error::Unauthenticated { .. } => see_other("/sign-in", None),
            Error::Denied(_) => refused(&NOWHERE),
            error => refused(error),
        }
    }
}

impl PageError {
    /// Its status, and what a person is told.
    pub fn told(&self) -> (StatusCode, &'static str, String) {
        let error = if matches!(self.0, Error::Denied(_)) { &NOWHERE } else { &self.0 };
        (status(error), title(error), told(error))
    }
}

const NOWHERE: Error = Error::Missing("There is no such page, or it is not for you.");

fn title(error: &Error) -> &'static str {
    if matches!(error, Error::Missing(_)) { "This link leads nowhere" } else { "Not now" }
}

/// A page that says why there is nothing else on it.
pub fn refused(error: &Error) -> Response {
    after(error, message(status(error), title(error), &told(error), &[("/", "To the start")]))
}

/// The page for an address that leads nowhere.
pub fn nowhere() -> Response {
    guarded(refused(&NOWHERE))
}

/// With the time to wait, where that is what is wrong.
fn after(error: &Error, response: Response) -> Response {
    match error {
        Error::Throttled { retry_after } => retry_later(response, *retry_after),
        Error::Busy => retry_later(response, 1),
        _ => response,
    }
}

/// The id in a page's path. One that cannot be is not there.
pub struct PageId<K>(pub Id<K>);

impl<K> FromRequestParts<App> for PageId<K>
where
    Self: InPath,
{
    type Rejection = PageError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let text = path_text(parts, app, Self::NAME).await.unwrap_or_default();
        text.parse().map(Self).map_err(|_| NOWHERE.into())
    }
}

/// What the parameter is called in the route.
pub trait InPath {
    /// Its name.
    const NAME: &'static str;
}
impl InPath for PageId<crate::store::sessions::Session> {
    const NAME: &'static str = "session_id";
}
impl InPath for PageId<crate::domain::Loop> {
    const NAME: &'static str = "loop_id";
}
impl InPath for PageId<crate::domain::Request> {
    const NAME: &'static str = "request_id";
}

impl InPath for PageId<crate::domain::Key> {
    const NAME: &'static str = "key_id";
}
impl InPath for PageId<crate::domain::Webhook> {
    const NAME: &'static str = "webhook_id";
}
impl InPath for PageId<crate::domain::Delivery> {
    const NAME: &'static str = "delivery_id";
}
impl InPath for PageId<crate::domain::notifications::Device> {
    const NAME: &'static str = "device_id";
}
impl InPath for PageId<crate::domain::Account> {
    const NAME: &'static str = "user_id";
}

/// Put on a response whose page shows an image from elsewhere: its policy then lets images from anywhere in, and nothing else.
#[derive(Clone, Copy)]
pub struct ForeignImages;

/// A page that may show images from elsewhere.
pub fn with_images(are_shown: bool, mut response: Response) -> Response {
    if are_shown {
        response.extensions_mut().insert(ForeignImages);
    }
    response
}

/// In front of every page: refuses what another site's page sends (design 7), and keeps the page to itself.
pub async fn guard(request: Request, next: Next) -> Response {
    if !request.method().is_safe()
        && let Err(error) = same_site(request.headers())
    {
        return guarded(refused(&error));
    }
    guarded(next.run(request).await)
}

const EMBEDDER_POLICY: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");

/// The headers that keep a page to itself: nothing from elsewhere, nothing inline, in nobody's frame.
fn guarded(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let images = if response.extensions().get::<ForeignImages>().is_some() { " http: https:" } else { "" };
    if !images.is_empty() {
        // The hosts of such images are sent no cookies (contract 15.2).
        response.headers_mut().insert(EMBEDDER_POLICY, HeaderValue::from_static("credentialless"));
    }
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{images}; connect-src 'self'; \
         manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::from_str(&policy).expect("the policy is ASCII");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
