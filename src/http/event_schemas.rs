//! The body of webhooks, callbacks and streams, for the API description alone: bodies are written by the domain (contract 12.3).

#![expect(dead_code, reason = "these structures describe; nothing is ever read into them")]

use serde_json::Value;
use utoipa::ToSchema;

/// What happened: one form for callbacks, webhooks and streams (12.3). Events of requests have every field here; those of loops
/// the first three, `loop_id` and `data`; all others the first three and `data`.
#[derive(ToSchema)]
pub struct EventBody {
    /// What happened.
    #[schema(example = "request.completed")]
    event: String,
    /// The same whenever it is sent again: what was seen before is known by it.
    #[schema(example = "65f4223500000000000000d1")]
    event_id: String,
    /// When.
    #[schema(example = "2024-03-15T10:34:05Z")]
    timestamp: String,
    /// The request.
    request_id: Option<String>,
    /// The loop.
    loop_id: Option<String>,
    /// Where the request stands: `pending`, `claimed`, `completed`, `timeout` or `cancelled`.
    status: Option<String>,
    /// The answer; null unless somebody answered.
    response_data: Option<Value>,
    /// The answer, in its object form where JavaScript takes it for nothing; the default after a timeout.
    response: Option<Value>,
    /// The answer in its object form.
    #[schema(value_type = Option<Object>)]
    response_details: Option<Value>,
    /// What stands if nobody answers.
    default_response: Option<Value>,
    /// Who answered.
    response_by: Option<EventReviewer>,
    /// The same, as other clients read it.
    response_by_user: Option<EventUser>,
    /// When it was answered.
    response_at: Option<String>,
    /// Seconds from the request to its answer.
    response_time_seconds: Option<f64>,
    /// When the request was made.
    created_at: Option<String>,
    /// When it was answered.
    completed_at: Option<String>,
    /// What it is about.
    data: EventData,
}

/// Somebody, as events name them.
#[derive(ToSchema)]
pub struct EventReviewer {
    /// The person's identifier.
    user_id: String,
    /// Their name.
    name: String,
    /// Their address.
    email: String,
}

/// The same under other names.
#[derive(ToSchema)]
pub struct EventUser {
    /// The person's identifier.
    id: String,
    /// Their name.
    name: String,
    /// Their address.
    email: String,
}

/// What an event is about: of these, what goes with it (12.4).
#[derive(ToSchema)]
pub struct EventData {
    /// Events of requests: the request.
    request_id: Option<String>,
    /// Events of requests: the answer.
    response_data: Option<Value>,
    /// Events of requests: the request, without what its maker put beside the question.
    request: Option<EventRequest>,
    /// Events of requests and loops: the loop. Beside a request it has its id, name and creator.
    #[schema(rename = "loop", value_type = Option<Object>)]
    it: Option<Value>,
    /// Who has claimed or answered the request.
    reviewer: Option<EventReviewer>,
    /// `request.claimed`: when the claim lapses.
    estimated_completion: Option<String>,
    /// `request.cancelled`: whether the hourly limit got one back, and how far the request had come.
    #[schema(value_type = Option<Object>)]
    refund_info: Option<Value>,
    /// `request.updated`: the names of the fields that were changed.
    changed_fields: Option<Vec<String>>,
    /// `loop.member_joined` and `loop.member_left`: who.
    #[schema(value_type = Option<Object>)]
    member: Option<Value>,
    /// Events of keys: its id and name.
    #[schema(value_type = Option<Object>)]
    api_key: Option<Value>,
    /// Events of keys: the hourly window.
    #[schema(value_type = Option<Object>)]
    rate_limit: Option<Value>,
    /// Events of webhooks: its id, URL and loop.
    #[schema(value_type = Option<Object>)]
    webhook: Option<Value>,
}

/// A request, as events tell of it.
#[derive(ToSchema)]
pub struct EventRequest {
    /// Its identifier.
    id: String,
    /// The loop it was put to.
    loop_id: String,
    /// `time-sensitive` or `deferred`.
    processing_type: String,
    /// `markdown` or `image`.
    #[schema(rename = "type")]
    kind: String,
    /// How urgent.
    priority: String,
    /// What is asked.
    request_text: String,
    /// The type of the answer.
    response_type: String,
    /// Where it stands.
    status: String,
    /// The answer.
    response_data: Option<Value>,
    /// The id of who answered.
    response_by: Option<String>,
    /// When.
    response_at: Option<String>,
    /// Seconds from the request to its answer.
    response_time_seconds: Option<f64>,
    /// When it times out.
    timeout_at: String,
    /// When it was made.
    created_at: String,
    /// When it last changed.
    updated_at: String,
    /// `request.claimed`: the id of who has claimed it.
    claimed_by: Option<String>,
    /// `request.claimed`: when.
    claimed_at: Option<String>,
    /// `request.cancelled` and `request.timeout`: where it stood before.
    previous_status: Option<String>,
    /// `request.cancelled`: when.
    cancelled_at: Option<String>,
    /// `request.timeout`: what stands now.
    default_response: Option<Value>,
}
