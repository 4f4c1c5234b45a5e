//! Webhooks and their deliveries: what they are and what may be asked of them (contract 12.8 and 12.9).

use super::{
    Account, Event, EventName, Id, Invalid, Loop, Object, Request, Secret, Timestamp, new_requests::url,
    object::longer_than, patterns, retry::MOST_ATTEMPTS, signatures, words::words,
};

words! {
    /// How far a webhook reaches.
    pub enum Reach {
        /// All that concerns its account.
        Global = "global",
        /// One loop.
        Loop = "loop",
    }
}

/// An address that wants to hear of events.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Its identifier.
    pub id: Id<Webhook>,
    /// Whose it is.
    pub account_id: Id<Account>,
    /// Where deliveries go.
    pub url: String,
    /// The one loop it is about; `None` is all.
    pub loop_id: Option<Id<Loop>>,
    /// What it wants (12.8).
    pub events: Vec<String>,
    /// Whether it is sent anything.
    pub enabled: bool,
    /// Why it was disabled, where the server did it.
    pub disabled_reason: Option<String>,
    /// What deliveries are signed with.
    pub secret: Secret,
    /// What they are signed with too, for a while after a rotation.
    pub previous_secret: Option<Secret>,
    /// Until when.
    pub previous_until: Option<Timestamp>,
    /// What its owner says of it.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When something was last sent.
    pub last_delivery_at: Option<Timestamp>,
    /// The status that came back; `None` where none did.
    pub last_status: Option<i64>,
    /// Failed attempts since the last success.
    pub failure_count: i64,
    /// Since when there was nothing but failure.
    pub failing_since: Option<Timestamp>,
}

impl Webhook {
    /// Whether it wants to hear of this event.
    pub fn wants(&self, event: &Event) -> bool {
        self.enabled && self.loop_id.is_none_or(|id| event.loop_id == Some(id)) && patterns::wants(&self.events, event)
    }

    /// Where it stands: `active`, `paused` by its owner, or `disabled` by the server.
    pub fn standing(&self) -> &'static str {
        match (self.enabled, &self.disabled_reason) {
            (true, _) => "active",
            (false, None) => "paused",
            (false, Some(_)) => "disabled",
        }
    }

    /// Whether what is meant for it does not reach it: it fails, or the server has disabled it for that.
    pub fn is_ill(&self) -> bool {
        if self.enabled { self.failing_since.is_some() } else { self.disabled_reason.is_some() }
    }

    /// The secrets that sign now, the present one first.
    pub fn secrets(&self, now: Timestamp) -> Vec<&Secret> {
        signatures::both(&self.secret, self.previous_secret.as_ref(), self.previous_until, now)
    }
}

/// How long both secrets sign after a rotation, in seconds.
pub const OVERLAP_SECONDS: i64 = 24 * 3600;
/// After this long with nothing but failure a webhook is disabled, in seconds.
pub const DISABLE_AFTER_SECONDS: i64 = 5 * 24 * 3600;
/// After this long its owner is warned.
pub const WARN_AFTER_SECONDS: i64 = 3 * 24 * 3600;
/// From the warning to disabling there is at least this long, however rarely something is sent.
pub const NOTICE_SECONDS: i64 = 24 * 3600;

/// Since when a webhook has done nothing but fail, and when its owner was warned of it.
#[derive(Clone, Copy, Debug)]
pub struct Failing {
    /// The first failure after the last success.
    pub since: Timestamp,
    /// When the warning went out.
    pub warned_at: Option<Timestamp>,
}

impl Failing {
    /// When it is disabled if it goes on like this; `warned_at` is when the warning goes out.
    pub fn disabled_at(self, warned_at: Timestamp) -> Timestamp {
        self.since.plus_seconds(DISABLE_AFTER_SECONDS).max(warned_at.plus_seconds(NOTICE_SECONDS))
    }

    /// Whether the time has come to disable it.
    pub fn is_over(self, now: Timestamp) -> bool {
        self.warned_at.is_some_and(|warned_at| self.disabled_at(warned_at) <= now)
    }

    /// Whether the time has come to warn its owner.
    pub fn is_to_be_warned_of(self, now: Timestamp) -> bool {
        self.warned_at.is_none() && self.since.plus_seconds(WARN_AFTER_SECONDS) <= now
    }
}

/// What is asked of a new webhook, or of a changed one. Absent is as it was, or the default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebhookFields {
    /// Where deliveries go.
    pub url: Option<String>,
    /// What it wants.
    pub events: Option<Vec<String>>,
    /// What to sign with.
    pub secret: Option<Secret>,
    /// How far it reaches.
    pub reach: Option<Reach>,
    /// The loop it is about.
    pub loop_id: Option<Id<Loop>>,
    /// Whether it is sent anything.
    pub enabled: Option<bool>,
    /// What its owner says of it.
    pub description: Option<String>,
}

impl WebhookFields {
    /// Reads the body of a creation: `url` is required.
    pub fn parse_new(sent: &Object, allow_http: bool) -> Result<Self, Invalid> {
        let fields = Self::parse(sent, allow_http)?;
        if fields.url.is_none() {
            return Err(Invalid::required("url"));
        }
        Ok(fields)
    }

    /// Reads the body of an update: at least one known field.
    pub fn parse_change(sent: &Object, allow_http: bool) -> Result<Self, Invalid> {
        let fields = Self::parse(sent, allow_http)?;
        if fields == Self::default() {
            return Err(Invalid::new("At least one field must be provided for update"));
        }
        Ok(fields)
    }

    fn parse(sent: &Object, allow_http: bool) -> Result<Self, Invalid> {
        let fields = Self {
            url: url(sent, "url", allow_http)?,
            events: events(sent)?,
            secret: secret(sent)?,
            reach: sent.word("type")?,
            loop_id: loop_id(sent)?,
            enabled: sent.boolean("enabled")?,
            description: description(sent)?,
        };
        if fields.reach == Some(Reach::Global) && fields.loop_id.is_some() {
            return Err(Invalid::failed("loop_id cannot be given with type global"));
        }
        Ok(fields)
    }
}

fn events(sent: &Object) -> Result<Option<Vec<String>>, Invalid> {
    const ISSUE: &str = "must be an array of strings";
    let Some(value) = sent.value("events") else { return Ok(None) };
    let items = value.as_array().ok_or_else(|| Invalid::field("events", ISSUE))?;
    let text =
        |item: &serde_json::Value| item.as_str().map(str::to_owned).ok_or_else(|| Invalid::field("events", ISSUE));
    let names = items.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    if names.is_empty() || names.len() > 50 {
        return Err(Invalid::failed("events must contain between 1 and 50 items"));
    }
    patterns::check(&names)?;
    Ok(Some(names))
}

fn secret(sent: &Object) -> Result<Option<Secret>, Invalid> {
    match sent.text("secret")? {
        Some(text) if text.chars().count() < 8 || longer_than(text, 256) => {
            Err(Invalid::failed("secret must be between 8 and 256 characters"))
        }
        text => Ok(text.map(|text| Secret(text.to_owned()))),
    }
}

fn loop_id(sent: &Object) -> Result<Option<Id<Loop>>, Invalid> {
    let parse = |text: &str| text.parse().map_err(|_| Invalid::new("Invalid loop ID format"));
    sent.trimmed("loop_id")?.map(parse).transpose()
}

fn description(sent: &Object) -> Result<Option<String>, Invalid> {
    match sent.text("description")? {
        Some(text) if longer_than(text, 500) => Err(Invalid::failed("description must be at most 500 characters")),
        text => Ok(text.map(str::to_owned)),
    }
}

words! {
    /// Where a delivery stands (12.9).
    pub enum DeliveryStatus {
        /// Not sent yet.
        Pending = "pending",
        /// A receiver took it.
        Success = "success",
        /// Given up.
        Failed = "failed",
        /// To be sent again.
        Retrying = "retrying",
    }
}

words! {
    /// What a delivery goes to.
    pub enum DeliveryKind {
        /// A registered webhook.
        Webhook = "webhook",
        /// A request's `callback_url`.
        Callback = "callback",
        /// A person's browser, by Web Push.
        Push = "push",
        /// A person's ntfy topic.
        Ntfy = "ntfy",
        /// A person's address.
        Mail = "mail",
    }
}

impl DeliveryKind {
    /// Whether it goes to a person, not to a program.
    pub const fn is_notification(self) -> bool {
        matches!(self, Self::Push | Self::Ntfy | Self::Mail)
    }
}

/// The cause of a delivery that is a test.
pub const TEST: &str = "test";

/// One event on its way to one address.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its identifier.
    pub id: Id<Delivery>,
    /// What it tells of.
    pub event_id: Id<Event>,
    /// What that was.
    pub event: EventName,
    /// What it goes to.
    pub kind: DeliveryKind,
    /// Whose it is; for a notification, whom it goes to.
    pub account_id: Id<Account>,
    /// The webhook; `None` for anything else.
    pub webhook_id: Option<Id<Webhook>>,
    /// The request it tells of.
    pub request_id: Option<Id<Request>>,
    /// Where it goes.
    pub url: String,
    /// The body, byte for byte.
    pub body: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Attempts made.
    pub attempt: i64,
    /// What caused the latest attempt: `event`, `retry`, `manual`, `recovery` or `test`.
    pub cause: String,
    /// When it is to be sent next.
    pub next_attempt_at: Option<Timestamp>,
    /// Until when a worker has it.
    pub locked_until: Option<Timestamp>,
    /// The status that came back.
    pub response_status: Option<i64>,
    /// How long that took.
    pub response_time_ms: Option<i64>,
    /// What came back, cut to 4 KB.
    pub response_body: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a receiver took it.
    pub delivered_at: Option<Timestamp>,
}

impl Delivery {
    /// When it is sent next; `None` when it is not, and while it is being sent.
    pub fn next_retry_at(&self) -> Option<Timestamp> {
        self.next_attempt_at.filter(|_| self.locked_until.is_none())
    }

    /// The most attempts that are made (12.6); a test has one.
    pub fn most_attempts(&self) -> i64 {
        if self.cause == TEST { 1 } else { MOST_ATTEMPTS }
    }
}
