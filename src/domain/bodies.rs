//! The body of a webhook: one union for callbacks and registered webhooks (contract 12.3 and 12.4). Those of requests, which are
//! most, are in `request_bodies`.
//!
//! Nothing that a caller made up may be in it but the default and the answer: receivers parse and print it again (12.5).

use super::{EventName, Id, JsonText, Loop, Member, Status, Timestamp, Window};
use serde_json::{Value, json};

/// What happened to a request, beyond what it now is.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Where it stood before.
    pub previous: Option<Status>,
    /// Whether the hourly limit got a unit back (contract 3.7).
    pub refunded: bool,
    /// The fields that an update changed.
    pub changed: Vec<&'static str>,
}

/// Begins every body.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// What happened.
    pub name: EventName,
    /// The event.
    pub id: Id<super::Event>,
    /// When.
    pub at: Timestamp,
}

/// Whether a cancellation gave something back, and how far the request had come (contract 7.6). One that a person or the end
/// of its loop cancels gives nothing back, and may still have been pending.
pub fn refund_info(step: &Step) -> Value {
    json!({"refunded": step.refunded, "reason": refund_reason(step.previous)})
}

/// The words for how far a cancelled request had come (contract 7.6).
pub fn refund_reason(previous: Option<Status>) -> &'static str {
    match previous {
        Some(Status::Claimed) => "Request was already being processed by reviewer",
        _ => "Request cancelled before processing began",
    }
}

/// How many are in a loop.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Joined.
    pub active: usize,
    /// Invited.
    pub pending: usize,
}

/// The body of `loop.created`, `loop.updated` and `loop.deleted`.
pub fn of_loop(head: Head, it: &Loop, counts: Counts) -> JsonText {
    let mut about = json!({
        "id": it.id, "name": it.name, "description": it.description, "icon": it.icon, "creator_id": it.creator_id,
        "member_count": counts.active + counts.pending, "active_count": counts.active, "pending_count": counts.pending,
        "created_at": it.created_at, "updated_at": it.updated_at,
    });
    if head.name == EventName::LoopDeleted {
        about["deleted_at"] = json!(head.at);
    }
    with_loop(head, it.id, &json!({"loop": about}))
}

/// The body of `loop.member_joined` and `loop.member_left`.
pub fn of_member(head: Head, it: &Loop, counts: Counts, who: &Member) -> JsonText {
    let about = json!({
        "id": it.id, "name": it.name,
        "member_count": counts.active + counts.pending, "active_count": counts.active, "pending_count": counts.pending,
    });
    let member = json!({
        "user_id": who.account_id, "email": who.email, "status": who.status, "joined_at": who.joined_at, "role": who.role,
    });
    with_loop(head, it.id, &json!({"loop": about, "member": member}))
}

fn with_loop(head: Head, id: Id<Loop>, data: &Value) -> JsonText {
    let body = json!({"event": head.name, "event_id": head.id, "timestamp": head.at, "loop_id": id, "data": data});
    JsonText::of(&body)
}

/// The body of what happened to a key's window.
pub fn of_window(head: Head, key: &super::Key, window: Window) -> JsonText {
    let limit = json!({
        "limit": window.limit, "remaining": window.remaining, "reset_at": Timestamp::from_seconds(window.reset()),
    });
    plain(head, &json!({"api_key": {"id": key.id, "name": key.name}, "rate_limit": limit}))
}

/// The body of anything else.
pub fn plain(head: Head, data: &Value) -> JsonText {
    JsonText::of(&json!({"event": head.name, "event_id": head.id, "timestamp": head.at, "data": data}))
}
