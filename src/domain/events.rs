//! The record of what happened: one event a change, written in the same transaction (design 5).

use super::{Account, Id, JsonText, Key, Loop, Request, Timestamp, requests::Status, words::words};

words! {
    /// What happened. The first three groups are what webhooks speak of (contract 12.2); the others are for the audit trail.
    pub enum EventName {
        /// A request was made.
        RequestCreated = "request.created",
        /// Somebody took a request on.
        RequestClaimed = "request.claimed",
        /// A request was answered.
        RequestCompleted = "request.completed",
        /// A request was taken back.
        RequestCancelled = "request.cancelled",
        /// Nobody answered in time.
        RequestTimeout = "request.timeout",
        /// A loop was made.
        LoopCreated = "loop.created",
        /// A loop changed.
        LoopUpdated = "loop.updated",
        /// A loop was deleted.
        LoopDeleted = "loop.deleted",
        /// Somebody joined.
        LoopMemberJoined = "loop.member_joined",
        /// Somebody left or was removed.
        LoopMemberLeft = "loop.member_left",
        /// A key has used 80 % of its window.
        KeyQuotaWarning = "api_key.quota_warning",
        /// A key was refused for the first time in its window.
        KeyLimitExceeded = "api_key.limit_exceeded",
        /// A webhook is being tested.
        WebhookTest = "webhook.test",
        /// A webhook has failed for days and will be disabled.
        WebhookFailing = "webhook.failing",
        /// A webhook was disabled, by its receiver or for failing too long.
        WebhookDisabled = "webhook.disabled",
        /// A claim was given back, or lapsed.
        RequestReleased = "request.released",
        /// An open request was changed.
        RequestUpdated = "request.updated",
        /// Feedback was given.
        RequestFeedback = "request.feedback",
        /// Somebody was invited by e-mail.
        LoopMemberInvited = "loop.member_invited",
        /// The invite code was changed.
        LoopCodeRotated = "loop.code_rotated",
        /// A key was made.
        KeyCreated = "api_key.created",
        /// A key was replaced by a new one.
        KeyRotated = "api_key.rotated",
        /// A key's status changed.
        KeyStatusChanged = "api_key.status_changed",
        /// An account was made.
        AccountCreated = "account.created",
        /// An account's status changed.
        AccountStatusChanged = "account.status_changed",
        /// A webhook was made.
        WebhookCreated = "webhook.created",
        /// A webhook was changed.
        WebhookUpdated = "webhook.updated",
        /// A webhook was deleted.
        WebhookDeleted = "webhook.deleted",
        /// A webhook's secret was replaced.
        WebhookRotated = "webhook.secret_rotated",
        /// A password was set.
        PasswordChanged = "account.password_changed",
        /// An account's name was changed.
        AccountRenamed = "account.renamed",
        /// A link to set a password with was made.
        ResetLinkCreated = "account.reset_link_created",
        /// Somebody was invited to the server by an owner.
        AccountInvited = "account.invited",
        /// An owner took an invitation back that nobody had taken up.
        InvitationWithdrawn = "account.invitation_withdrawn",
        /// What an account may do on the server was changed.
        AccountRoleChanged = "account.role_changed",
        /// Somebody's sessions were ended, by an owner or from another of their own.
        SessionsEnded = "account.sessions_ended",
        /// Whoever has claimed a request was warned of its deadline.
        RequestDeadlineNear = "request.deadline_near",
        /// Somebody tries how they are notified.
        NotificationTest = "notification.test",
        /// The secret that an account's callbacks are signed with was replaced.
        SigningSecretRotated = "account.signing_secret_rotated",
        /// Somebody signed in with their password.
        SignedIn = "account.signed_in",
        /// Somebody signed out.
        SignedOut = "account.signed_out",
    }
}

impl EventName {
    /// Whether webhooks speak of it (contract 12.2); the others are for the audit trail.
    pub fn is_public(self) -> bool {
        self <= Self::WebhookDisabled
    }

    /// Whether it invites somebody, which is told by mail.
    pub const fn is_invitation(self) -> bool {
        matches!(self, Self::AccountInvited | Self::LoopMemberInvited)
    }

    /// Whether a request's `callback_url` is told of it (contract 12.1).
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::RequestCompleted | Self::RequestTimeout | Self::RequestCancelled)
    }
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A program, by its key.
    Key(Id<Key>),
    /// A person, signed in.
    Person(Id<Account>),
    /// Somebody at the server's command line.
    Operator,
    /// The server itself, when the time had come.
    Clock,
}

impl Actor {
    /// The word that is kept.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Key(_) => "key",
            Self::Person(_) => "person",
            Self::Operator => "operator",
            Self::Clock => "clock",
        }
    }

    /// The identifier that is kept beside it.
    pub fn id(self) -> Option<String> {
        match self {
            Self::Key(id) => Some(id.to_string()),
            Self::Person(id) => Some(id.to_string()),
            Self::Operator | Self::Clock => None,
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its identifier, which receivers know it by.
    pub id: Id<Event>,
    /// When.
    pub at: Timestamp,
    /// What.
    pub name: EventName,
    /// Who did it.
    pub actor: Actor,
    /// The account it concerns: the owner of the request, the loop or the key.
    pub account_id: Id<Account>,
    /// The loop it concerns.
    pub loop_id: Option<Id<Loop>>,
    /// The request it concerns.
    pub request_id: Option<Id<Request>>,
    /// The status before, where it changed.
    pub from: Option<Status>,
    /// The status after, where it changed.
    pub to: Option<Status>,
    /// What else is worth keeping: the body that webhooks are sent.
    pub data: JsonText,
}
