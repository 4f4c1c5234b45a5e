//! A line of the audit log in words: who did what, to what.

use crate::{
    domain::{Account, EventName, Id, Loop, Role, headlines::first_line, words::Word},
    store::events::Line,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Who or what a sentence is about, with where to look at it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// What it is called.
    pub text: String,
    /// Where it is; empty where nowhere.
    pub href: String,
}

/// A line in words, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentence {
    /// Who.
    pub who: Part,
    /// Did what.
    pub did: String,
    /// To what; empty where the deed says it all.
    pub what: Part,
    /// And how.
    pub then: String,
}

/// What ids are called, and what whoever looks can look at.
pub struct Known {
    /// Who looks.
    pub reader: Id<Account>,
    /// People by id.
    pub people: HashMap<String, String>,
    /// Keys by id.
    pub keys: HashMap<String, String>,
    /// The reader's own loops: they and their requests have pages for the reader.
    pub own: HashSet<Id<Loop>>,
}

impl Known {
    /// The line in words.
    pub fn sentence(&self, line: &Line) -> Sentence {
        let data = &line.data.value()["data"];
        let is_own = line.actor_id.as_deref() == Some(line.account_id.to_string().as_str());
        let (did, then) = deed(line, data, is_own);
        let what = if says_all(line.name, is_own) { Part::default() } else { self.what(line, data) };
        Sentence { who: self.who(line), did, what, then: then.to_owned() }
    }

    fn who(&self, line: &Line) -> Part {
        let id = line.actor_id.as_deref().unwrap_or_default();
        let named = |names: &HashMap<String, String>, other: &str| names.get(id).map_or(other.to_owned(), Clone::clone);
        let (text, href) = match line.actor_kind.as_str() {
            "person" => (named(&self.people, "Somebody"), format!("/people/{id}")),
            "key" => (format!("The key {}", named(&self.keys, id)), format!("/audit?who={id}")),
            "operator" => ("The operator".to_owned(), String::new()),
            _ => ("The clock".to_owned(), String::new()),
        };
        Part { text, href }
    }

    fn what(&self, line: &Line, data: &Value) -> Part {
        let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let is_own = line.loop_id.is_some_and(|id| self.own.contains(&id));
        let place = |kind: &str, id: String| {
            if is_own { format!("/{kind}s/{id}") } else { format!("/audit?{kind}_id={id}") }
        };
        let (called, href) = match (line.request_id, line.loop_id) {
            (Some(id), _) => (first_line(text("/request/request_text")), place("request", id.to_string())),
            (None, Some(id)) if group(line.name) == "loop" => {
                (text("/loop/name").to_owned(), place("loop", id.to_string()))
            }
            _ => self.thing(line, data),
        };
        Part { text: if called.is_empty() { "something".to_owned() } else { called }, href }
    }

    /// A key, a webhook or an account.
    fn thing(&self, line: &Line, data: &Value) -> (String, String) {
        let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        match group(line.name) {
            "api_key" => {
                let id = [text("/api_key_id"), text("/api_key/id")].concat();
                let mine = line.account_id == self.reader;
                let href = if mine { format!("/keys/{id}") } else { format!("/people/{}", line.account_id) };
                (self.keys.get(&id).cloned().unwrap_or(id), href)
            }
            "webhook" => (text("/webhook/url").to_owned(), String::new()),
            _ => {
                let id = line.account_id.to_string();
                (self.people.get(&id).cloned().unwrap_or_default(), format!("/people/{id}"))
            }
        }
    }
}

/// `request` of `request.created`.
pub fn group(name: EventName) -> &'static str {
    name.as_str().split('.').next().unwrap_or_default()
}

/// Whether the deed needs no object.
fn says_all(name: EventName, is_own: bool) -> bool {
    match name {
        // What was withdrawn is gone.
        EventName::KeyQuotaWarning
        | EventName::KeyLimitExceeded
        | EventName::NotificationTest
        | EventName::SignedIn
        | EventName::SignedOut
        | EventName::InvitationWithdrawn => true,
        EventName::AccountCreated
        | EventName::PasswordChanged
        | EventName::AccountRenamed
        | EventName::SessionsEnded => is_own,
        _ => false,
    }
}

/// What was done, and how: before and after what it was done to.
fn deed(line: &Line, data: &Value, is_own: bool) -> (String, &'static str) {
    let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let role = |pointer: &str| Role::named(text(pointer)).unwrap_or(Role::Member).in_words();
    let as_role = |pointer: &str| match Role::named(text(pointer)) {
        Some(Role::Owner) => "as an owner",
        Some(Role::Creator) => "as a creator",
        _ => "as a member",
    };
    let itself = |pointer: &str| line.actor_id.as_deref() == Some(text(pointer));
    let (did, then) = match line.name {
        EventName::RequestCreated => ("asked", ""),
        EventName::RequestClaimed => ("claimed", ""),
        EventName::RequestCompleted => ("answered", ""),
        EventName::RequestCancelled => ("took back", ""),
        EventName::RequestTimeout => ("ended", "unanswered"),
        EventName::RequestReleased => ("returned", "to the queue"),
        EventName::RequestUpdated => ("changed", ""),
        EventName::RequestFeedback => ("gave feedback on", ""),
        EventName::RequestDeadlineNear => ("warned of the deadline of", ""),
        EventName::LoopCreated => ("made the loop", ""),
        EventName::LoopUpdated => ("changed the loop", ""),
        EventName::LoopDeleted => ("deleted the loop", ""),
        EventName::LoopMemberJoined => ("joined the loop", ""),
        EventName::LoopMemberLeft if itself("/member/user_id") => ("left the loop", ""),
        EventName::LoopMemberLeft => return (format!("removed {} from the loop", text("/member/email")), ""),
        EventName::LoopMemberInvited => return (format!("invited {} to the loop", text("/member/email")), ""),
        EventName::LoopCodeRotated => ("made a new code for the loop", ""),
        EventName::KeyQuotaWarning => ("has used 80 % of its hour", ""),
        EventName::KeyLimitExceeded => ("has used up its hour", ""),
        EventName::KeyCreated => ("made the key", ""),
        EventName::KeyRotated => ("replaced the key", ""),
        EventName::KeyStatusChanged => match text("/to") {
            "suspended" => ("suspended the key", ""),
            "revoked" => ("revoked the key", ""),
            _ => ("activated the key", ""),
        },
        EventName::WebhookTest => ("tested the webhook", ""),
        EventName::WebhookFailing => ("found the webhook", "failing for days"),
        EventName::WebhookDisabled => ("switched the webhook", "off"),
        EventName::WebhookCreated => ("added the webhook", ""),
        EventName::WebhookUpdated => ("changed the webhook", ""),
        EventName::WebhookDeleted => ("deleted the webhook", ""),
        EventName::WebhookRotated => ("replaced the secret of the webhook", ""),
        EventName::AccountCreated if is_own => ("signed up", ""),
        EventName::AccountCreated => ("made the account of", ""),
        EventName::AccountInvited => ("invited", as_role("/role")),
        EventName::InvitationWithdrawn => return (format!("took back the invitation of {}", text("/email")), ""),
        EventName::AccountRoleChanged => ("made", role("/to")),
        EventName::AccountStatusChanged if text("/status") == "suspended" => ("suspended", ""),
        EventName::AccountStatusChanged => ("let", "in again"),
        EventName::SessionsEnded if is_own => ("ended other sessions of their own", ""),
        EventName::SessionsEnded => ("signed", "out"),
        EventName::SignedIn => ("signed in", ""),
        EventName::SignedOut => ("signed out", ""),
        EventName::PasswordChanged if is_own => ("set a new password", ""),
        EventName::PasswordChanged => ("set a new password for", ""),
        EventName::AccountRenamed => return (format!("took the name {}", text("/name")), ""),
        EventName::NotificationTest => ("tried notifications", ""),
        EventName::SigningSecretRotated => ("replaced the signing secret of", ""),
        EventName::ResetLinkCreated => ("made a link to a password for", ""),
    };
    (did.to_owned(), then)
}
