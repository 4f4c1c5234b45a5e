//! Loops on the wire (contract 6.2–6.6, 6.9, 6.10).

use super::{
    admission::{LoopsRead, LoopsWrite, With},
    bodies::Body,
    error::{ApiError, OrFailed},
    extract::PathId,
    qr,
    reply::{Envelope, Reply},
    schemas::{LoopChangeBody, NewLoopBody},
    views::{LoopView, join_url, qr_url},
};
use crate::{
    app::App,
    domain::{Loop, Status, decimal, request_filters::Query, words::Word},
    service::loops::{self, Deleted},
};
use axum::extract::State;
use base64::Engine;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The ways into a loop (11.3).
#[derive(Serialize, ToSchema)]
pub struct Invite {
    /// What people type.
    #[schema(example = "ABC123DEF")]
    pub invite_code: String,
    /// The QR code of the join URL, as a `data:` URI of a PNG.
    #[schema(example = "data:image/png;base64,iVBORw0K...")]
    pub qr_code_base64: String,
    /// The same image, by address.
    #[schema(example = "https://hitl.example.com/qr/ABC123DEF.png")]
    pub qr_code_url: String,
    /// Where people join.
    #[schema(example = "https://hitl.example.com/join/ABC123DEF")]
    pub join_url: String,
}

impl Invite {
    /// The ways into this loop.
    pub fn to(it: &Loop, base_url: &str) -> Self {
        let join_url = join_url(it, base_url);
        let image = base64::engine::general_purpose::STANDARD.encode(qr::png(&join_url));
        Self {
            invite_code: it.invite_code.clone(),
            qr_code_base64: format!("data:image/png;base64,{image}"),
            qr_code_url: qr_url(it, base_url),
            join_url,
        }
    }
}

/// A loop that was just made.
#[derive(Serialize, ToSchema)]
pub struct CreatedLoop {
    /// Its identifier.
    #[schema(example = "65f1234567890abcdef12345")]
    id: String,
    /// The loop.
    #[serde(rename = "loop")]
    it: LoopView,
    /// The ways in.
    #[serde(flatten)]
    invite: Invite,
}

/// Several loops.
#[derive(Serialize, ToSchema)]
pub struct Loops {
    /// The newest first.
    loops: Vec<LoopView>,
    /// How many.
    count: usize,
}

/// One loop.
#[derive(Serialize, ToSchema)]
pub struct OneLoop {
    /// The loop.
    #[serde(rename = "loop")]
    it: LoopView,
}

/// What went with a deleted loop.
#[derive(Serialize, ToSchema)]
pub struct DeletedLoop {
    /// The loop.
    loop_id: String,
    /// When.
    deleted_at: String,
    /// What went with it.
    deleted_data: DeletedData,
}

/// What went with a deleted loop, counted.
#[derive(Serialize, ToSchema)]
pub struct DeletedData {
    /// Memberships and invitations.
    #[schema(example = 5)]
    members_removed: i64,
    /// Requests.
    #[schema(example = 23)]
    requests_deleted: i64,
    /// Answered ones among them.
    #[schema(example = 18)]
    responses_deleted: i64,
}

impl From<Deleted> for DeletedLoop {
    fn from(it: Deleted) -> Self {
        Self {
            loop_id: it.loop_id.to_string(),
            deleted_at: it.deleted_at.to_string(),
            deleted_data: DeletedData {
                members_removed: it.members_removed,
                requests_deleted: it.requests_deleted,
                responses_deleted: it.responses_deleted,
            },
        }
    }
}

/// How a loop's requests stand.
#[derive(Serialize, ToSchema)]
pub struct Statistics {
    /// The loop.
    loop_id: String,
    /// All requests.
    total_requests: i64,
    /// By status.
    by_status: BTreeMap<&'static str, i64>,
    /// Seconds from creation to answer, on average; null while none was answered.
    #[schema(value_type = Option<f64>, example = 245.5)]
    avg_response_time_seconds: Option<Value>,
    /// The part of finished requests that people answered, 0 to 1; null while none has finished.
    #[schema(value_type = Option<f64>, example = 0.9)]
    completion_rate: Option<Value>,
}

/// Creates a loop
///
/// The creator becomes its first member. Answers 201 when an icon is sent and 200 when not, as published clients expect.
#[utoipa::path(post, path = "/v1/api/loops", tag = "Loops", request_body = NewLoopBody,
    responses((status = 200, description = "Loop created successfully with QR code (no icon sent)", body = Envelope<CreatedLoop>),
              (status = 201, description = "Loop created successfully with QR code (icon sent)", body = Envelope<CreatedLoop>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:write"))))]
pub async fn create(
    caller: With<LoopsWrite>,
    State(app): State<App>,
    Body(sent): Body,
) -> Result<Reply<CreatedLoop>, ApiError> {
    const MSG: &str = "Loop created successfully with QR code";
    let created = loops::create(&app, &caller.caller, sent).await.or_failed("Failed to create loop")?;
    let data = CreatedLoop {
        id: created.peopled.it.id.to_string(),
        it: LoopView::new(&created.peopled, &app.base_url, true),
        invite: Invite::to(&created.peopled.it, &app.base_url),
    };
    Ok(if created.icon_given { Reply::created(MSG, data) } else { Reply::ok(MSG, data) })
}

/// Lists the loops one has created
#[utoipa::path(get, path = "/v1/api/loops", tag = "Loops",
    params(("include" = Option<String>, Query, description = "`member`: also the loops one has joined")),
    responses((status = 200, description = "Loops retrieved successfully", body = Envelope<Loops>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:read"))))]
pub async fn list(caller: With<LoopsRead>, State(app): State<App>, query: Query) -> Result<Reply<Loops>, ApiError> {
    let joined_too = query.value("include") == Some("member");
    let found = loops::list(&app, &caller.caller, joined_too).await.or_failed("Failed to retrieve loops")?;
    let made = |it: &Loop| it.creator_id == caller.caller.account_id();
    let loops: Vec<_> = found.iter().map(|it| LoopView::new(it, &app.base_url, made(&it.it))).collect();
    Ok(Reply::ok("Loops retrieved successfully", Loops { count: loops.len(), loops }))
}

/// Shows a loop
#[utoipa::path(get, path = "/v1/api/loops/{loop_id}", tag = "Loops", params(("loop_id" = String, Path)),
    responses((status = 200, description = "Loop retrieved successfully", body = Envelope<OneLoop>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:read"))))]
pub async fn show(
    caller: With<LoopsRead>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
) -> Result<Reply<OneLoop>, ApiError> {
    let found = loops::show(&app, &caller.caller, id).await.or_failed("Failed to retrieve loop")?;
    let made = found.it.creator_id == caller.caller.account_id();
    Ok(Reply::ok("Loop retrieved successfully", OneLoop { it: LoopView::new(&found, &app.base_url, made) }))
}

/// Changes a loop
///
/// Any of name, description and icon. Members and requests stay as they are.
#[utoipa::path(put, path = "/v1/api/loops/{loop_id}", tag = "Loops", params(("loop_id" = String, Path)), request_body = LoopChangeBody,
    responses((status = 200, description = "Loop updated successfully", body = Envelope<OneLoop>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:write"))))]
pub async fn update(
    caller: With<LoopsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
    Body(sent): Body,
) -> Result<Reply<OneLoop>, ApiError> {
    let changed = loops::update(&app, &caller.caller, id, sent).await.or_failed("Failed to update loop")?;
    Ok(Reply::ok("Loop updated successfully", OneLoop { it: LoopView::new(&changed, &app.base_url, true) }))
}

/// Changes a loop (the same as PUT)
#[utoipa::path(patch, path = "/v1/api/loops/{loop_id}", tag = "Loops", params(("loop_id" = String, Path)), request_body = LoopChangeBody,
    responses((status = 200, description = "Loop updated successfully", body = Envelope<OneLoop>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:write"))))]
pub async fn patch(
    caller: With<LoopsWrite>,
    app: State<App>,
    id: PathId<Loop>,
    body: Body,
) -> Result<Reply<OneLoop>, ApiError> {
    update(caller, app, id, body).await
}

/// Deletes a loop
///
/// For good, with its memberships, requests, answers and feedback. Open requests are cancelled first.
#[utoipa::path(delete, path = "/v1/api/loops/{loop_id}", tag = "Loops", params(("loop_id" = String, Path)),
    responses((status = 200, description = "Loop deleted successfully", body = Envelope<DeletedLoop>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:write"))))]
pub async fn delete(
    caller: With<LoopsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
) -> Result<Reply<DeletedLoop>, ApiError> {
    let deleted = loops::delete(&app, &caller.caller, id).await.or_failed("Failed to delete loop")?;
    Ok(Reply::ok("Loop deleted successfully", deleted.into()))
}

/// Shows how a loop's requests stand
#[utoipa::path(get, path = "/v1/api/loops/{loop_id}/stats", tag = "Loops", params(("loop_id" = String, Path)),
    responses((status = 200, description = "Loop statistics retrieved successfully", body = Envelope<Statistics>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:read"))))]
pub async fn statistics(
    caller: With<LoopsRead>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
) -> Result<Reply<Statistics>, ApiError> {
    let counted = loops::statistics(&app, &caller.caller, id).await.or_failed("Failed to retrieve loop")?;
    let tally = |wanted: Status| counted.iter().find(|(status, ..)| *status == wanted);
    let count = |wanted: Status| tally(wanted).map_or(0, |(_, count, _)| *count);
    let average = tally(Status::Completed).and_then(|(.., micros)| *micros);
    let finished: i64 = Status::ALL.iter().filter(|status| status.is_final()).map(|status| count(*status)).sum();
    #[expect(clippy::cast_precision_loss, reason = "a rate, of counts far below 2^52")]
    let completion_rate = (finished > 0).then(|| decimal::json(count(Status::Completed) as f64 / finished as f64));
    Ok(Reply::ok(
        "Loop statistics retrieved successfully",
        Statistics {
            loop_id: id.to_string(),
            total_requests: counted.iter().map(|(_, count, _)| count).sum(),
            by_status: Status::ALL.iter().map(|status| (status.as_str(), count(*status))).collect(),
            avg_response_time_seconds: average.map(|micros| decimal::json((micros / 1000.0).round() / 1000.0)),
            completion_rate,
        },
    ))
}

/// Gives a loop a new invite code
///
/// The old code, link and QR code stop working. Members stay.
#[utoipa::path(post, path = "/v1/api/loops/{loop_id}/invite", tag = "Members", params(("loop_id" = String, Path)),
    responses((status = 200, description = "Invite code regenerated successfully", body = Envelope<Invite>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("loops:write"))))]
pub async fn rotate_code(
    caller: With<LoopsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Loop>,
) -> Result<Reply<Invite>, ApiError> {
    let it = loops::rotate_code(&app, &caller.caller, id).await.or_failed("Failed to update loop")?;
    Ok(Reply::ok("Invite code regenerated successfully", Invite::to(&it, &app.base_url)))
}
