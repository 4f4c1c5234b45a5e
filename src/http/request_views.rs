//! Requests as they are shown on the wire, around [`RequestView`]: what is answered to each operation (contract 7).

use super::views::{Pagination, RequestView};
use crate::{
    domain::{Feedback, Id, Json, Loop, Request, Timestamp, words::Word},
    service::request_lists::Listed,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A request that was just made (7.1.4).
#[derive(Serialize, ToSchema)]
pub struct CreatedRequest {
    /// Its identifier.
    #[schema(example = "65f1234567890abcdef12348")]
    pub(super) id: String,
    /// The same.
    #[schema(example = "65f1234567890abcdef12348")]
    pub(super) request_id: String,
    /// The loop it was put to.
    pub(super) loop_id: String,
    /// `pending`.
    #[schema(example = "pending")]
    pub(super) status: &'static str,
    /// `time-sensitive` or `deferred`.
    #[schema(example = "time-sensitive")]
    pub(super) processing_type: &'static str,
    /// `markdown` or `image`.
    #[serde(rename = "type")]
    #[schema(example = "markdown")]
    pub(super) kind: &'static str,
    /// How urgent.
    #[schema(example = "high")]
    pub(super) priority: &'static str,
    /// When it times out.
    pub(super) timeout_at: String,
    /// How many people were told.
    #[schema(example = 4)]
    pub(super) broadcasted_to: usize,
    /// How many of them by another way than their inbox.
    #[schema(example = 3)]
    pub(super) notifications_sent: usize,
    /// Where to read it.
    #[schema(example = "/v1/api/requests/65f1234567890abcdef12348")]
    pub(super) polling_url: String,
    /// When it was made.
    pub(super) created_at: String,
}

impl From<&Request> for CreatedRequest {
    fn from(it: &Request) -> Self {
        let told = it.broadcasted_to.value();
        let recipients = told.as_array().map_or(&[][..], Vec::as_slice);
        Self {
            id: it.id.to_string(),
            request_id: it.id.to_string(),
            loop_id: it.loop_id.to_string(),
            status: it.status.as_str(),
            processing_type: it.content.processing_type.as_str(),
            kind: it.content.kind.as_str(),
            priority: it.content.priority.as_str(),
            timeout_at: it.timeout_at.to_string(),
            broadcasted_to: recipients.len(),
            notifications_sent: recipients.iter().filter(|told| told["notification_sent"] == true).count(),
            polling_url: format!("/v1/api/requests/{}", it.id),
            created_at: it.created_at.to_string(),
        }
    }
}

/// The same with the whole request beside it (7.1.9).
#[derive(Serialize, ToSchema)]
pub struct CreatedLegacyRequest {
    /// What every creation answers.
    #[serde(flatten)]
    pub(super) created: CreatedRequest,
    /// The request.
    pub(super) request: RequestView,
}

/// One request, with what clients look for at the top level (7.4).
#[derive(Serialize, ToSchema)]
pub struct OneRequest {
    /// The request.
    pub(super) request: RequestView,
    /// Its identifier.
    #[schema(value_type = String)]
    pub(super) id: Id<Request>,
    /// The same.
    #[schema(value_type = String)]
    pub(super) request_id: Id<Request>,
    /// The loop it was put to.
    #[schema(value_type = String)]
    pub(super) loop_id: Id<Loop>,
    /// Where it stands.
    #[schema(example = "completed")]
    pub(super) status: &'static str,
    /// The type of the answer.
    pub(super) response_type: &'static str,
    /// What stands if nobody answers.
    #[schema(value_type = Option<Value>)]
    pub(super) default_response: Option<Json>,
    /// The answer; `false`, `0` and `""` in their object form, so that no client mistakes them for nothing.
    pub(super) response_data: Option<Value>,
    /// When it times out.
    #[schema(value_type = String)]
    pub(super) timeout_at: Timestamp,
    /// When it was answered.
    #[schema(value_type = Option<String>)]
    pub(super) completed_at: Option<Timestamp>,
}

impl From<Request> for OneRequest {
    fn from(it: Request) -> Self {
        let request = RequestView::from(it);
        Self {
            id: request.id,
            request_id: request.id,
            loop_id: request.loop_id,
            status: request.status,
            response_type: request.response_type,
            default_response: request.default_response.clone(),
            response_data: request.mirrored_response(),
            timeout_at: request.timeout_at,
            completed_at: request.completed_at,
            request,
        }
    }
}

/// A page of requests (7.2).
#[derive(Serialize, ToSchema)]
pub struct Requests {
    /// The requests on this page.
    pub(super) requests: Vec<RequestView>,
    /// How many are on this page.
    #[schema(example = 2)]
    pub(super) count: usize,
    /// How many match on all pages.
    #[schema(example = 15)]
    pub(super) total: i64,
    /// Whether there is another page.
    pub(super) has_more: bool,
    /// Where this page stands.
    pub(super) pagination: Pagination,
}

impl From<Listed> for Requests {
    fn from(listed: Listed) -> Self {
        let count = listed.requests.len();
        let pagination = Pagination::new(listed.filter.page, listed.total, count);
        Self {
            requests: listed.requests.into_iter().map(RequestView::from).collect(),
            count,
            total: listed.total,
            has_more: pagination.next_offset.is_some(),
            pagination,
        }
    }
}

/// A page of a loop's requests (7.3).
#[derive(Serialize, ToSchema)]
pub struct LoopRequests {
    /// The loop.
    pub(super) loop_id: String,
    /// The page.
    #[serde(flatten)]
    pub(super) page: Requests,
}

/// A request that was changed (7.5).
#[derive(Serialize, ToSchema)]
pub struct ChangedRequest {
    /// The request.
    pub(super) request: RequestView,
    /// Its identifier.
    pub(super) id: String,
    /// The same.
    pub(super) request_id: String,
}

/// A request that was taken back (7.6).
#[derive(Serialize, ToSchema)]
pub struct CancelledRequest {
    /// The request.
    pub(super) request_id: String,
    /// `cancelled`.
    #[schema(example = "cancelled")]
    pub(super) status: &'static str,
    /// When.
    pub(super) cancelled_at: Option<String>,
    /// Where it stood before.
    #[schema(example = "pending")]
    pub(super) previous_status: &'static str,
    /// Whether the hourly limit got one back.
    pub(super) refund_info: RefundInfo,
}

/// Whether a cancellation gave one request back to the hourly limit (3.7).
#[derive(Serialize, ToSchema)]
pub struct RefundInfo {
    /// It did.
    pub(super) refunded: bool,
    /// Why, or why not.
    #[schema(example = "Request cancelled before processing began")]
    pub(super) reason: &'static str,
}

/// Feedback that was taken (7.7).
#[derive(Serialize, ToSchema)]
pub struct GivenFeedback {
    /// The request.
    pub(super) request_id: String,
    /// What was said.
    #[schema(value_type = Value)]
    pub(super) feedback: Json,
    /// Its identifier.
    pub(super) feedback_id: String,
    /// When.
    pub(super) submitted_at: String,
    /// Whether the reviewer will be told by another way than their history.
    pub(super) reviewer_notified: bool,
}

impl GivenFeedback {
    pub(super) fn new(it: Feedback, reviewer_notified: bool) -> Self {
        Self {
            request_id: it.request_id.to_string(),
            feedback: it.body,
            feedback_id: it.id.to_string(),
            submitted_at: it.submitted_at.to_string(),
            reviewer_notified,
        }
    }
}
