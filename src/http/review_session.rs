//! Signing in, out and up; changing one's password (design 7).

use super::{
    bodies::Body,
    error::{ApiError, OrFailed},
    extract::{Address, ByHttps, UserAgent},
    reply::{Envelope, Reply},
    reviewer::{LoopMembership, PersonView, Reviewer},
    schemas::{PasswordBody, SetUpBody, SignInBody, SignUpBody},
};
use crate::{
    app::App,
    domain::{Invalid, Object},
    service::{accounts, sessions, sessions::Opened, setup, sign_ups},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// The cookie that holds a session's token.
pub const COOKIE: &str = "hitl_session";

/// A session that was just opened.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    /// For `Authorization: Bearer …`; shown only here.
    #[schema(example = "hitl_session_0123456789abcdef0123456789abcdef0123456789abcdef")]
    token: String,
    /// Until when it stands.
    expires_at: String,
    /// Who signed in.
    user: PersonView,
}

/// Somebody who signed up, in the loop whose code they brought.
#[derive(Serialize, ToSchema)]
pub struct SignedUp {
    /// The session that was opened.
    #[serde(flatten)]
    session: SessionView,
    /// The loop that was joined.
    #[serde(rename = "loop")]
    it: LoopMembership,
}

impl From<&Opened> for SessionView {
    fn from(opened: &Opened) -> Self {
        Self {
            token: opened.token.reveal().to_owned(),
            expires_at: opened.expires_at.to_string(),
            user: (&opened.account).into(),
        }
    }
}

/// Signs in
///
/// Answers with a token for programs and sets a cookie for browsers.
#[utoipa::path(post, path = "/v1/reviewer/session", tag = "Reviewer: session", request_body = SignInBody,
    responses((status = 200, description = "Signed in", body = Envelope<SessionView>)))]
pub async fn open(
    State(app): State<App>,
    Address(address): Address,
    UserAgent(agent): UserAgent,
    headers: HeaderMap,
    Body(sent): Body,
) -> Result<Response, ApiError> {
    super::reviewer::same_site(&headers)?;
    let sent = sent?;
    let (email, password) = (required(&sent, "email")?, required(&sent, "password")?);
    let opened = sessions::open(&app, address, email, password, agent.as_deref()).await?;
    Ok(with_cookie(&app, &opened, Reply::ok("Signed in", SessionView::from(&opened))))
}

/// Signs up and joins a loop
///
/// Whoever holds a loop's invite code may make an account with it. Whoever has one already is signed in, if the password is theirs.
#[utoipa::path(post, path = "/v1/reviewer/signup", tag = "Reviewer: session", request_body = SignUpBody,
    responses((status = 201, description = "Account created", body = Envelope<SignedUp>),
        (status = 200, description = "Signed in", body = Envelope<SignedUp>)))]
pub async fn sign_up(
    State(app): State<App>,
    Address(address): Address,
    UserAgent(agent): UserAgent,
    headers: HeaderMap,
    Body(sent): Body,
) -> Result<Response, ApiError> {
    super::reviewer::same_site(&headers)?;
    let sent = sent?;
    let form = sign_ups::SignUp {
        code: required(&sent, "invite_code")?,
        email: required(&sent, "email")?,
        name: required(&sent, "name")?,
        password: required(&sent, "password")?,
    };
    let sign_ups::SignedUp { opened, it, is_new } = sign_ups::sign_up(&app, address, form, agent.as_deref()).await?;
    let data = SignedUp { session: (&opened).into(), it: LoopMembership::new(&it, opened.account.id) };
    let reply = if is_new { Reply::created("Account created", data) } else { Reply::ok("Signed in", data) };
    Ok(with_cookie(&app, &opened, reply))
}

/// Makes the first account, with the setup link's token
#[utoipa::path(post, path = "/v1/reviewer/setup", tag = "Reviewer: session", request_body = SetUpBody,
    responses((status = 201, description = "Account created", body = Envelope<PersonView>)))]
pub async fn set_up(
    State(app): State<App>,
    Address(address): Address,
    headers: HeaderMap,
    Body(sent): Body,
) -> Result<Reply<PersonView>, ApiError> {
    super::reviewer::same_site(&headers)?;
    app.throttle.guess(address)?;
    let sent = sent?;
    let (token, email) = (required(&sent, "token")?, required(&sent, "email")?);
    let (name, password) = (required(&sent, "name")?, required(&sent, "password")?);
    let account = setup::complete(&app, token, email, name, password).await?;
    Ok(Reply::created("Account created", (&account).into()))
}

/// Signs out
#[utoipa::path(delete, path = "/v1/reviewer/session", tag = "Reviewer: session",
    responses((status = 200, description = "Signed out", body = Envelope<serde_json::Value>)), security(("session" = [])))]
pub async fn close(Reviewer(who): Reviewer, State(app): State<App>) -> Result<Response, ApiError> {
    sessions::close(&app, &who).await.or_failed("Failed to sign out")?;
    let mut response = Reply::ok("Signed out", serde_json::json!({})).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie(&app, "", 0));
    Ok(response)
}

/// Changes one's password
///
/// Every other session of the account ends.
#[utoipa::path(post, path = "/v1/reviewer/password", tag = "Reviewer: session", request_body = PasswordBody,
    responses((status = 200, description = "Password changed", body = Envelope<serde_json::Value>)), security(("session" = [])))]
pub async fn change_password(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    Body(sent): Body,
) -> Result<Reply<serde_json::Value>, ApiError> {
    let sent = sent?;
    let (current, new) = (required(&sent, "current_password")?, required(&sent, "new_password")?);
    accounts::change_password(&app, &who, current, new).await?;
    Ok(Reply::ok("Password changed", serde_json::json!({})))
}

fn required<'a>(sent: &'a Object, name: &str) -> Result<&'a str, Invalid> {
    sent.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| Invalid::required(name))
}

fn with_cookie(app: &App, opened: &Opened, reply: impl IntoResponse) -> Response {
    let mut response = reply.into_response();
    let seconds = opened.expires_at.micros_since(app.now()) / 1_000_000;
    response.headers_mut().insert(header::SET_COOKIE, cookie(app, opened.token.reveal(), seconds));
    response
}

const SECURE: &str = "; Secure";

/// The session's cookie: not for scripts, not for other sites' forms, only over https where the server is reached by it.
pub fn cookie(app: &App, token: &str, seconds: i64) -> HeaderValue {
    let secure = if app.base_url.starts_with("https:") { SECURE } else { "" };
    let cookie = format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).expect("a token is hex digits")
}

/// The layer in front of whatever may set the cookie: it is for https alone, too, where a trusted proxy says that this is how
/// the browser came, whatever `public_url` says (contract 15.6).
pub async fn keep_to_https(ByHttps(by_https): ByHttps, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if by_https
        && let Some(cookie) = response.headers().get(header::SET_COOKIE)
        && !cookie.as_bytes().ends_with(SECURE.as_bytes())
    {
        let cookie = [cookie.as_bytes(), SECURE.as_bytes()].concat();
        let cookie = HeaderValue::from_bytes(&cookie).expect("it was one before");
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
