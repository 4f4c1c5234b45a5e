//! The log of deliveries on the wire, and sending again (contract 12.9).

use super::{
    admission::{RequestsRead, RequestsWrite, WebhooksRead, WebhooksWrite, With},
    bodies::Body,
    error::{ApiError, OrFailed},
    extract::PathId,
    reply::{Envelope, Reply},
    schemas::RecoverBody,
    views::Pagination,
};
use crate::{
    app::App,
    domain::{Delivery, Request, Webhook, request_filters::Query, webhooks::DeliveryStatus, words::Word},
    service::{callbacks, deliveries::Log, webhooks},
    store::attempts::Made,
};
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// One event on its way to one address (12.9).
#[derive(Serialize, ToSchema)]
pub struct DeliveryView {
    /// Its identifier.
    id: String,
    /// The webhook; null for a callback.
    webhook_id: Option<String>,
    /// `webhook` or `callback`.
    kind: &'static str,
    /// What it tells of.
    #[schema(example = "request.completed")]
    event: &'static str,
    /// The same at each attempt and replay.
    event_id: String,
    /// The request it tells of.
    request_id: Option<String>,
    /// Where it goes.
    url: String,
    /// `pending`, `success`, `failed` or `retrying`.
    #[schema(example = "success")]
    status: &'static str,
    /// Whether a receiver took it.
    success: bool,
    /// Attempts made.
    attempt: i64,
    /// The most that are made.
    max_attempts: i64,
    /// What caused the latest attempt: `event`, `retry`, `manual`, `recovery` or `test`.
    cause: String,
    /// The status that came back.
    #[schema(example = 200)]
    response_status: Option<i64>,
    /// How long that took.
    response_time_ms: Option<i64>,
    /// Why it failed.
    error: Option<String>,
    /// What is sent, byte for byte.
    request_body: String,
    /// What came back, cut to 4 KB.
    response_body: Option<String>,
    /// When it was made.
    created_at: String,
    /// When a receiver took it.
    delivered_at: Option<String>,
    /// When it is sent next; null while it is being sent.
    next_retry_at: Option<String>,
    /// Each time that it was sent, the latest first; only where one delivery is shown, or a request's callbacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptView>>,
}

/// One time that a delivery was sent, and how it went.
#[derive(Serialize, ToSchema)]
pub struct AttemptView {
    /// 1 is the first there was; it goes on counting when a delivery is sent again.
    number: i64,
    /// What caused it: `event`, `retry`, `manual`, `recovery` or `test`.
    #[schema(example = "event")]
    cause: String,
    /// When it ended.
    at: String,
    /// The status that came back.
    #[schema(example = 503)]
    response_status: Option<i64>,
    /// How long it took.
    response_time_ms: i64,
    /// What came back, cut to 4 KB.
    response_body: Option<String>,
    /// Why it failed.
    error: Option<String>,
}

impl From<Made> for AttemptView {
    fn from(it: Made) -> Self {
        Self {
            number: it.number,
            cause: it.cause,
            at: it.at.to_string(),
            response_status: it.response_status,
            response_time_ms: it.response_time_ms,
            response_body: it.response_body,
            error: it.error,
        }
    }
}

impl DeliveryView {
    fn with_attempts(it: Delivery, made: Vec<Made>) -> Self {
        Self { attempts: Some(made.into_iter().map(AttemptView::from).collect()), ..it.into() }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(it: Delivery) -> Self {
        let next_retry_at = it.next_retry_at().map(|at| at.to_string());
        Self {
            max_attempts: it.most_attempts(),
            id: it.id.to_string(),
            webhook_id: it.webhook_id.map(|id| id.to_string()),
            kind: it.kind.as_str(),
            event: it.event.as_str(),
            event_id: it.event_id.to_string(),
            request_id: it.request_id.map(|id| id.to_string()),
            url: it.url,
            status: it.status.as_str(),
            success: it.status == DeliveryStatus::Success,
            attempt: it.attempt,
            cause: it.cause,
            response_status: it.response_status,
            response_time_ms: it.response_time_ms,
            error: it.error,
            request_body: it.body,
            response_body: it.response_body,
            created_at: it.created_at.to_string(),
            delivered_at: it.delivered_at.map(|at| at.to_string()),
            next_retry_at,
            attempts: None,
        }
    }
}

/// One delivery.
#[derive(Serialize, ToSchema)]
pub struct OneDelivery {
    /// The delivery.
    delivery: DeliveryView,
}

impl From<Delivery> for OneDelivery {
    fn from(it: Delivery) -> Self {
        Self { delivery: it.into() }
    }
}

/// A page of a log of deliveries.
#[derive(Serialize, ToSchema)]
pub struct Deliveries {
    /// The newest first.
    deliveries: Vec<DeliveryView>,
    /// How many are on this page.
    count: usize,
    /// How many match on all pages.
    total: i64,
    /// Whether there is another page.
    has_more: bool,
    /// Where this page stands.
    pagination: Pagination,
}

impl From<Log> for Deliveries {
    fn from(mut log: Log) -> Self {
        let count = log.deliveries.len();
        let pagination = Pagination::new(log.page, log.total, count);
        let view = |it: Delivery| match &mut log.attempts {
            Some(made) => {
                let made = made.remove(&it.id).unwrap_or_default();
                DeliveryView::with_attempts(it, made)
            }
            None => it.into(),
        };
        Self {
            deliveries: log.deliveries.into_iter().map(view).collect(),
            count,
            total: log.total,
            has_more: pagination.next_offset.is_some(),
            pagination,
        }
    }
}

/// How much is sent again.
#[derive(Serialize, ToSchema)]
pub struct Recovered {
    /// Deliveries that are queued again.
    count: u64,
}

/// Lists what was sent to a webhook
#[utoipa::path(get, path = "/v1/api/webhooks/{webhook_id}/deliveries", tag = "Webhooks", params(("webhook_id" = String, Path),
        ("status" = Option<String>, Query, description = "pending, success, failed or retrying"), ("event" = Option<String>, Query),
        ("limit" = Option<i64>, Query), ("offset" = Option<i64>, Query)),
    responses((status = 200, description = "Webhook deliveries retrieved successfully", body = Envelope<Deliveries>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:read"))))]
pub async fn log(
    caller: With<WebhooksRead>,
    State(app): State<App>,
    PathId(id): PathId<Webhook>,
    query: Query,
) -> Result<Reply<Deliveries>, ApiError> {
    let log = webhooks::log(&app, &caller.caller, id, &query).await.or_failed("Failed to retrieve deliveries")?;
    Ok(Reply::ok("Webhook deliveries retrieved successfully", log.into()))
}

/// Shows a delivery to a webhook, and each time that it was sent
#[utoipa::path(get, path = "/v1/api/webhooks/{webhook_id}/deliveries/{delivery_id}", tag = "Webhooks",
    params(("webhook_id" = String, Path), ("delivery_id" = String, Path)),
    responses((status = 200, description = "Webhook delivery retrieved successfully", body = Envelope<OneDelivery>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:read"))))]
pub async fn show_delivery(
    caller: With<WebhooksRead>,
    State(app): State<App>,
    PathId(id): PathId<Webhook>,
    PathId(delivery): PathId<Delivery>,
) -> Result<Reply<OneDelivery>, ApiError> {
    let found = webhooks::attempts(&app, &caller.caller, id, delivery).await;
    let (it, made) = found.or_failed("Failed to retrieve delivery")?;
    let delivery = DeliveryView::with_attempts(it, made);
    Ok(Reply::ok("Webhook delivery retrieved successfully", OneDelivery { delivery }))
}

/// Sends a delivery again
///
/// With the same body and event id, whatever came of it before.
#[utoipa::path(post, path = "/v1/api/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", tag = "Webhooks",
    params(("webhook_id" = String, Path), ("delivery_id" = String, Path)),
    responses((status = 200, description = "Delivery queued successfully", body = Envelope<OneDelivery>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn redeliver(
    caller: With<WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<Webhook>,
    PathId(delivery): PathId<Delivery>,
) -> Result<Reply<OneDelivery>, ApiError> {
    let queued = webhooks::redeliver(&app, &caller.caller, id, delivery).await.or_failed("Failed to queue delivery")?;
    Ok(Reply::ok("Delivery queued successfully", queued.into()))
}

/// Sends everything again that was given up since a time
#[utoipa::path(post, path = "/v1/api/webhooks/{webhook_id}/recover", tag = "Webhooks", params(("webhook_id" = String, Path)), request_body = RecoverBody,
    responses((status = 200, description = "Deliveries queued successfully", body = Envelope<Recovered>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn recover(
    caller: With<WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<Webhook>,
    Body(sent): Body,
) -> Result<Reply<Recovered>, ApiError> {
    let count = webhooks::recover(&app, &caller.caller, id, sent).await.or_failed("Failed to queue deliveries")?;
    Ok(Reply::ok("Deliveries queued successfully", Recovered { count }))
}

/// Lists what a request's callback was told
///
/// With each time that it was sent. What webhooks were told of the request is in their own logs.
#[utoipa::path(get, path = "/v1/api/requests/{request_id}/deliveries", tag = "Requests", params(("request_id" = String, Path),
        ("limit" = Option<i64>, Query), ("offset" = Option<i64>, Query)),
    responses((status = 200, description = "Deliveries retrieved successfully", body = Envelope<Deliveries>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:read"))))]
pub async fn of_request(
    caller: With<RequestsRead>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    query: Query,
) -> Result<Reply<Deliveries>, ApiError> {
    let log = callbacks::log(&app, &caller.caller, id, &query).await.or_failed("Failed to retrieve deliveries")?;
    Ok(Reply::ok("Deliveries retrieved successfully", log.into()))
}

/// Tells a request's callback once more
///
/// With the same body and event id, whatever came of it before.
#[utoipa::path(post, path = "/v1/api/requests/{request_id}/deliveries/{delivery_id}/redeliver", tag = "Requests",
    params(("request_id" = String, Path), ("delivery_id" = String, Path)),
    responses((status = 200, description = "Delivery queued successfully", body = Envelope<OneDelivery>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("requests:write"))))]
pub async fn redeliver_callback(
    caller: With<RequestsWrite>,
    State(app): State<App>,
    PathId(id): PathId<Request>,
    PathId(delivery): PathId<Delivery>,
) -> Result<Reply<OneDelivery>, ApiError> {
    let queued =
        callbacks::redeliver(&app, &caller.caller, id, delivery).await.or_failed("Failed to queue delivery")?;
    Ok(Reply::ok("Delivery queued successfully", queued.into()))
}
