//! Requests: what they are, and the states they pass through (contract 5.2 and 8).

use super::{
    Account, Email, Id, Json, Key, Loop, Timestamp, decimal,
    response::{ResponseType, Spec},
    words::words,
};
use serde_json::Value;

words! {
    /// Where a request stands (contract 8.1).
    pub enum Status {
        /// Waits for somebody to claim it.
        Pending = "pending",
        /// Somebody works on it.
        Claimed = "claimed",
        /// Answered by a person.
        Completed = "completed",
        /// Nobody answered in time: the default stands.
        Timeout = "timeout",
        /// Taken back.
        Cancelled = "cancelled",
    }
}

impl Status {
    /// Whether nothing more can happen to it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Timeout | Self::Cancelled)
    }
}

words! {
    /// How urgent a request is; the queue serves the last first (contract 8.7).
    pub enum Priority {
        /// When there is nothing else to do.
        Low = "low",
        /// Usual.
        Medium = "medium",
        /// Before the usual.
        High = "high",
        /// Before all else.
        Critical = "critical",
    }
}

words! {
    /// Whether somebody waits for the answer now (contract 7.1.2).
    pub enum ProcessingType {
        /// Within a day at most; the caller says within what time.
        TimeSensitive = "time-sensitive",
        /// Within 30 days.
        Deferred = "deferred",
    }
}

words! {
    /// What is shown to the reviewer.
    pub enum ContentType {
        /// Text with markdown.
        Markdown = "markdown",
        /// Text and an image.
        Image = "image",
    }
}

words! {
    /// Where a request came from.
    pub enum Platform {
        /// The n8n node.
        N8n = "n8n",
        /// Zapier.
        Zapier = "zapier",
        /// The dashboard.
        WebPortal = "web_portal",
        /// A program of one's own.
        Api = "api",
        /// A phone app.
        Mobile = "mobile",
        /// A webhook.
        Webhook = "webhook",
    }
}

/// A question to the people of a loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its identifier.
    pub id: Id<Request>,
    /// The loop it was put to.
    pub loop_id: Id<Loop>,
    /// The loop's name.
    pub loop_name: String,
    /// The account that made the loop.
    pub loop_creator_id: Id<Account>,
    /// The account whose key made it.
    pub creator_id: Id<Account>,
    /// The key that made it.
    pub api_key_id: Id<Key>,
    /// What was asked.
    pub content: Content,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it times out.
    pub timeout_at: Timestamp,
    /// Who was told: a list of recipients (contract 5.3).
    pub broadcasted_to: Json,
    /// The creator's `User-Agent`.
    pub user_agent: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Who works, or worked, on it.
    pub claimed_by: Option<Id<Account>>,
    /// Since when.
    pub claimed_at: Option<Timestamp>,
    /// When the claim lapses.
    pub claim_expires_at: Option<Timestamp>,
    /// Who answered.
    pub response_by: Option<Id<Account>>,
    /// Who that is; while it is claimed, who claimed it.
    pub reviewer: Option<Reviewer>,
    /// When it was answered.
    pub response_at: Option<Timestamp>,
    /// The answer, in its bare form (contract 9.2.1).
    pub response_data: Option<Json>,
    /// When it was taken back.
    pub cancelled_at: Option<Timestamp>,
    /// Why it was taken back.
    pub cancel_reason: Option<String>,
    /// What its creator thought of the answer.
    pub feedback: Option<Json>,
    /// Whether its creator has webhooks, which may want to hear of it.
    pub heard: bool,
}

/// A person as requests show them.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewer {
    /// The person's name.
    pub name: String,
    /// The person's address.
    pub email: Email,
    /// Whether there is any way to notify them.
    pub reachable: bool,
}

/// What a caller asks: all that an update may change.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Urgent or not.
    pub processing_type: ProcessingType,
    /// Text or image.
    pub kind: ContentType,
    /// How urgent.
    pub priority: Priority,
    /// 1 to 2000 code points of markdown.
    pub request_text: String,
    /// An http(s) URL.
    pub image_url: Option<String>,
    /// Anything the reviewer should know, at most 50 KB.
    pub context: Option<Json>,
    /// Seconds until it times out.
    pub timeout_seconds: i64,
    /// The type of the answer.
    pub response_type: ResponseType,
    /// The form of the answer, as sent.
    pub response_config: Json,
    /// What stands if nobody answers, as sent.
    pub default_response: Option<Json>,
    /// Where it came from.
    pub platform: Platform,
    /// At most 50 code points.
    pub platform_version: Option<String>,
    /// Where to send the answer.
    pub callback_url: Option<String>,
    /// The caller's, echoed.
    pub tags: Option<Json>,
    /// The caller's, echoed.
    pub metadata: Option<Json>,
}

impl Content {
    /// The form of the answer, parsed. It was checked when it was stored; one that an older version let pass counts as broken.
    pub fn spec(&self) -> Result<Spec, String> {
        let config = self.response_config.value();
        Spec::parse(self.response_type, config.as_object().unwrap_or(&serde_json::Map::new()))
    }
}

impl Request {
    /// The answer in the object dialect (contract 9.2).
    pub fn response_details(&self) -> Option<Value> {
        let answer = self.response_data.as_ref()?;
        self.content.spec().ok().map(|spec| spec.details(&answer.value()))
    }

    /// Seconds from creation to answer, as a number for the wire (contract 8.9).
    pub fn response_seconds(&self) -> Option<Value> {
        self.response_at.map(|at| decimal::json(at.seconds_since(self.created_at)))
    }

    /// When the clock has something to do with it: its time is over, or the claim on it lapses.
    pub fn due_at(&self) -> Option<Timestamp> {
        let lapses = self.claim_expires_at.filter(|_| self.status == Status::Claimed);
        (!self.status.is_final()).then(|| lapses.map_or(self.timeout_at, |at| at.min(self.timeout_at)))
    }

    /// Whether that is now, or was before.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.due_at().is_some_and(|at| at <= now)
    }
}

/// How long before the deadline whoever has claimed a request is warned, in seconds (contract 8.8).
pub const WARNING_SECONDS: i64 = 15 * 60;

/// When whoever has claimed a request is to be warned of its deadline; one that is shorter anyway is not warned of.
pub fn warn_at(timeout_seconds: i64, timeout_at: Timestamp) -> Option<Timestamp> {
    (timeout_seconds > WARNING_SECONDS).then(|| timeout_at.plus_seconds(-WARNING_SECONDS))
}

/// The most code points of a reason for taking a request back (contract 7.6).
pub const LONGEST_REASON: usize = 500;
