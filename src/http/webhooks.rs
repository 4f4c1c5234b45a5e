//! Webhooks on the wire (contract 12.8).

use super::{
    admission::{WebhooksRead, WebhooksWrite, With},
    bodies::Body,
    deliveries::OneDelivery,
    error::{ApiError, OrFailed},
    extract::PathId,
    reply::{Envelope, Reply},
    schemas::{NewWebhookBody, WebhookChangeBody},
};
use crate::{
    app::App,
    domain::{
        Delivery, Id, Timestamp, Webhook,
        signatures::{self, Signing},
    },
    service::{Acting, Error, callbacks, webhooks},
    worker::deliver,
};
use axum::extract::State;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// A webhook. Its secret is shown when it is made or rotated, and never again.
#[derive(Serialize, ToSchema)]
pub struct WebhookView {
    /// Its identifier.
    #[schema(example = "65f1234567890abcdef12350")]
    id: String,
    /// Where deliveries go.
    #[schema(example = "https://app.example.com/hooks/hitl")]
    url: String,
    /// `global`, or `loop` for one loop.
    #[serde(rename = "type")]
    #[schema(example = "global")]
    kind: &'static str,
    /// The loop, if it is one loop's.
    loop_id: Option<String>,
    /// What it wants.
    #[schema(example = json!(["request.*", "!request.created"]))]
    events: Vec<String>,
    /// Whether it is sent anything.
    enabled: bool,
    /// Why the server disabled it, if it did.
    disabled_reason: Option<String>,
    /// What its owner says of it.
    description: Option<String>,
    /// The end of its secret.
    #[schema(example = "whsec_…9f3a")]
    secret_preview: String,
    /// In full when it is made or rotated; left out otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// When it was made.
    created_at: String,
    /// When it last changed.
    updated_at: String,
    /// When something was last sent.
    last_delivery_at: Option<String>,
    /// The status that came back.
    last_status: Option<i64>,
    /// Failed attempts since the last success.
    failure_count: i64,
}

impl WebhookView {
    fn new(it: Webhook, with_secret: bool) -> Self {
        Self {
            id: it.id.to_string(),
            url: it.url,
            kind: if it.loop_id.is_some() { "loop" } else { "global" },
            loop_id: it.loop_id.map(|id| id.to_string()),
            events: it.events,
            enabled: it.enabled,
            disabled_reason: it.disabled_reason,
            description: it.description,
            secret_preview: signatures::preview(&it.secret),
            secret: with_secret.then_some(it.secret.0),
            created_at: it.created_at.to_string(),
            updated_at: it.updated_at.to_string(),
            last_delivery_at: it.last_delivery_at.map(|at| at.to_string()),
            last_status: it.last_status,
            failure_count: it.failure_count,
        }
    }
}

/// One webhook.
#[derive(Serialize, ToSchema)]
pub struct OneWebhook {
    /// The webhook.
    webhook: WebhookView,
}

/// A webhook whose secret is shown.
#[derive(Serialize, ToSchema)]
pub struct SecretWebhook {
    /// Its identifier.
    id: String,
    /// The webhook.
    webhook: WebhookView,
    /// What deliveries are signed with, in full.
    #[schema(example = "whsec_0123456789abcdef0123456789abcdef")]
    secret: String,
}

impl From<Webhook> for SecretWebhook {
    fn from(it: Webhook) -> Self {
        Self { id: it.id.to_string(), secret: it.secret.0.clone(), webhook: WebhookView::new(it, true) }
    }
}

/// Several webhooks.
#[derive(Serialize, ToSchema)]
pub struct Webhooks {
    /// The newest first.
    webhooks: Vec<WebhookView>,
    /// How many.
    count: usize,
}

/// A webhook that was deleted.
#[derive(Serialize, ToSchema)]
pub struct DeletedWebhook {
    /// The webhook.
    webhook_id: String,
    /// When.
    deleted_at: String,
}

/// Adds a webhook
///
/// Its secret is shown once, here. Without one of yours the server makes one that Standard Webhooks' libraries take as it is.
#[utoipa::path(post, path = "/v1/api/webhooks", tag = "Webhooks", request_body = NewWebhookBody,
    responses((status = 201, description = "Webhook created successfully", body = Envelope<SecretWebhook>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn create(
    caller: With<WebhooksWrite>,
    State(app): State<App>,
    Body(sent): Body,
) -> Result<Reply<SecretWebhook>, ApiError> {
    let made = webhooks::create(&app, &caller.caller, sent).await.or_failed("Failed to create webhook")?;
    Ok(Reply::created("Webhook created successfully", made.into()))
}

/// Lists one's webhooks
#[utoipa::path(get, path = "/v1/api/webhooks", tag = "Webhooks",
    responses((status = 200, description = "Webhooks retrieved successfully", body = Envelope<Webhooks>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:read"))))]
pub async fn list(caller: With<WebhooksRead>, State(app): State<App>) -> Result<Reply<Webhooks>, ApiError> {
    let found = webhooks::list(&app, &caller.caller).await.or_failed("Failed to retrieve webhooks")?;
    let webhooks: Vec<_> = found.into_iter().map(|it| WebhookView::new(it, false)).collect();
    Ok(Reply::ok("Webhooks retrieved successfully", Webhooks { count: webhooks.len(), webhooks }))
}

/// Shows a webhook
#[utoipa::path(get, path = "/v1/api/webhooks/{webhook_id}", tag = "Webhooks", params(("webhook_id" = String, Path)),
    responses((status = 200, description = "Webhook retrieved successfully", body = Envelope<OneWebhook>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:read"))))]
pub async fn show(
    caller: With<WebhooksRead>,
    State(app): State<App>,
    PathId(id): PathId<Webhook>,
) -> Result<Reply<OneWebhook>, ApiError> {
    let found = webhooks::show(&app, &caller.caller, id).await.or_failed("Failed to retrieve webhook")?;
    Ok(Reply::ok("Webhook retrieved successfully", OneWebhook { webhook: WebhookView::new(found, false) }))
}

/// Changes a webhook
///
/// A new secret takes the place of the old one, which goes on signing for 24 hours.
#[utoipa::path(patch, path = "/v1/api/webhooks/{webhook_id}", tag = "Webhooks", params(("webhook_id" = String, Path)), request_body = WebhookChangeBody,
    responses((status = 200, description = "Webhook updated successfully", body = Envelope<OneWebhook>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn update(
    caller: With<WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<Webhook>,
    Body(sent): Body,
) -> Result<Reply<OneWebhook>, ApiError> {
    let changed = webhooks::update(&app, &caller.caller, id, sent).await.or_failed("Failed to update webhook")?;
    Ok(Reply::ok("Webhook updated successfully", OneWebhook { webhook: WebhookView::new(changed, false) }))
}

/// Changes a webhook (the same as PATCH)
#[utoipa::path(put, path = "/v1/api/webhooks/{webhook_id}", tag = "Webhooks", params(("webhook_id" = String, Path)), request_body = WebhookChangeBody,
    responses((status = 200, description = "Webhook updated successfully", body = Envelope<OneWebhook>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn replace(
    caller: With<WebhooksWrite>,
    app: State<App>,
    id: PathId<Webhook>,
    body: Body,
) -> Result<Reply<OneWebhook>, ApiError> {
    update(caller, app, id, body).await
}

/// Deletes a webhook
///
/// What is on its way to it is given up.
#[utoipa::path(delete, path = "/v1/api/webhooks/{webhook_id}", tag = "Webhooks", params(("webhook_id" = String, Path)),
    responses((status = 200, description = "Webhook deleted successfully", body = Envelope<DeletedWebhook>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn delete(
    caller: With<WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<Webhook>,
) -> Result<Reply<DeletedWebhook>, ApiError> {
    let deleted_at = webhooks::delete(&app, &caller.caller, id).await.or_failed("Failed to delete webhook")?;
    let data = DeletedWebhook { webhook_id: id.to_string(), deleted_at: deleted_at.to_string() };
    Ok(Reply::ok("Webhook deleted successfully", data))
}

/// How long a test waits for the receiver: less than a request may take.
const TEST_TIME: Duration = Duration::from_secs(20);

/// Sends a test event
///
/// Answers when the receiver has, or the attempt has failed: `delivery.success` tells. A receiver that takes longer than 20 seconds
/// is still waited for; the log of deliveries will tell.
#[utoipa::path(post, path = "/v1/api/webhooks/{webhook_id}/test", tag = "Webhooks", params(("webhook_id" = String, Path)),
    responses((status = 200, description = "Test webhook sent successfully", body = Envelope<OneDelivery>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn test(
    caller: With<WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<Webhook>,
) -> Result<Reply<OneDelivery>, ApiError> {
    let sent = tested(&app, Acting::from(&caller.caller), id).await.or_failed("Failed to test webhook")?;
    Ok(Reply::ok("Test webhook sent successfully", sent.into()))
}

/// Sends a test event and waits for what comes of it, but not for longer than [`TEST_TIME`].
pub(super) async fn tested(app: &App, owner: Acting<'_>, id: Id<Webhook>) -> Result<Delivery, Error> {
    let leased = webhooks::begin_test(app, owner, id).await?;
    let delivery = leased.delivery.id;
    // A task of its own: what came of it is recorded though the caller may have gone.
    let sending = tokio::spawn({
        let app = app.clone();
        async move { deliver::send(&app, &leased).await }
    });
    if let Ok(Ok(sent)) = tokio::time::timeout(TEST_TIME, sending).await {
        sent?;
    }
    webhooks::delivery(app, owner, id, delivery).await
}

/// Gives a webhook a new secret
///
/// Both sign for 24 hours: the old one in `webhook-signature` and in the headers that end in `-Previous`.
#[utoipa::path(post, path = "/v1/api/webhooks/{webhook_id}/rotate-secret", tag = "Webhooks", params(("webhook_id" = String, Path)),
    responses((status = 200, description = "Webhook secret rotated successfully", body = Envelope<SecretWebhook>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn rotate_secret(
    caller: With<WebhooksWrite>,
    State(app): State<App>,
    PathId(id): PathId<Webhook>,
) -> Result<Reply<SecretWebhook>, ApiError> {
    let rotated = webhooks::rotate(&app, &caller.caller, id).await.or_failed("Failed to update webhook")?;
    Ok(Reply::ok("Webhook secret rotated successfully", rotated.into()))
}

/// The secret that one's callbacks are signed with.
#[derive(Serialize, ToSchema)]
pub struct SigningSecret {
    /// In full.
    #[schema(example = "whsec_0123456789abcdef0123456789abcdef")]
    secret: String,
    /// Until when the secret before it signs too, if it does.
    previous_until: Option<String>,
}

impl SigningSecret {
    fn new(it: Signing, now: Timestamp) -> Self {
        let previous_until = it.previous_until.filter(|until| *until > now).map(|until| until.to_string());
        Self { secret: it.secret.0, previous_until }
    }
}

/// Shows the secret that one's callbacks are signed with
///
/// It is the account's: a key that is confined to loops is refused.
#[utoipa::path(get, path = "/v1/api/webhooks/signing-secret", tag = "Webhooks",
    responses((status = 200, description = "Signing secret retrieved successfully", body = Envelope<SigningSecret>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn signing_secret(
    caller: With<WebhooksWrite>,
    State(app): State<App>,
) -> Result<Reply<SigningSecret>, ApiError> {
    let found = callbacks::signing(&app, &caller.caller).await.or_failed("Failed to retrieve secret")?;
    Ok(Reply::ok("Signing secret retrieved successfully", SigningSecret::new(found, app.now())))
}

/// Gives one's callbacks a new secret
///
/// Both sign for 24 hours: the old one in `webhook-signature` and in the headers that end in `-Previous`. A key that is confined
/// to loops is refused.
#[utoipa::path(post, path = "/v1/api/webhooks/signing-secret/rotate", tag = "Webhooks",
    responses((status = 200, description = "Signing secret rotated successfully", body = Envelope<SigningSecret>)),
    security(("api_key" = [])), extensions(("x-scope" = json!("webhooks:write"))))]
pub async fn rotate_signing_secret(
    caller: With<WebhooksWrite>,
    State(app): State<App>,
) -> Result<Reply<SigningSecret>, ApiError> {
    let rotated = callbacks::rotate(&app, &caller.caller).await.or_failed("Failed to rotate secret")?;
    Ok(Reply::ok("Signing secret rotated successfully", SigningSecret::new(rotated, app.now())))
}
