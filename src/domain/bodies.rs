//! The body of a webhook: one union for callbacks and registered webhooks (contract 12.3 and 12.4).
//!
//! Nothing that a caller made up may be in it but the default and the answer: receivers parse and print it again (12.5).

use super::{
    EventName, Id, Loop, Member, Request, Status, Timestamp, Window, js_json::keeps_its_order, response::mirror,
};
use serde_json::{Value, json};

/// What happened to a request, beyond what it now is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step {
    /// Where it stood before.
    pub previous: Option<Status>,
    /// Whether the hourly limit got a unit back (contract 3.7).
    pub refunded: bool,
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

/// The body of an event of a request. The loop's name comes with the request.
pub fn of_request(head: Head, it: &Request, step: Step) -> Value {
    let details = it.response_details();
    let answer = it.response_data.as_ref().map(|json| &json.0);
    let default = default_of(it);
    let response = match it.status {
        Status::Completed => answer.zip(details.as_ref()).map(|(answer, details)| mirror(answer, details)),
        Status::Timeout => default.cloned(),
        _ => None,
    };
    let by = |id: &str| {
        let known = it.response_by.zip(it.reviewer.as_ref());
        known.map(|(account, who)| json!({id: account, "name": who.name, "email": who.email}))
    };
    json!({
        "event": head.name, "event_id": head.id, "timestamp": head.at,
        "request_id": it.id, "loop_id": it.loop_id, "status": it.status,
        "response_data": answer, "response": response, "response_details": details, "default_response": default,
        "response_by": by("user_id"), "response_by_user": by("id"),
        "response_at": it.response_at, "response_time_seconds": it.response_seconds(),
        "created_at": it.created_at, "completed_at": it.response_at,
        "data": data_of_request(head.name, it, step),
    })
}

/// The default as it was sent; bare where JavaScript would put what was sent in another order (12.5).
fn default_of(it: &Request) -> Option<&Value> {
    let sent = &it.content.default_response.as_ref()?.0;
    Some(if keeps_its_order(sent) { sent } else { it.content.response_type.bare(sent) })
}

fn data_of_request(name: EventName, it: &Request, step: Step) -> Value {
    let answer = it.response_data.as_ref().map(|json| &json.0);
    let mut data = json!({
        "request_id": it.id, "response_data": answer,
        "request": summary(name, it, step),
        "loop": {"id": it.loop_id, "name": it.loop_name, "creator_id": it.loop_creator_id},
    });
    let reviewer = it.claimed_by.zip(it.reviewer.as_ref());
    let reviewer = reviewer.map(|(id, who)| json!({"user_id": id, "email": who.email, "name": who.name}));
    match name {
        EventName::RequestClaimed => {
            data["reviewer"] = reviewer.into();
            data["estimated_completion"] = json!(it.claim_expires_at);
        }
        EventName::RequestCompleted => data["reviewer"] = reviewer.into(),
        EventName::RequestCancelled => {
            data["reviewer"] = Value::Null;
            data["refund_info"] = refund_info(step.refunded);
        }
        EventName::RequestTimeout => data["reviewer"] = Value::Null,
        _ => {}
    }
    data
}

/// Whether a cancellation gave something back, and why (contract 7.6).
pub fn refund_info(refunded: bool) -> Value {
    let reason = if refunded {
        "Request cancelled before processing began"
    } else {
        "Request was already being processed by reviewer"
    };
    json!({"refunded": refunded, "reason": reason})
}

fn summary(name: EventName, it: &Request, step: Step) -> Value {
    let mut summary = json!({
        "id": it.id, "loop_id": it.loop_id,
        "processing_type": it.content.processing_type, "type": it.content.kind, "priority": it.content.priority,
        "request_text": it.content.request_text, "response_type": it.content.response_type, "status": it.status,
        "response_data": it.response_data, "response_by": it.response_by, "response_at": it.response_at,
        "response_time_seconds": it.response_seconds(), "timeout_at": it.timeout_at,
        "created_at": it.created_at, "updated_at": it.updated_at,
    });
    match name {
        EventName::RequestClaimed => {
            summary["claimed_by"] = json!(it.claimed_by);
            summary["claimed_at"] = json!(it.claimed_at);
        }
        EventName::RequestCancelled => {
            summary["previous_status"] = json!(step.previous);
            summary["cancelled_at"] = json!(it.cancelled_at);
        }
        EventName::RequestTimeout => {
            summary["previous_status"] = json!(step.previous);
            summary["default_response"] = json!(default_of(it));
        }
        _ => {}
    }
    summary
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
pub fn of_loop(head: Head, it: &Loop, counts: Counts) -> Value {
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
pub fn of_member(head: Head, it: &Loop, counts: Counts, who: &Member) -> Value {
    let about = json!({
        "id": it.id, "name": it.name,
        "member_count": counts.active + counts.pending, "active_count": counts.active, "pending_count": counts.pending,
    });
    let member = json!({
        "user_id": who.account_id, "email": who.email, "status": who.status, "joined_at": who.joined_at, "role": who.role,
    });
    with_loop(head, it.id, &json!({"loop": about, "member": member}))
}

fn with_loop(head: Head, id: Id<Loop>, data: &Value) -> Value {
    json!({"event": head.name, "event_id": head.id, "timestamp": head.at, "loop_id": id, "data": data})
}

/// The body of what happened to a key's window.
pub fn of_window(head: Head, key: &super::Key, window: Window) -> Value {
    let limit = json!({
        "limit": window.limit, "remaining": window.remaining, "reset_at": Timestamp::from_seconds(window.reset()),
    });
    plain(head, &json!({"api_key": {"id": key.id, "name": key.name}, "rate_limit": limit}))
}

/// The body of anything else.
pub fn plain(head: Head, data: &Value) -> Value {
    json!({"event": head.name, "event_id": head.id, "timestamp": head.at, "data": data})
}
