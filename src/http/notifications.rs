//! How a person is notified, by session (contract 16.2). An API key is no session and gets 401 (16.6).

use super::{
    bodies::Body,
    error::{ApiError, OrFailed},
    extract::{PathId, UserAgent},
    reply::{Envelope, Reply},
    reviewer::Reviewer,
    schemas::{DeviceBody, NotificationSettingsBody},
};
use crate::{
    app::App,
    domain::notifications::Device,
    service::{notification_settings, notification_settings::Shown, notifications},
};
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// How somebody wants to be notified.
#[derive(Serialize, ToSchema)]
pub struct NotificationSettingsView {
    /// `kinds`, `priority_only`, `sound`, `badge`, `quiet_hours`, `time_zone` and `utc_offset_minutes`.
    #[serde(flatten)]
    #[schema(value_type = Object, example = json!({
        "kinds": {"new_request": true, "urgent_request": true, "deadline_near": true, "claim_cancelled": true, "feedback_received": true, "loop_activity": true},
        "priority_only": false, "sound": true, "badge": true, "quiet_hours": {"from": "22:00", "to": "07:00"},
        "time_zone": "Europe/Berlin", "utc_offset_minutes": null
    }))]
    preferences: Value,
    /// The ntfy topic.
    ntfy_url: Option<String>,
    /// Whether by mail.
    mail: bool,
    /// Whether this server sends mail.
    mail_available: bool,
    /// The loops one is in.
    loops: Vec<LoopSwitch>,
    /// The browsers that take Web Push.
    devices: Vec<DeviceView>,
    /// The `applicationServerKey` for a browser.
    push_key: Option<String>,
}

/// Whether one is notified of a loop.
#[derive(Serialize, ToSchema)]
pub struct LoopSwitch {
    /// The loop.
    loop_id: String,
    /// Its name.
    name: String,
    /// Whether one is.
    enabled: bool,
}

/// A browser that takes Web Push.
#[derive(Serialize, ToSchema)]
pub struct DeviceView {
    /// Its identifier.
    id: String,
    /// What it calls itself.
    user_agent: Option<String>,
    /// Since when.
    created_at: String,
}

impl From<Device> for DeviceView {
    fn from(it: Device) -> Self {
        Self { id: it.id.to_string(), user_agent: it.user_agent, created_at: it.created_at.to_string() }
    }
}

impl From<Shown> for NotificationSettingsView {
    fn from(it: Shown) -> Self {
        let switch =
            |(id, name, enabled): (crate::domain::Id<_>, _, _)| LoopSwitch { loop_id: id.to_string(), name, enabled };
        Self {
            preferences: it.preferences.json(),
            ntfy_url: it.ntfy_url.map(|url| url.0),
            mail: it.mail,
            mail_available: it.mail_available,
            loops: it.loops.into_iter().map(switch).collect(),
            devices: it.devices.into_iter().map(DeviceView::from).collect(),
            push_key: it.push_key,
        }
    }
}

/// How many notifications are on their way.
#[derive(Serialize, ToSchema)]
pub struct TestView {
    /// One for each device, the topic and mail.
    #[schema(example = 2)]
    notifications: usize,
}

/// Shows how one is notified
#[utoipa::path(get, path = "/v1/reviewer/notification-settings", tag = "Reviewer: notifications",
    responses((status = 200, description = "Notification settings retrieved successfully", body = Envelope<NotificationSettingsView>)), security(("session" = [])))]
pub async fn settings(
    Reviewer(who): Reviewer,
    State(app): State<App>,
) -> Result<Reply<NotificationSettingsView>, ApiError> {
    let shown =
        notification_settings::show(&app, who.account_id).await.or_failed("Failed to get notification settings")?;
    Ok(Reply::ok("Notification settings retrieved successfully", shown.into()))
}

/// Changes how one is notified
///
/// What is left out stays as it is; `null` ends quiet hours and removes the ntfy topic.
#[utoipa::path(put, path = "/v1/reviewer/notification-settings", tag = "Reviewer: notifications", request_body = NotificationSettingsBody,
    responses((status = 200, description = "Notification settings updated", body = Envelope<NotificationSettingsView>)), security(("session" = [])))]
pub async fn update_settings(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    Body(sent): Body,
) -> Result<Reply<NotificationSettingsView>, ApiError> {
    let updated = notification_settings::update(&app, who.account_id, sent).await;
    let shown = updated.or_failed("Failed to update notification settings")?;
    Ok(Reply::ok("Notification settings updated", shown.into()))
}

/// Sends a test to oneself, by every way
#[utoipa::path(post, path = "/v1/reviewer/notification-settings/test", tag = "Reviewer: notifications",
    responses((status = 200, description = "Test notification queued", body = Envelope<TestView>)), security(("session" = [])))]
pub async fn test(Reviewer(who): Reviewer, State(app): State<App>) -> Result<Reply<TestView>, ApiError> {
    let notifications = notifications::test(&app, who.account_id).await.or_failed("Failed to send test")?;
    Ok(Reply::ok("Test notification queued", TestView { notifications }))
}

/// Adds the browser one uses
///
/// The body is a `PushSubscription` as browsers write it.
#[utoipa::path(post, path = "/v1/reviewer/devices", tag = "Reviewer: notifications", request_body = DeviceBody,
    responses((status = 201, description = "Device added", body = Envelope<DeviceView>)), security(("session" = [])))]
pub async fn add_device(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    UserAgent(agent): UserAgent,
    Body(sent): Body,
) -> Result<Reply<DeviceView>, ApiError> {
    let added = notification_settings::add_device(&app, &who, sent, agent.as_deref()).await;
    Ok(Reply::created("Device added", added.or_failed("Failed to add device")?.into()))
}

/// Removes one of one's devices
#[utoipa::path(delete, path = "/v1/reviewer/devices/{device_id}", tag = "Reviewer: notifications", params(("device_id" = String, Path)),
    responses((status = 200, description = "Device removed", body = Envelope<Value>)), security(("session" = [])))]
pub async fn remove_device(
    Reviewer(who): Reviewer,
    State(app): State<App>,
    PathId(id): PathId<Device>,
) -> Result<Reply<Value>, ApiError> {
    notification_settings::remove_device(&app, who.account_id, id).await.or_failed("Failed to remove device")?;
    Ok(Reply::ok("Device removed", serde_json::json!({"device_id": id})))
}
