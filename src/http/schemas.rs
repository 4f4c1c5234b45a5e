//! What bodies may hold, for the API description alone: bodies are read by the domain, field by field, in the contract's order.

#![expect(dead_code, reason = "these structures describe; nothing is ever read into them")]

use serde_json::Value;
use utoipa::ToSchema;

/// A new loop (6.2).
#[derive(ToSchema)]
#[schema(example = json!({"name": "Content Moderation", "description": "Review user-generated content"}))]
pub struct NewLoopBody {
    /// 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// At most 500 characters.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// The name of an icon or any text; `shield-check` when left out.
    #[schema(max_length = 100)]
    icon: Option<String>,
}

/// What of a loop is to change: at least one field (6.5).
#[derive(ToSchema)]
#[schema(example = json!({"name": "Content Moderation Team"}))]
pub struct LoopChangeBody {
    /// 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// At most 500 characters; empty clears it.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// At most 100 characters.
    #[schema(max_length = 100)]
    icon: Option<String>,
}

/// Somebody to invite (6.9).
#[derive(ToSchema)]
#[schema(example = json!({"email": "jane@example.com", "name": "Jane Doe"}))]
pub struct InvitationBody {
    /// The person's address.
    #[schema(max_length = 254)]
    email: String,
    /// What to call them until they say.
    #[schema(max_length = 100)]
    name: Option<String>,
    /// `member`.
    role: Option<String>,
}

/// A new request (7.1.2).
#[derive(ToSchema)]
#[schema(example = json!({
    "processing_type": "time-sensitive", "type": "markdown", "priority": "high",
    "request_text": "Please review this post for policy violations.", "timeout_seconds": 3600,
    "response_type": "single_select",
    "response_config": {"options": [{"value": "approve", "label": "Approve"}, {"value": "reject", "label": "Reject"}], "required": true},
    "default_response": "reject", "platform": "api"
}))]
pub struct NewRequestBody {
    /// `time-sensitive` or `deferred`; may be left out where `timeout_seconds` is given, and is the first then.
    processing_type: Option<String>,
    /// `markdown` or `image`.
    #[schema(rename = "type")]
    kind: String,
    /// `low`, `medium`, `high` or `critical`; `medium` when left out.
    priority: Option<String>,
    /// What is asked, in markdown: 1 to 2000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    request_text: String,
    /// An http(s) URL; required when type is `image`.
    image_url: Option<String>,
    /// Anything the reviewer should know, at most 50 KB.
    #[schema(value_type = Option<Object>)]
    context: Option<Value>,
    /// 60 to 86400, required, when time-sensitive; 60 to 2592000, 30 days when left out, when deferred.
    #[schema(minimum = 60, maximum = 2_592_000)]
    timeout_seconds: Option<i64>,
    /// `text`, `single_select`, `multi_select`, `rating`, `number` or `boolean`.
    response_type: String,
    /// The form of the answer: options, bounds, labels, as the type wants them.
    #[schema(value_type = Object)]
    response_config: Value,
    /// What stands if nobody answers in time.
    default_response: Option<Value>,
    /// `n8n`, `zapier`, `web_portal`, `api`, `mobile` or `webhook`; `api` when left out.
    platform: Option<String>,
    /// At most 50 characters.
    #[schema(max_length = 50)]
    platform_version: Option<String>,
    /// Where to send the answer: an http(s) URL.
    callback_url: Option<String>,
    /// Kept and echoed.
    tags: Option<Vec<String>>,
    /// Kept and echoed.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// A new request with its loop in the body (7.1.9).
#[derive(ToSchema)]
#[schema(example = json!({
    "loop_id": "65f1234567890abcdef12345", "request_text": "Approve this post?", "timeout_minutes": 30,
    "response_type": "single_select", "response_config": {"options": ["Approve", "Reject"]}, "default_response": "Reject"
}))]
pub struct LegacyRequestBody {
    /// The loop to ask.
    loop_id: String,
    /// What is asked, in markdown: 1 to 2000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    request_text: String,
    /// `time-sensitive` when left out.
    processing_type: Option<String>,
    /// `markdown` when left out.
    #[schema(rename = "type")]
    kind: Option<String>,
    /// `medium` when left out.
    priority: Option<String>,
    /// An http(s) URL; required when type is `image`.
    image_url: Option<String>,
    /// Anything the reviewer should know, at most 50 KB.
    #[schema(value_type = Option<Object>)]
    context: Option<Value>,
    /// Minutes until it times out, unless `timeout_seconds` is given; an hour when both are left out.
    timeout_minutes: Option<f64>,
    /// Seconds until it times out.
    timeout_seconds: Option<i64>,
    /// One of the six types of answer.
    response_type: String,
    /// The form of the answer.
    #[schema(value_type = Object)]
    response_config: Value,
    /// What stands if nobody answers in time.
    default_response: Option<Value>,
    /// `api` when left out.
    platform: Option<String>,
    /// At most 50 characters.
    #[schema(max_length = 50)]
    platform_version: Option<String>,
    /// Where to send the answer: an http(s) URL.
    callback_url: Option<String>,
    /// Kept and echoed.
    tags: Option<Vec<String>>,
    /// Kept and echoed.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// What of a request is to change: at least one field (7.5).
#[derive(ToSchema)]
#[schema(example = json!({"priority": "critical", "timeout_seconds": 1800}))]
pub struct RequestChangeBody {
    /// `cancelled` takes the request back.
    status: Option<String>,
    /// How urgent.
    priority: Option<String>,
    /// What is asked.
    #[schema(max_length = 2000)]
    request_text: Option<String>,
    /// An image to look at.
    image_url: Option<String>,
    /// What the reviewer should know.
    #[schema(value_type = Option<Object>)]
    context: Option<Value>,
    /// Seconds from now until it times out.
    timeout_seconds: Option<i64>,
    /// What stands if nobody answers.
    default_response: Option<Value>,
    /// Where to send the answer.
    callback_url: Option<String>,
    /// The version of the platform.
    platform_version: Option<String>,
    /// While pending only.
    #[schema(rename = "type")]
    kind: Option<String>,
    /// While pending only.
    processing_type: Option<String>,
    /// While pending only, together with `response_config`.
    response_type: Option<String>,
    /// While pending only, together with `response_type`.
    #[schema(value_type = Option<Object>)]
    response_config: Option<Value>,
    /// Kept and echoed.
    tags: Option<Vec<String>>,
    /// Kept and echoed.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// Why a request is taken back (7.6).
#[derive(ToSchema)]
#[schema(example = json!({"reason": "No longer needed"}))]
pub struct CancelBody {
    /// At most 500 characters are kept.
    reason: Option<String>,
}

/// Feedback (7.7); what is not named here is kept as it is.
#[derive(ToSchema)]
#[schema(example = json!({"feedback": {"rating": 5, "comment": "Fast and thorough", "would_recommend": true}}))]
pub struct FeedbackBody {
    /// What to say.
    feedback: FeedbackFields,
}

/// What feedback may say.
#[derive(ToSchema)]
pub struct FeedbackFields {
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    rating: Option<f64>,
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    accuracy: Option<f64>,
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    timeliness: Option<f64>,
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    helpfulness: Option<f64>,
    /// At most 1000 characters.
    #[schema(max_length = 1000)]
    comment: Option<String>,
    /// Whether one would ask this person again.
    would_recommend: Option<bool>,
    /// Whether something is left to do.
    follow_up_needed: Option<bool>,
    /// Any words.
    tags: Option<Vec<String>>,
    /// `positive`, `constructive` or `issue`.
    category: Option<String>,
}

/// A new webhook (12.8).
#[derive(ToSchema)]
#[schema(example = json!({"url": "https://app.example.com/hooks/hitl", "events": ["request.completed", "request.timeout"]}))]
pub struct NewWebhookBody {
    /// An absolute http(s) URL.
    #[schema(max_length = 2048)]
    url: String,
    /// `*`, `request.*`, names, `loop.<id>.*`, and `!` before any of them; `["*"]` when left out.
    events: Option<Vec<String>>,
    /// 8 to 256 characters; made by the server when left out.
    #[schema(min_length = 8, max_length = 256)]
    secret: Option<String>,
    /// `global` or `loop`.
    #[schema(rename = "type")]
    kind: Option<String>,
    /// The one loop it is about: one of yours.
    loop_id: Option<String>,
    /// Whether it is sent anything; true when left out.
    enabled: Option<bool>,
    /// At most 500 characters.
    #[schema(max_length = 500)]
    description: Option<String>,
}

/// What of a webhook is to change: at least one field (12.8).
#[derive(ToSchema)]
#[schema(example = json!({"enabled": false}))]
pub struct WebhookChangeBody {
    /// Where deliveries go.
    url: Option<String>,
    /// What it wants.
    events: Option<Vec<String>>,
    /// Takes the place of the old one, which signs for 24 hours more.
    secret: Option<String>,
    /// `global` or `loop`.
    #[schema(rename = "type")]
    kind: Option<String>,
    /// The one loop it is about.
    loop_id: Option<String>,
    /// Whether it is sent anything.
    enabled: Option<bool>,
    /// What to say of it.
    description: Option<String>,
}

/// What to send again.
#[derive(ToSchema)]
#[schema(example = json!({"since": "2024-03-15T10:00:00Z"}))]
pub struct RecoverBody {
    /// Everything that was made since then and given up.
    since: String,
}

/// Who signs in.
#[derive(ToSchema)]
#[schema(example = json!({"email": "jane@example.com", "password": "correct horse battery"}))]
pub struct SignInBody {
    /// The address of the account.
    email: String,
    /// Its password.
    password: String,
}

/// Who signs up, and for which loop.
#[derive(ToSchema)]
#[schema(example = json!({"invite_code": "ABC123DEF", "email": "jane@example.com", "name": "Jane Doe", "password": "correct horse battery"}))]
pub struct SignUpBody {
    /// The code of the loop to join.
    invite_code: String,
    /// The address to sign in with.
    email: String,
    /// What others see.
    #[schema(max_length = 100)]
    name: String,
    /// At least 10 characters.
    #[schema(min_length = 10)]
    password: String,
}

/// The first account, the owner's.
#[derive(ToSchema)]
#[schema(example = json!({"token": "3f0c…", "email": "owner@example.com", "name": "The Owner", "password": "correct horse battery"}))]
pub struct SetUpBody {
    /// What stands at the end of the setup link.
    token: String,
    /// The address to sign in with.
    email: String,
    /// What others see.
    #[schema(max_length = 100)]
    name: String,
    /// At least 10 characters.
    #[schema(min_length = 10)]
    password: String,
}

/// A new password.
#[derive(ToSchema)]
#[schema(example = json!({"current_password": "correct horse battery", "new_password": "an even better one"}))]
pub struct PasswordBody {
    /// The one that holds.
    current_password: String,
    /// At least 10 characters.
    #[schema(min_length = 10)]
    new_password: String,
}

/// An answer.
#[derive(ToSchema)]
#[schema(example = json!({"response_data": "approve"}))]
pub struct AnswerBody {
    /// The answer, bare or in its object form.
    response_data: Value,
}

/// The code of a loop.
#[derive(ToSchema)]
#[schema(example = json!({"invite_code": "ABC123DEF"}))]
pub struct JoinBody {
    /// Any case, with spaces or dashes.
    invite_code: String,
}

/// How one wants to be notified: what is left out stays (16.2).
#[derive(ToSchema)]
#[schema(example = json!({"kinds": {"new_request": false}, "quiet_hours": {"from": "22:00", "to": "07:00"}, "time_zone": "Europe/Berlin"}))]
pub struct NotificationSettingsBody {
    /// `new_request`, `urgent_request`, `deadline_near`, `claim_cancelled`, `feedback_received` and `loop_activity`, each on or off.
    #[schema(value_type = Option<Object>)]
    kinds: Option<Value>,
    /// Nothing about requests of low or medium priority.
    priority_only: Option<bool>,
    /// Whether with a sound.
    sound: Option<bool>,
    /// Whether the app's icon shows how many requests wait.
    badge: Option<bool>,
    /// `from` and `to`, such as 22:00, by one's own clock; `null`: none.
    #[schema(value_type = Option<Object>)]
    quiet_hours: Option<Value>,
    /// The place whose clock one goes by, by its name in the IANA database.
    time_zone: Option<String>,
    /// Where there is no `time_zone`: how far one's clock is ahead of UTC, all year.
    #[schema(minimum = -720, maximum = 1440)]
    utc_offset_minutes: Option<i64>,
    /// An ntfy topic; `null`: none.
    ntfy_url: Option<String>,
    /// Whether by mail, where the server sends any.
    mail: Option<bool>,
    /// Loops by their identifiers, each on or off.
    #[schema(value_type = Option<Object>)]
    loops: Option<Value>,
}

/// A `PushSubscription` as browsers write it (16.2).
#[derive(ToSchema)]
#[schema(example = json!({"endpoint": "https://push.example.com/abc", "keys": {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}}))]
pub struct DeviceBody {
    /// Where its push service takes messages.
    #[schema(max_length = 2048)]
    endpoint: String,
    /// `p256dh` and `auth`, in base64url.
    #[schema(value_type = Object)]
    keys: Value,
}
