//! Requests on the wire (contract 7).

use super::{
    admission::{RequestsRead, RequestsWrite, With},
    bodies::Body,
    error::{ApiError, OrFailed},
    etag::Tag,
    extract::{PathId, UserAgent},
    reply::{Envelope, Failure, Reply, json_text},
    request_views::{
        CancelledRequest, ChangedRequest, CreatedLegacyRequest, CreatedRequest, GivenFeedback, LoopRequests,
        OneRequest, RefundInfo, Requests,
    },
    schemas::{CancelBody, FeedbackBody, LegacyRequestBody, NewRequestBody, RequestChangeBody},
};
use crate::{
    app::App,
    domain::{Loop, Request, Status, Window, bodies::refund_reason, request_filters::Query, words::Word},
    service::{
        polls::{self, Keeping},
        request_lists,
        requests::{self, Cancelled},
    },
};
use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

/// Puts a request to a loop
///
/// Everybody active in the loop sees it; the first to claim it answers. Only the loop's creator may ask.
#[utoipa::path(post, path = "/v1/api/loops/{loop_id}/requests", tag = "Requests", params(("loop_id" = String, Path)), request_body = NewRequestBody,
    responses((status = 201, description = "Request created and broadcasted successfully", body = Envelope<CreatedRequest>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:write"))))]
pub async fn create(
    caller: With<RequestsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
    UserAgent(agent): UserAgent,
    Body(sent): Body,
) -> Result<Reply<CreatedRequest>, ApiError> {
    let made = requests::create(&app, &caller.caller, id, sent, agent.as_deref()).await;
    let request = made.or_failed("Failed to create request")?;
    Ok(Reply::created("Request created and broadcasted successfully", (&request).into()))
}

/// Puts a request to the loop named in the body
///
/// The older form: type, priority and processing type may be left out, and `timeout_minutes` is understood.
#[utoipa::path(post, path = "/v1/api/requests", tag = "Requests", request_body = LegacyRequestBody,
    responses((status = 201, description = "Request created and broadcasted successfully", body = Envelope<CreatedLegacyRequest>),
        (status = 404, description = "There is no such loop", body = Failure)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:write"))))]
pub async fn create_legacy(
    caller: With<RequestsWrite>,
    State(app): State<App>,
    UserAgent(agent): UserAgent,
    Body(sent): Body,
) -> Result<Reply<CreatedLegacyRequest>, ApiError> {
    let made = requests::create_legacy(&app, &caller.caller, sent, agent.as_deref()).await;
    let request = made.or_failed("Failed to create request")?;
    let data = CreatedLegacyRequest { created: (&request).into(), request: request.into() };
    Ok(Reply::created("Request created and broadcasted successfully", data))
}

/// Lists one's requests
///
/// Those that any key of the account has made.
#[utoipa::path(get, path = "/v1/api/requests", tag = "Requests", params(
        ("status" = Option<String>, Query, description = "One of pending, claimed, completed, timeout, cancelled; or several, separated by commas"),
        ("priority" = Option<String>, Query, description = "One of low, medium, high, critical"),
        ("loop_id" = Option<String>, Query, description = "Only this loop"),
        ("api_key_id" = Option<String>, Query, description = "Only what this key made"),
        ("limit" = Option<i64>, Query, description = "1 to 100", example = 50),
        ("offset" = Option<i64>, Query, description = "0 or more", example = 0),
        ("sort" = Option<String>, Query, description = "created_at_desc, created_at_asc, priority_desc or status_asc"),
        ("created_after" = Option<String>, Query, description = "Only what was made after that time"),
        ("created_before" = Option<String>, Query, description = "Only what was made before that time"),
        ("search" = Option<String>, Query, description = "Only what has these words in its text, context, tags or answer, in capitals or not, or this id")),
    responses((status = 200, description = "Requests retrieved successfully", body = Envelope<Requests>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn list(
    caller: With<RequestsRead>,
    State(app): State<App>,
    query: Query,
) -> Result<Reply<Requests>, ApiError> {
    let listed = request_lists::list(&app, &caller.caller, &query).await.or_failed("Failed to retrieve requests")?;
    Ok(Reply::ok("Requests retrieved successfully", listed.into()))
}

/// Lists a loop's requests
///
/// For the loop's creator and members, whoever asked. Takes the filters of the list of one's own requests.
#[utoipa::path(get, path = "/v1/api/loops/{loop_id}/requests", tag = "Requests", params(("loop_id" = String, Path),
        ("status" = Option<String>, Query), ("priority" = Option<String>, Query),
        ("limit" = Option<i64>, Query, description = "1 to 100, 100 when left out"), ("offset" = Option<i64>, Query),
        ("sort" = Option<String>, Query), ("created_after" = Option<String>, Query), ("created_before" = Option<String>, Query),
        ("search" = Option<String>, Query)),
    responses((status = 200, description = "Loop requests retrieved successfully", body = Envelope<LoopRequests>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn list_of_loop(
    caller: With<RequestsRead>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
    query: Query,
) -> Result<Reply<LoopRequests>, ApiError> {
    let listed = request_lists::list_of_loop(&app, &caller.caller, id, &query).await;
    let page = listed.or_failed("Failed to retrieve requests")?.into();
    Ok(Reply::ok("Loop requests retrieved successfully", LoopRequests { loop_id: id.to_string(), page }))
}

/// Shows a request
///
/// For whoever made it, the loop's creator and its members. With `wait` it answers when the request is final, at that many
/// seconds at the latest; a waiting call counts once.
#[utoipa::path(get, path = "/v1/api/requests/{request_id}", tag = "Requests", params(("request_id" = String, Path),
        ("wait" = Option<i64>, Query, description = "Seconds to wait for the end, 1 to 300")),
    responses((status = 200, description = "Request retrieved successfully", body = Envelope<OneRequest>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn show(
    caller: With<RequestsRead>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    query: Query,
) -> Result<Response, ApiError> {
    let (caller, wait) = (&caller.caller, query.value("wait"));
    if wait.is_none()
        && let Some(known) = polls::known(&app, caller, id)
    {
        return Ok(tagged(Tag::known(known.tag.clone()), known.body.clone()));
    }
    let look = polls::look(&app);
    let request = requests::show_after(&app, caller, id, wait).await.or_failed("Failed to retrieve request")?;
    let keeping = Keeping::new(&app, look, &request);
    let body: Bytes = Reply::ok("Request retrieved successfully", OneRequest::from(request)).into_json().into();
    let tag = Tag::of(&body);
    if let Some(keeping) = keeping {
        keeping.keep(body.clone(), tag.clone().into_bytes());
    }
    Ok(tagged(tag, body))
}

/// A body whose tag is known.
fn tagged(tag: Tag, body: Bytes) -> Response {
    (Extension(tag), json_text(StatusCode::OK, body)).into_response()
}

/// Waits for a request to be final
///
/// Answers with the request, at `timeout` seconds at the latest, whatever its state is then.
#[utoipa::path(get, path = "/v1/api/requests/{request_id}/wait", tag = "Requests", params(("request_id" = String, Path),
        ("timeout" = Option<i64>, Query, description = "Seconds to wait, 1 to 300; 60 when left out")),
    responses((status = 200, description = "Request retrieved successfully", body = Envelope<OneRequest>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn wait(
    caller: With<RequestsRead>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    query: Query,
) -> Result<Reply<OneRequest>, ApiError> {
    let seconds = query.value("timeout").unwrap_or("60");
    let request = requests::show_after(&app, &caller.caller, id, Some(seconds)).await;
    Ok(Reply::ok("Request retrieved successfully", request.or_failed("Failed to retrieve request")?.into()))
}

/// Shows a request (the same, as samples write it)
#[utoipa::path(get, path = "/v1/api/requests/{request_id}/status", tag = "Requests", params(("request_id" = String, Path),
        ("wait" = Option<i64>, Query, description = "Seconds to wait for the end, 1 to 300")),
    responses((status = 200, description = "Request retrieved successfully", body = Envelope<OneRequest>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn show_again(
    caller: With<RequestsRead>,
    app: State<App>,
    id: PathId<Request>,
    query: Query,
) -> Result<Response, ApiError> {
    show(caller, app, id, query).await
}

/// Changes an open request
///
/// Type and form of the answer only while nobody has claimed it. `status: "cancelled"` takes it back.
#[utoipa::path(patch, path = "/v1/api/requests/{request_id}", tag = "Requests", params(("request_id" = String, Path)), request_body = RequestChangeBody,
    responses((status = 200, description = "Request updated successfully", body = Envelope<ChangedRequest>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:write"))))]
pub async fn update(
    caller: With<RequestsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    Body(sent): Body,
) -> Result<Response, ApiError> {
    let updated = requests::update(&app, &caller.caller, id, sent).await.or_failed("Failed to update request")?;
    let data = ChangedRequest { request: updated.request.into(), id: id.to_string(), request_id: id.to_string() };
    Ok(refunded(Reply::ok("Request updated successfully", data), updated.refunded))
}

/// Changes an open request (the same as PATCH)
#[utoipa::path(put, path = "/v1/api/requests/{request_id}", tag = "Requests", params(("request_id" = String, Path)), request_body = RequestChangeBody,
    responses((status = 200, description = "Request updated successfully", body = Envelope<ChangedRequest>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:write"))))]
pub async fn replace(
    caller: With<RequestsWrite>,
    app: State<App>,
    id: PathId<Request>,
    body: Body,
) -> Result<Response, ApiError> {
    update(caller, app, id, body).await
}

/// Takes an open request back
///
/// One that nobody had claimed gives its unit of the hourly limit back.
#[utoipa::path(delete, path = "/v1/api/requests/{request_id}", tag = "Requests", params(("request_id" = String, Path)),
    request_body(content = Option<CancelBody>, description = "Optional"),
    responses((status = 200, description = "Request cancelled successfully", body = Envelope<CancelledRequest>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:write"))))]
pub async fn cancel(
    caller: With<RequestsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    Body(sent): Body,
) -> Result<Response, ApiError> {
    let reason = requests::reason(&sent);
    let done = requests::cancel(&app, &caller.caller, id, reason.as_deref()).await;
    let Cancelled { request, previous, refunded: window } = done.or_failed("Failed to cancel request")?;
    let data = CancelledRequest {
        request_id: id.to_string(),
        status: request.status.as_str(),
        cancelled_at: request.cancelled_at.map(|at| at.to_string()),
        previous_status: previous.as_str(),
        refund_info: RefundInfo { refunded: previous == Status::Pending, reason: refund_reason(Some(previous)) },
    };
    Ok(refunded(Reply::ok("Request cancelled successfully", data), window))
}

/// Takes an open request back (the same as DELETE)
#[utoipa::path(post, path = "/v1/api/requests/{request_id}/cancel", tag = "Requests", params(("request_id" = String, Path)),
    request_body(content = Option<CancelBody>, description = "Optional"),
    responses((status = 200, description = "Request cancelled successfully", body = Envelope<CancelledRequest>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:write"))))]
pub async fn cancel_by_post(
    caller: With<RequestsWrite>,
    app: State<App>,
    id: PathId<Request>,
    body: Body,
) -> Result<Response, ApiError> {
    cancel(caller, app, id, body).await
}

/// The layer in front shows this window instead of the one it counted (3.7).
fn refunded(reply: impl IntoResponse, window: Option<Window>) -> Response {
    let mut response = reply.into_response();
    if let Some(window) = window {
        response.extensions_mut().insert(window);
    }
    response
}

/// Tells what an answer was worth
///
/// Once, for a completed request, by whoever asked.
#[utoipa::path(post, path = "/v1/api/requests/{request_id}/feedback", tag = "Requests", params(("request_id" = String, Path)), request_body = FeedbackBody,
    responses((status = 200, description = "Feedback added successfully", body = Envelope<GivenFeedback>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:write"))))]
pub async fn give_feedback(
    caller: With<RequestsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    Body(sent): Body,
) -> Result<Reply<GivenFeedback>, ApiError> {
    let given = requests::give_feedback(&app, &caller.caller, id, sent).await;
    let (feedback, told) = given.or_failed("Failed to add feedback")?;
    Ok(Reply::ok("Feedback added successfully", GivenFeedback::new(feedback, told)))
}
