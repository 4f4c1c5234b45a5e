//! The body of a webhook about a request (contract 12.3 and 12.4), written at once: it is part of every step of every request.

use super::{
    Account, Email, Event, EventName, Id, Json, JsonText, Loop, Request, Status, Timestamp,
    bodies::{Head, Step, refund_info},
    js_json::keeps_its_order,
    requests::{ContentType, ProcessingType, Reviewer},
    response::{ResponseType, mirror},
    words::Word,
};
use serde::Serialize;
use serde_json::Value;

/// The body of an event of a request. The loop's name comes with the request.
pub fn of_request(head: Head, it: &Request, step: &Step) -> JsonText {
    let details = it.response_details();
    let (answer, default) = (it.response_data.as_ref().map(Json::value), default_of(it));
    let said = Said { answer: answer.as_ref(), default: default.as_ref() };
    let response = match it.status {
        Status::Completed => said.answer.zip(details.as_ref()).map(|(answer, details)| mirror(answer, details)),
        Status::Timeout => default.clone(),
        _ => None,
    };
    let by = it.response_by.zip(it.reviewer.as_ref());
    JsonText::of(&Body {
        event: head.name,
        event_id: head.id,
        timestamp: head.at,
        request_id: it.id,
        loop_id: it.loop_id,
        status: it.status,
        response_data: said.answer,
        response,
        response_details: details,
        default_response: said.default,
        response_by: by.map(|(user_id, Reviewer { name, email, .. })| By { user_id, name, email }),
        response_by_user: by.map(|(id, Reviewer { name, email, .. })| User { id, name, email }),
        response_at: it.response_at,
        response_time_seconds: it.response_seconds(),
        created_at: it.created_at,
        completed_at: it.response_at,
        data: data(head.name, it, step, said),
    })
}

/// What was answered, and what stands if nobody does.
#[derive(Clone, Copy)]
struct Said<'a> {
    answer: Option<&'a Value>,
    default: Option<&'a Value>,
}

/// The default as it was sent; bare where JavaScript would put what was sent in another order (12.5).
fn default_of(it: &Request) -> Option<Value> {
    let sent = it.content.default_response.as_ref()?.value();
    Some(if keeps_its_order(&sent) { sent } else { it.content.response_type.bare(&sent).clone() })
}

fn data<'a>(name: EventName, it: &'a Request, step: &'a Step, said: Said<'a>) -> Data<'a> {
    let claimant = it.claimed_by.zip(it.reviewer.as_ref());
    let claimant = claimant.map(|(user_id, Reviewer { name, email, .. })| Claimant { user_id, email, name });
    let (reviewer, estimated_completion, refund_info) = match name {
        EventName::RequestClaimed => (Some(claimant), Some(it.claim_expires_at), None),
        EventName::RequestCompleted => (Some(claimant), None, None),
        EventName::RequestCancelled => (Some(None), None, Some(refund_info(step))),
        EventName::RequestTimeout => (Some(None), None, None),
        _ => (None, None, None),
    };
    Data {
        request_id: it.id,
        response_data: said.answer,
        request: summary(name, it, step, said),
        asked_in: AskedIn { id: it.loop_id, name: &it.loop_name, creator_id: it.loop_creator_id },
        reviewer,
        estimated_completion,
        refund_info,
        changed_fields: (name == EventName::RequestUpdated).then_some(step.changed.as_slice()),
    }
}

fn summary<'a>(name: EventName, it: &'a Request, step: &Step, said: Said<'a>) -> Summary<'a> {
    let (claimed, cancelled) = (name == EventName::RequestClaimed, name == EventName::RequestCancelled);
    let ended = name == EventName::RequestTimeout;
    Summary {
        id: it.id,
        loop_id: it.loop_id,
        processing_type: it.content.processing_type,
        kind: it.content.kind,
        priority: it.content.priority.as_str(),
        request_text: &it.content.request_text,
        response_type: it.content.response_type,
        status: it.status,
        response_data: said.answer,
        response_by: it.response_by,
        response_at: it.response_at,
        response_time_seconds: it.response_seconds(),
        timeout_at: it.timeout_at,
        created_at: it.created_at,
        updated_at: it.updated_at,
        claimed_by: claimed.then_some(it.claimed_by),
        claimed_at: claimed.then_some(it.claimed_at),
        previous_status: (cancelled || ended).then_some(step.previous),
        cancelled_at: cancelled.then_some(it.cancelled_at),
        default_response: ended.then_some(said.default),
    }
}

#[derive(Serialize)]
struct Body<'a> {
    event: EventName,
    event_id: Id<Event>,
    timestamp: Timestamp,
    request_id: Id<Request>,
    loop_id: Id<Loop>,
    status: Status,
    response_data: Option<&'a Value>,
    response: Option<Value>,
    response_details: Option<Value>,
    default_response: Option<&'a Value>,
    response_by: Option<By<'a>>,
    response_by_user: Option<User<'a>>,
    response_at: Option<Timestamp>,
    response_time_seconds: Option<Value>,
    created_at: Timestamp,
    completed_at: Option<Timestamp>,
    data: Data<'a>,
}

#[expect(
    clippy::option_option,
    reason = "what only some events have is left out of the others, and may be null in those"
)]
#[derive(Serialize)]
struct Data<'a> {
    request_id: Id<Request>,
    response_data: Option<&'a Value>,
    request: Summary<'a>,
    #[serde(rename = "loop")]
    asked_in: AskedIn<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewer: Option<Option<Claimant<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_completion: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_info: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_fields: Option<&'a [&'static str]>,
}

#[expect(
    clippy::option_option,
    reason = "what only some events have is left out of the others, and may be null in those"
)]
#[derive(Serialize)]
struct Summary<'a> {
    id: Id<Request>,
    loop_id: Id<Loop>,
    processing_type: ProcessingType,
    #[serde(rename = "type")]
    kind: ContentType,
    priority: &'static str,
    request_text: &'a str,
    response_type: ResponseType,
    status: Status,
    response_data: Option<&'a Value>,
    response_by: Option<Id<Account>>,
    response_at: Option<Timestamp>,
    response_time_seconds: Option<Value>,
    timeout_at: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_by: Option<Option<Id<Account>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_at: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_status: Option<Option<Status>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_response: Option<Option<&'a Value>>,
}

#[derive(Serialize)]
struct AskedIn<'a> {
    id: Id<Loop>,
    name: &'a str,
    creator_id: Id<Account>,
}

#[derive(Serialize)]
struct By<'a> {
    user_id: Id<Account>,
    name: &'a str,
    email: &'a Email,
}

#[derive(Serialize)]
struct User<'a> {
    id: Id<Account>,
    name: &'a str,
    email: &'a Email,
}

#[derive(Serialize)]
struct Claimant<'a> {
    user_id: Id<Account>,
    email: &'a Email,
    name: &'a str,
}
