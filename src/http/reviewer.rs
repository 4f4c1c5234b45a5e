//! What reviewers see and do, by session (contract 16.2). An API key is no session and gets 401 (16.6).

use super::{
    bodies::{Body, Known},
    error::{ApiError, OrFailed},
    extract::{Address, PathId},
    reply::{Envelope, Reply},
    review_session::COOKIE,
    schemas::{AnswerBody, JoinBody},
    views::{LoopView, Pagination, RequestView},
};
use crate::{
    app::App,
    domain::{Account, Id, Invalid, Json, Loop, Request, request_filters::Query},
    service::{Error, accounts, inbox, members, reviews, sessions},
    store::sessions::SignedIn,
};
use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderMap, Method, header, request::Parts},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Somebody who is signed in: by bearer token, or by cookie from our own pages.
pub struct Reviewer(pub SignedIn);

impl FromRequestParts<App> for Reviewer {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers);
        if token.is_none() && ![Method::GET, Method::HEAD].contains(&parts.method) {
            same_site(&parts.headers)?;
        }
        let who = sessions::find(app, token.or_else(|| session_cookie(&parts.headers))).await?;
        parts.extensions.insert(Known);
        Ok(Self(who))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The session's token, as browsers send it.
pub fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Refuses what another site's page sends with our cookie (design 7). Programs send neither header.
pub fn same_site(headers: &HeaderMap) -> Result<(), Error> {
    const ELSEWHERE: Error = Error::denied("Cross-site request refused");
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return if ["same-origin", "none"].contains(&site) { Ok(()) } else { Err(ELSEWHERE) };
    }
    match (text("origin"), text("host")) {
        (Some(origin), Some(host)) if origin.split_once("://").is_none_or(|(_, from)| from != host) => Err(ELSEWHERE),
        (Some(_), None) => Err(ELSEWHERE),
        _ => Ok(()),
    }
}

/// A person.
#[derive(Serialize, ToSchema)]
pub struct PersonView {
    /// The account.
    #[schema(example = "65f1234567890abcdef12346")]
    id: String,
    /// Its address.
    #[schema(example = "jane@example.com")]
    email: String,
    /// Its name.
    #[schema(example = "Jane Doe")]
    name: String,
    /// `owner` or `member`, of the server.
    #[schema(example = "member")]
    role: String,
}

impl From<&Account> for PersonView {
    fn from(it: &Account) -> Self {
        Self { id: it.id.to_string(), email: it.email.to_string(), name: it.name.clone(), role: it.role.to_string() }
    }
}

/// A loop that one is in.
#[derive(Serialize, ToSchema)]
pub struct LoopMembership {
    /// Its identifier.
    id: String,
    /// Its name.
    name: String,
    /// What it is for.
    description: String,
    /// Its icon.
    icon: String,
    /// `admin` for its creator, `member` for others.
    role: &'static str,
}

impl LoopMembership {
    /// The loop as this person's.
    pub fn new(it: &Loop, account: Id<Account>) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            description: it.description.clone(),
            icon: it.icon.clone(),
            role: if it.creator_id == account { "admin" } else { "member" },
        }
    }
}

/// A part of the inbox.
#[derive(Serialize, ToSchema)]
pub struct InboxView {
    /// `active`, `mine` or `completed`.
    #[schema(example = "active")]
    tab: String,
    /// Its requests, in the order to work on them.
    requests: Vec<RequestView>,
    /// How many are on this page.
    count: usize,
    /// How much is in each part.
    counts: InboxCounts,
    /// Which page this is.
    pagination: Pagination,
}

/// How much is in each part of the inbox.
#[derive(Serialize, ToSchema)]
pub struct InboxCounts {
    /// Waiting for somebody.
    active: i64,
    /// Claimed by me.
    mine: i64,
    /// Answered by me; counted up to 100, or as far as the page that is shown and the next.
    completed: i64,
}

/// Requests one has worked on.
#[derive(Serialize, ToSchema)]
pub struct HistoryView {
    /// The latest first.
    requests: Vec<RequestView>,
    /// How many are on this page.
    count: usize,
    /// Whether there is another page.
    has_more: bool,
    /// Where this page stands.
    pagination: Pagination,
}

/// A request as a reviewer sees it.
#[derive(Serialize, ToSchema)]
pub struct ReviewView {
    /// The request.
    request: RequestView,
    /// When one's claim lapses.
    claim_expires_at: Option<String>,
    /// What one has typed so far.
    #[schema(value_type = Option<Value>)]
    draft: Option<Json>,
}

impl ReviewView {
    fn new(request: Request, draft: Option<Json>) -> Self {
        Self { claim_expires_at: request.claim_expires_at.map(|at| at.to_string()), request: request.into(), draft }
    }
}

/// Loops one is in.
#[derive(Serialize, ToSchema)]
pub struct LoopsView {
    /// The newest first.
    loops: Vec<LoopView>,
    /// How many.
    count: usize,
}

/// The loop that was joined or left.
#[derive(Serialize, ToSchema)]
pub struct MembershipView {
    /// The loop.
    #[serde(rename = "loop")]
    it: LoopMembership,
}

/// A loop that one has just joined.
#[derive(Serialize, ToSchema)]
pub struct JoinedLoop {
    #[serde(flatten)]
    membership: LoopMembership,
    /// How many are in it now, or invited.
    member_count: i64,
}

/// What came of joining.
#[derive(Serialize, ToSchema)]
pub struct JoinedView {
    /// The loop.
    #[serde(rename = "loop")]
    it: JoinedLoop,
}

/// Shows who is signed in
#[utoipa::path(get, path = "/v1/reviewer/me", tag = "Reviewer: session",
    responses((status = 200, description = "Signed in", body = Envelope<PersonView>)), security(("session" = [])))]
pub async fn me(Reviewer(who): Reviewer, State(app): State<App>) -> Result<Reply<PersonView>, ApiError> {
    let account = accounts::account(&app, who.account_id).await.or_failed("Failed to get user information")?;
    Ok(Reply::ok("Signed in", (&account).into()))
}

/// Shows a part of the inbox
///
/// The most urgent first, those with a tight deadline before deferred ones, then the oldest.
#[utoipa::path(get, path = "/v1/reviewer/inbox", tag = "Reviewer: work",
    params(("tab" = Option<String>, Query, description = "active, mine or completed"),
        ("loop_id" = Option<String>, Query, description = "Only this loop"), ("priority" = Option<String>, Query, description = "Only this priority"),
        ("limit" = Option<i64>, Query), ("offset" = Option<i64>, Query)),
    responses((status = 200, description = "Inbox retrieved successfully", body = Envelope<InboxView>)), security(("session" = [])))]
pub async fn inbox(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    query: Query,
) -> Result<Reply<InboxView>, ApiError> {
    let found = inbox::show(&app, who.account_id, &query).await.or_failed("Failed to retrieve requests")?;
    let total = found.total();
    let requests: Vec<RequestView> = found.requests.into_iter().map(RequestView::from).collect();
    let counts = found.counts;
    Ok(Reply::ok(
        "Inbox retrieved successfully",
        InboxView {
            tab: found.tab.to_string(),
            count: requests.len(),
            pagination: Pagination::new(found.page, total, requests.len()),
            requests,
            counts: InboxCounts { active: counts.active, mine: counts.mine, completed: counts.completed },
        },
    ))
}

/// Lists what became of the requests one has worked on
#[utoipa::path(get, path = "/v1/reviewer/history", tag = "Reviewer: work",
    params(("limit" = Option<i64>, Query), ("offset" = Option<i64>, Query)),
    responses((status = 200, description = "History retrieved successfully", body = Envelope<HistoryView>)), security(("session" = [])))]
pub async fn history(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    query: Query,
) -> Result<Reply<HistoryView>, ApiError> {
    let found = inbox::history(&app, who.account_id, &query).await.or_failed("Failed to retrieve requests")?;
    let (page, has_more) = (found.page, found.has_more);
    let requests: Vec<RequestView> = found.requests.into_iter().map(RequestView::from).collect();
    let next_offset = has_more.then(|| page.offset + page.limit);
    let pagination = Pagination { limit: page.limit, offset: page.offset, next_offset };
    let data = HistoryView { count: requests.len(), requests, has_more, pagination };
    Ok(Reply::ok("History retrieved successfully", data))
}

/// Shows a request of one's loops
#[utoipa::path(get, path = "/v1/reviewer/requests/{request_id}", tag = "Reviewer: work", params(("request_id" = String, Path)),
    responses((status = 200, description = "Request retrieved successfully", body = Envelope<ReviewView>)), security(("session" = [])))]
pub async fn show(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    PathId(id): PathId<Request>,
) -> Result<Reply<ReviewView>, ApiError> {
    const FAILED: &str = "Failed to retrieve request";
    let request = reviews::show(&app, who.account_id, id).await.or_failed(FAILED)?;
    let draft = inbox::draft(&app, who.account_id, id).await.or_failed(FAILED)?;
    Ok(Reply::ok("Request retrieved successfully", ReviewView::new(request, draft)))
}

/// Claims a request
///
/// First come, first served. The claim lapses by itself if no answer comes in time.
#[utoipa::path(post, path = "/v1/reviewer/requests/{request_id}/claim", tag = "Reviewer: work", params(("request_id" = String, Path)),
    responses((status = 200, description = "Request claimed", body = Envelope<ReviewView>)), security(("session" = [])))]
pub async fn claim(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    PathId(id): PathId<Request>,
) -> Result<Reply<ReviewView>, ApiError> {
    let request = reviews::claim(&app, who.account_id, id).await.or_failed("Failed to claim request")?;
    Ok(Reply::ok("Request claimed", ReviewView::new(request, None)))
}

/// Gives a claim back
#[utoipa::path(post, path = "/v1/reviewer/requests/{request_id}/release", tag = "Reviewer: work", params(("request_id" = String, Path)),
    responses((status = 200, description = "Request released", body = Envelope<ReviewView>)), security(("session" = [])))]
pub async fn release(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    PathId(id): PathId<Request>,
) -> Result<Reply<ReviewView>, ApiError> {
    let request = reviews::release(&app, who.account_id, id).await.or_failed("Failed to release request")?;
    Ok(Reply::ok("Request released", ReviewView::new(request, None)))
}

/// Answers a request
///
/// Bare or in object form. Without a claim the answer claims on the way; of several at once exactly one is taken.
#[utoipa::path(post, path = "/v1/reviewer/requests/{request_id}/respond", tag = "Reviewer: work", params(("request_id" = String, Path)), request_body = AnswerBody,
    responses((status = 200, description = "Response submitted", body = Envelope<ReviewView>)), security(("session" = [])))]
pub async fn respond(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    Body(sent): Body,
) -> Result<Reply<ReviewView>, ApiError> {
    let answered = reviews::respond_with(&app, who.account_id, id, sent).await;
    let request = answered.or_failed("Failed to submit response")?;
    Ok(Reply::ok("Response submitted", ReviewView::new(request, None)))
}

/// Keeps a draft of an answer
#[utoipa::path(put, path = "/v1/reviewer/requests/{request_id}/draft", tag = "Reviewer: work", params(("request_id" = String, Path)), request_body = AnswerBody,
    responses((status = 200, description = "Draft saved", body = Envelope<Value>)), security(("session" = [])))]
pub async fn keep_draft(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    Body(sent): Body,
) -> Result<Reply<Value>, ApiError> {
    inbox::keep_draft(&app, who.account_id, id, sent).await.or_failed("Failed to save draft")?;
    Ok(Reply::ok("Draft saved", json!({"request_id": id})))
}

/// Lists the loops one is in
#[utoipa::path(get, path = "/v1/reviewer/loops", tag = "Reviewer: loops",
    responses((status = 200, description = "Loops retrieved successfully", body = Envelope<LoopsView>)), security(("session" = [])))]
pub async fn loops(Reviewer(who): Reviewer, State(app): State<App>) -> Result<Reply<LoopsView>, ApiError> {
    let found = inbox::loops(&app, who.account_id).await.or_failed("Failed to retrieve loops")?;
    let made = |it: &Loop| it.creator_id == who.account_id;
    let loops: Vec<_> = found.iter().map(|it| LoopView::new(it, &app.base_url, made(&it.it))).collect();
    Ok(Reply::ok("Loops retrieved successfully", LoopsView { count: loops.len(), loops }))
}

/// Joins a loop by its code
#[utoipa::path(post, path = "/v1/reviewer/loops/join", tag = "Reviewer: loops", request_body = JoinBody,
    responses((status = 200, description = "Joined loop", body = Envelope<JoinedView>)), security(("session" = [])))]
pub async fn join(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    Address(address): Address,
    Body(sent): Body,
) -> Result<Reply<JoinedView>, ApiError> {
    let sent = sent?;
    let code = sent.trimmed("invite_code")?.ok_or_else(|| Invalid::required("invite_code"))?;
    members::invited_to(&app, address, Some(who.account_id), code).await?;
    let it = members::join(&app, who.account_id, code).await.or_failed("Failed to join loop")?;
    let member_count = members::count(&app, it.id).await.or_failed("Failed to join loop")?;
    let it = JoinedLoop { membership: LoopMembership::new(&it, who.account_id), member_count };
    Ok(Reply::ok("Joined loop", JoinedView { it }))
}

/// Leaves a loop
///
/// What one had claimed there returns to the queue.
#[utoipa::path(post, path = "/v1/reviewer/loops/{loop_id}/leave", tag = "Reviewer: loops", params(("loop_id" = String, Path)),
    responses((status = 200, description = "Left loop", body = Envelope<MembershipView>)), security(("session" = [])))]
pub async fn leave(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
) -> Result<Reply<MembershipView>, ApiError> {
    let it = members::leave(&app, who.account_id, id).await.or_failed("Failed to leave loop")?;
    Ok(Reply::ok("Left loop", MembershipView { it: LoopMembership::new(&it, who.account_id) }))
}
