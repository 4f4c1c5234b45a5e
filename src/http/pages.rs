//! Pages for people: the start, the first account, joining a loop, the API's description. No GET changes anything.

use super::{
    error::{retry_later, status},
    extract::{Address, Form, UserAgent, path_text},
    review_session::cookie,
    reviewer::same_site,
};
use crate::{
    app::App,
    domain::{Loop, loops::typed_code, request_filters::Query},
    service::{Error, members, sessions, sessions::Opened, setup as first, sign_ups},
};
use askama::Template;
use axum::{
    extract::{FromRequest, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::IpAddr;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    version: &'static str,
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs;

#[derive(Template, Default)]
#[template(path = "setup.html")]
struct Setup {
    problem: Option<String>,
    name: String,
    email: String,
}

#[derive(Template)]
#[template(path = "join.html")]
struct Join {
    code: String,
    loop_name: String,
    description: String,
    icon: String,
    mode: String,
    problem: Option<String>,
    name: String,
    email: String,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    title: String,
    text: String,
    href: String,
    label: String,
}

/// Where one is, and where to go.
pub async fn home() -> Response {
    page(StatusCode::OK, &Home { version: env!("CARGO_PKG_VERSION") })
}

/// The API's description, readable.
pub async fn docs() -> Response {
    page(StatusCode::OK, &Docs)
}

/// The form for the first account.
pub async fn setup(State(app): State<App>, request: Request) -> Response {
    let token = text(&app, request, "token").await;
    match first::check(&app, &token).await {
        Ok(()) => page(StatusCode::OK, &Setup::default()),
        Err(error) => refused(&error),
    }
}

/// Makes the first account.
pub async fn set_up(
    State(app): State<App>,
    Address(address): Address,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let (token, form) = match text_and_form(&app, request, "token").await {
        Ok(both) => both,
        Err(response) => return response,
    };
    let field = |name| form.value(name).unwrap_or_default();
    let done = async {
        same_site(&headers)?;
        app.throttle.guess(address)?;
        first::complete(&app, &token, field("email"), field("name"), untrimmed(&form, "password")).await
    };
    match done.await {
        Ok(account) => {
            let text = format!(
                "{} owns this server now. Sign in with it, and make an API key with `hitl keys create`.",
                account.email
            );
            message(StatusCode::CREATED, "The first account is made", &text, ("/docs", "Read the API"))
        }
        Err(error @ Error::Missing(_)) => refused(&error),
        Err(error) => {
            let problem = Some(told(&error));
            let form = Setup { problem, name: field("name").to_owned(), email: field("email").to_owned() };
            after(&error, page(status(&error), &form))
        }
    }
}

/// The invitation to a loop.
pub async fn join(State(app): State<App>, Address(address): Address, request: Request) -> Response {
    let code = typed_code(&text(&app, request, "code").await);
    match members::invited_to(&app, address, &code).await {
        Ok(it) => page(StatusCode::OK, &invitation(&it, code, &Query::default(), None)),
        Err(error) => refused(&error),
    }
}

/// Joins the loop, with an account or with a new one.
pub async fn join_in(
    State(app): State<App>,
    Address(address): Address,
    UserAgent(agent): UserAgent,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let (code, form) = match text_and_form(&app, request, "code").await {
        Ok(both) => both,
        Err(response) => return response,
    };
    let code = typed_code(&code);
    let it = match members::invited_to(&app, address, &code).await {
        Ok(it) => it,
        Err(error) => return refused(&error),
    };
    let joined = async {
        same_site(&headers)?;
        join_by(&app, address, &code, &form, agent.as_deref()).await
    };
    match joined.await {
        Ok(opened) => welcome(&app, &it, &opened),
        Err(error) => after(&error, page(status(&error), &invitation(&it, code, &form, Some(told(&error))))),
    }
}

async fn join_by(app: &App, address: IpAddr, code: &str, form: &Query, agent: Option<&str>) -> Result<Opened, Error> {
    let field = |name| form.value(name).unwrap_or_default();
    let (email, password) = (field("email"), untrimmed(form, "password"));
    if field("mode") == "sign_in" {
        let opened = sessions::open(app, address, email, password, agent).await?;
        return match members::join(app, opened.account.id, code).await {
            Ok(_) | Err(Error::Conflict(_)) => Ok(opened), // whoever is in already may come in again
            Err(error) => Err(error),
        };
    }
    let form = sign_ups::SignUp { code, email, name: field("name"), password };
    sign_ups::sign_up(app, address, form, agent).await.map(|(opened, _)| opened)
}

fn welcome(app: &App, it: &Loop, opened: &Opened) -> Response {
    let title = format!("You are in {}", it.name);
    let text = "Requests of this loop are put before you from now on.";
    let mut response = message(StatusCode::OK, &title, text, ("", ""));
    let seconds = opened.expires_at.micros_since(app.now()) / 1_000_000;
    response.headers_mut().insert(header::SET_COOKIE, cookie(app, opened.token.reveal(), seconds));
    response
}

fn invitation(it: &Loop, code: String, form: &Query, problem: Option<String>) -> Join {
    let field = |name| form.value(name).unwrap_or_default().to_owned();
    Join {
        code,
        loop_name: it.name.clone(),
        description: it.description.clone(),
        icon: it.icon.clone(),
        mode: field("mode"),
        problem,
        name: field("name"),
        email: field("email"),
    }
}

async fn text(app: &App, request: Request, name: &str) -> String {
    let (mut parts, _) = request.into_parts();
    path_text(&mut parts, app, name).await.unwrap_or_default()
}

async fn text_and_form(app: &App, request: Request, name: &str) -> Result<(String, Query), Response> {
    let (mut parts, body) = request.into_parts();
    let text = path_text(&mut parts, app, name).await.unwrap_or_default();
    let Form(form) = Form::from_request(Request::from_parts(parts, body), app).await?;
    Ok((text, form))
}

/// A password may begin or end with a space.
fn untrimmed<'a>(form: &'a Query, name: &str) -> &'a str {
    form.0.iter().rev().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// What a person is told: the detail where there is one, and never what broke inside.
fn told(error: &Error) -> String {
    match error {
        Error::Store(error) => {
            tracing::error!(%error, "a page failed");
            "Something went wrong on our side. Please try again.".to_owned()
        }
        Error::Invalid(invalid) => {
            let detail = invalid.data.as_ref().and_then(|data| data.as_str());
            sentence(detail.unwrap_or(&invalid.msg))
        }
        Error::Throttled { .. } => "Too many attempts. Please wait a minute.".to_owned(),
        other => other.to_string(),
    }
}

/// `name must be …` as a sentence.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn refused(error: &Error) -> Response {
    let title = if matches!(error, Error::Missing(_)) { "This link leads nowhere" } else { "Not now" };
    after(error, message(status(error), title, &told(error), ("/", "To the start")))
}

/// With the time to wait, where that is what is wrong.
fn after(error: &Error, response: Response) -> Response {
    match error {
        Error::Throttled { retry_after } => retry_later(response, *retry_after),
        _ => response,
    }
}

fn message(status: StatusCode, title: &str, text: &str, link: (&str, &str)) -> Response {
    let (href, label) = (link.0.to_owned(), link.1.to_owned());
    page(status, &Message { title: title.to_owned(), text: text.to_owned(), href, label })
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = template.render().expect("our templates render");
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], html)
        .into_response()
}

/// The headers that keep a page to itself: nothing from elsewhere, nothing inline, in nobody's frame.
pub async fn guard(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
