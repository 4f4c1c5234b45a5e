//! How the resources look on the wire (contract 5): every documented key, null where there is nothing.

use crate::{
    domain::{
        Account, Id, Json, Key, Loop, Member, MemberStatus, Request, Timestamp, request_filters::Page, response::mirror,
    },
    service::loops::Peopled,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A member as loops show them (5.1, short form).
#[derive(Serialize, ToSchema)]
pub struct MemberView {
    /// The person's account.
    #[schema(example = "65f1234567890abcdef12346")]
    pub user_id: String,
    /// The person's address.
    #[schema(example = "user@example.com")]
    pub email: String,
    /// `active` or `pending`.
    #[schema(example = "active")]
    pub status: String,
    /// When the person joined; null while invited.
    #[schema(example = "2024-03-15T10:30:00Z")]
    pub joined_at: Option<String>,
}

impl From<&Member> for MemberView {
    fn from(member: &Member) -> Self {
        Self {
            user_id: member.account_id.to_string(),
            email: member.email.to_string(),
            status: member.status.to_string(),
            joined_at: member.joined_at.map(|at| at.to_string()),
        }
    }
}

/// A member with everything (5.1, long form).
#[derive(Serialize, ToSchema)]
pub struct MemberDetails {
    /// What loops show.
    #[serde(flatten)]
    pub member: MemberView,
    /// The person's name.
    #[schema(example = "Jane Doe")]
    pub name: String,
    /// `admin` is the creator, everybody else `member`.
    #[schema(example = "member")]
    pub role: String,
    /// When the person last claimed or answered here.
    pub last_active: Option<String>,
}

impl From<&Member> for MemberDetails {
    fn from(member: &Member) -> Self {
        Self {
            member: member.into(),
            name: member.name.clone(),
            role: member.role.to_string(),
            last_active: member.last_active.map(|at| at.to_string()),
        }
    }
}

/// How many members there are.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub struct MemberCounts {
    /// Joined and invited.
    #[schema(example = 4)]
    pub member_count: usize,
    /// Invited only.
    #[schema(example = 1)]
    pub pending_count: usize,
    /// Joined.
    #[schema(example = 3)]
    pub active_count: usize,
}

impl MemberCounts {
    /// Counts them.
    pub fn of(members: &[Member]) -> Self {
        let active_count = members.iter().filter(|member| member.status == MemberStatus::Active).count();
        Self { member_count: members.len(), pending_count: members.len() - active_count, active_count }
    }
}

/// A loop (5.1).
#[derive(Serialize, ToSchema)]
pub struct LoopView {
    /// Its identifier.
    #[schema(example = "65f1234567890abcdef12345")]
    pub id: String,
    /// Its name.
    #[schema(example = "Content Moderation")]
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The name of an icon, or any text.
    #[schema(example = "shield-check")]
    pub icon: String,
    /// The account that made it.
    pub creator_id: String,
    /// The creator first, then in the order of joining.
    pub members: Vec<MemberView>,
    /// How many there are.
    #[serde(flatten)]
    pub counts: MemberCounts,
    /// What people join with; the creator sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite_code: Option<String>,
    /// Where people join; the creator sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_url: Option<String>,
    /// The same as an image; the creator sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qr_code_url: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it or its membership last changed.
    pub updated_at: String,
}

impl LoopView {
    /// The loop as its creator sees it, with the ways in, or as a member does.
    pub fn new(peopled: &Peopled, base_url: &str, for_creator: bool) -> Self {
        let Peopled { it, members } = peopled;
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            description: it.description.clone(),
            icon: it.icon.clone(),
            creator_id: it.creator_id.to_string(),
            members: members.iter().map(MemberView::from).collect(),
            counts: MemberCounts::of(members),
            invite_code: for_creator.then(|| it.invite_code.clone()),
            join_url: for_creator.then(|| join_url(it, base_url)),
            qr_code_url: for_creator.then(|| qr_url(it, base_url)),
            created_at: it.created_at.to_string(),
            updated_at: it.updated_at.to_string(),
        }
    }
}

/// Where people join a loop (11.3).
pub fn join_url(it: &Loop, base_url: &str) -> String {
    format!("{base_url}/join/{}", it.invite_code)
}

/// The image that leads there (11.3).
pub fn qr_url(it: &Loop, base_url: &str) -> String {
    format!("{base_url}/qr/{}.png", it.invite_code)
}

/// Who answered (5.2).
#[derive(Serialize, ToSchema)]
pub struct Responder {
    /// The person's account.
    pub id: String,
    /// The person's name.
    #[schema(example = "John Doe")]
    pub name: String,
    /// The person's address.
    #[schema(example = "john@example.com")]
    pub email: String,
}

/// A request, in full (5.2).
#[derive(Serialize, ToSchema)]
pub struct RequestView {
    /// Its identifier.
    #[schema(value_type = String, example = "65f1234567890abcdef12348")]
    pub id: Id<Request>,
    /// The loop it was put to.
    #[schema(value_type = String)]
    pub loop_id: Id<Loop>,
    /// The loop's name.
    pub loop_name: String,
    /// The account whose key made it.
    #[schema(value_type = String)]
    pub creator_id: Id<Account>,
    /// The key that made it.
    #[schema(value_type = String)]
    pub api_key_id: Id<Key>,
    /// `time-sensitive` or `deferred`.
    #[schema(example = "time-sensitive")]
    pub processing_type: &'static str,
    /// `markdown` or `image`.
    #[serde(rename = "type")]
    #[schema(example = "markdown")]
    pub kind: &'static str,
    /// `low`, `medium`, `high` or `critical`.
    #[schema(example = "high")]
    pub priority: &'static str,
    /// What is asked, in markdown.
    #[schema(example = "Please review this post.")]
    pub request_text: String,
    /// An image to look at.
    pub image_url: Option<String>,
    /// What the reviewer should know.
    #[schema(value_type = Option<Value>)]
    pub context: Option<Json>,
    /// Where it came from.
    #[schema(example = "api")]
    pub platform: &'static str,
    /// The version of that.
    pub platform_version: Option<String>,
    /// One of the six types of answer.
    #[schema(example = "single_select")]
    pub response_type: &'static str,
    /// The form of the answer, as sent.
    #[schema(value_type = Value)]
    pub response_config: Json,
    /// What stands if nobody answers, as sent.
    #[schema(value_type = Option<Value>)]
    pub default_response: Option<Json>,
    /// Seconds until it times out.
    #[schema(example = 3600)]
    pub timeout_seconds: i64,
    /// When it times out.
    #[schema(value_type = String)]
    pub timeout_at: Timestamp,
    /// Where the answer is sent.
    pub callback_url: Option<String>,
    /// The caller's own, if sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub tags: Option<Json>,
    /// The caller's own, if sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub metadata: Option<Json>,
    /// Who was told.
    #[schema(value_type = Value)]
    pub broadcasted_to: Json,
    /// When.
    #[schema(value_type = String)]
    pub broadcasted_at: Timestamp,
    /// `pending`, `claimed`, `completed`, `timeout` or `cancelled`.
    #[schema(example = "completed")]
    pub status: &'static str,
    /// Who works, or worked, on it.
    #[schema(value_type = Option<String>)]
    pub claimed_by: Option<Id<Account>>,
    /// Since when.
    #[schema(value_type = Option<String>)]
    pub claimed_at: Option<Timestamp>,
    /// The account that answered.
    #[schema(value_type = Option<String>)]
    pub response_by: Option<Id<Account>>,
    /// Who that is.
    pub response_by_user: Option<Responder>,
    /// When it was answered.
    #[schema(value_type = Option<String>)]
    pub response_at: Option<Timestamp>,
    /// The same.
    #[schema(value_type = Option<String>)]
    pub completed_at: Option<Timestamp>,
    /// The answer, bare; null until `completed`.
    #[schema(value_type = Option<Value>, example = "approve")]
    pub response_data: Option<Json>,
    /// The answer with its labels.
    pub response_details: Option<Value>,
    /// Seconds from creation to answer.
    #[schema(value_type = Option<f64>, example = 245.5)]
    pub response_time_seconds: Option<Value>,
    /// When it was taken back.
    #[schema(value_type = Option<String>)]
    pub cancelled_at: Option<Timestamp>,
    /// Why.
    pub cancel_reason: Option<String>,
    /// What its creator thought of the answer.
    #[schema(value_type = Option<Value>)]
    pub feedback: Option<Json>,
    /// Reserved.
    pub assignee_role: Option<String>,
    /// The program that made it.
    pub user_agent: Option<String>,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String)]
    pub updated_at: Timestamp,
}

impl From<Request> for RequestView {
    fn from(it: Request) -> Self {
        use crate::domain::words::Word;
        let (response_details, seconds) = (it.response_details(), it.response_seconds());
        let content = it.content;
        let responder = it.response_by.zip(it.reviewer);
        Self {
            id: it.id,
            loop_id: it.loop_id,
            loop_name: it.loop_name,
            creator_id: it.creator_id,
            api_key_id: it.api_key_id,
            processing_type: content.processing_type.as_str(),
            kind: content.kind.as_str(),
            priority: content.priority.as_str(),
            request_text: content.request_text,
            image_url: content.image_url,
            context: content.context,
            platform: content.platform.as_str(),
            platform_version: content.platform_version,
            response_type: content.response_type.as_str(),
            response_config: content.response_config,
            default_response: content.default_response,
            timeout_seconds: content.timeout_seconds,
            timeout_at: it.timeout_at,
            callback_url: content.callback_url,
            tags: content.tags,
            metadata: content.metadata,
            broadcasted_to: it.broadcasted_to,
            broadcasted_at: it.created_at,
            status: it.status.as_str(),
            claimed_by: it.claimed_by,
            claimed_at: it.claimed_at,
            response_by: it.response_by,
            response_by_user: responder.map(|(id, who)| Responder {
                id: id.to_string(),
                name: who.name,
                email: who.email.to_string(),
            }),
            completed_at: it.response_at,
            response_at: it.response_at,
            response_data: it.response_data,
            response_details,
            response_time_seconds: seconds,
            cancelled_at: it.cancelled_at,
            cancel_reason: it.cancel_reason,
            feedback: it.feedback,
            assignee_role: None,
            user_agent: it.user_agent,
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

impl RequestView {
    /// The answer as the top-level mirror shows it: a falsy one in its object form (9.3); null until `completed`.
    pub fn mirrored_response(&self) -> Option<Value> {
        Some(mirror(&self.response_data.as_ref()?.value(), self.response_details.as_ref()?))
    }
}

/// Where in a list a page stands (7.2).
#[derive(Serialize, ToSchema)]
pub struct Pagination {
    /// Entries a page.
    #[schema(example = 50)]
    pub limit: i64,
    /// Entries before this page.
    #[schema(example = 0)]
    pub offset: i64,
    /// Where the next page begins; null on the last.
    #[schema(example = 50)]
    pub next_offset: Option<i64>,
}

impl Pagination {
    /// The page among `total` entries.
    pub fn new(page: Page, total: i64, on_page: usize) -> Self {
        let end = page.offset.saturating_add(i64::try_from(on_page).unwrap_or(i64::MAX));
        Self {
            limit: page.limit,
            offset: page.offset,
            next_offset: (end < total && on_page > 0).then(|| page.offset + page.limit),
        }
    }
}
