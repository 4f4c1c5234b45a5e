//! What an account takes along when it moves to another server: the kinds of things, and their fields. Neither secrets nor what
//! a server decides about an account is among them. Does not know how they are written down.

use super::{
    EventName, Id, KeyStatus, MemberRole, MemberStatus, Scope, Status, patterns,
    requests::{ContentType, Platform, ProcessingType},
    response::ResponseType,
    words::Word,
};

/// What the first line of an export calls itself.
pub const HEAD: &str = "hitl.export";
/// What its last line calls itself.
pub const END: &str = "hitl.export.end";
/// The version of the format: a program refuses those that are newer than its own.
pub const VERSION: i64 = 1;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// An identifier, which stays as it is.
    Id,
    /// An identifier that may be a person's, who may have another one on the server that it comes to.
    Person,
    /// Any text.
    Text,
    /// An e-mail address.
    Email,
    /// An address on the web.
    Url,
    /// A text that is one of some.
    Word(fn(&str) -> bool),
    /// A list of such.
    Words(fn(&str) -> bool),
    /// How urgent something is: a word outside, a rank inside.
    Priority,
    /// A whole number, 0 to 1,000,000,000.
    Number,
    /// Yes or no.
    Flag,
    /// An instant, to the microsecond.
    Time,
    /// JSON, to the letter.
    Json,
}

/// A field of a kind.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether it may be null.
    pub optional: bool,
}

/// A kind of thing.
#[derive(Debug)]
pub struct Kind {
    /// What its lines call it.
    pub name: &'static str,
    /// Its fields, in their order.
    pub fields: &'static [Field],
}

impl Kind {
    /// The kind that lines call so.
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.into_iter().find(|kind| kind.name == name)
    }

    /// Where its lines stand among those of the others.
    pub fn place(&self) -> usize {
        KINDS.iter().position(|kind| kind.name == self.name).unwrap_or(KINDS.len())
    }
}

/// All kinds, each after those that it refers to.
pub static KINDS: [&Kind; 9] = [&ACCOUNT, &PERSON, &LOOP, &MEMBER, &KEY, &WEBHOOK, &REQUEST, &FEEDBACK, &EVENT];

/// Whose all the rest is. What it may do, and how it signs in, is for each server to say.
pub static ACCOUNT: Kind = Kind { name: "account", fields: WHO };
/// Somebody else who is in a loop, or claimed or answered something.
pub static PERSON: Kind = Kind { name: "person", fields: WHO };

const WHO: &[Field] =
    &[must("id", Shape::Id), must("email", Shape::Email), must("name", Shape::Text), must("created_at", Shape::Time)];

/// A loop that the account made.
pub static LOOP: Kind = Kind {
    name: "loop",
    fields: &[
        must("id", Shape::Id),
        must("name", Shape::Text),
        must("description", Shape::Text),
        must("icon", Shape::Text),
        must("invite_code", Shape::Text),
        must("created_at", Shape::Time),
        must("updated_at", Shape::Time),
    ],
};

/// Who is in such a loop, or was invited to it.
pub static MEMBER: Kind = Kind {
    name: "member",
    fields: &[
        must("loop_id", Shape::Id),
        must("account_id", Shape::Person),
        must("role", Shape::Word(is::<MemberRole>)),
        must("status", Shape::Word(is::<MemberStatus>)),
        must("invited_at", Shape::Time),
        may("joined_at", Shape::Time),
        may("last_active", Shape::Time),
        must("notified", Shape::Flag),
    ],
};

/// A key, without what programs say.
pub static KEY: Kind = Kind {
    name: "key",
    fields: &[
        must("id", Shape::Id),
        must("name", Shape::Text),
        must("prefix", Shape::Text),
        must("last_four", Shape::Text),
        must("scopes", Shape::Words(is::<Scope>)),
        may("loops", Shape::Words(is_id)),
        must("status", Shape::Word(is::<KeyStatus>)),
        may("hourly_limit", Shape::Number),
        may("expires_at", Shape::Time),
        may("last_used_at", Shape::Time),
        must("created_at", Shape::Time),
    ],
};

/// A webhook, without what its deliveries are signed with.
pub static WEBHOOK: Kind = Kind {
    name: "webhook",
    fields: &[
        must("id", Shape::Id),
        must("url", Shape::Url),
        may("loop_id", Shape::Id),
        must("events", Shape::Words(patterns::is_known)),
        must("enabled", Shape::Flag),
        may("disabled_reason", Shape::Text),
        may("description", Shape::Text),
        must("created_at", Shape::Time),
        must("updated_at", Shape::Time),
    ],
};

/// A request of the account's, with what was answered.
pub static REQUEST: Kind = Kind {
    name: "request",
    fields: &[
        must("id", Shape::Id),
        must("loop_id", Shape::Id),
        must("api_key_id", Shape::Person), // the account's own where it was asked by hand
        must("processing_type", Shape::Word(is::<ProcessingType>)),
        must("type", Shape::Word(is::<ContentType>)),
        must("priority", Shape::Priority),
        must("request_text", Shape::Text),
        may("image_url", Shape::Url),
        may("context", Shape::Json),
        must("timeout_seconds", Shape::Number),
        must("response_type", Shape::Word(is::<ResponseType>)),
        must("response_config", Shape::Json),
        may("default_response", Shape::Json),
        must("platform", Shape::Word(is::<Platform>)),
        may("platform_version", Shape::Text),
        may("callback_url", Shape::Url),
        may("tags", Shape::Json),
        may("metadata", Shape::Json),
        may("user_agent", Shape::Text),
        must("broadcasted_to", Shape::Json),
        must("status", Shape::Word(is::<Status>)),
        must("created_at", Shape::Time),
        must("updated_at", Shape::Time),
        must("timeout_at", Shape::Time),
        may("warn_at", Shape::Time),
        may("claimed_by", Shape::Person),
        may("claimed_at", Shape::Time),
        may("claim_expires_at", Shape::Time),
        may("response_by", Shape::Person),
        may("response_at", Shape::Time),
        may("response_data", Shape::Json),
        may("cancelled_at", Shape::Time),
        may("cancel_reason", Shape::Text),
    ],
};

/// What the account thought of an answer.
pub static FEEDBACK: Kind = Kind {
    name: "feedback",
    fields: &[
        must("id", Shape::Id),
        must("request_id", Shape::Id),
        must("account_id", Shape::Person),
        must("body", Shape::Json),
        must("submitted_at", Shape::Time),
    ],
};

/// What happened. In the order in which it did.
pub static EVENT: Kind = Kind {
    name: "event",
    fields: &[
        must("id", Shape::Id),
        must("at", Shape::Time),
        must("name", Shape::Word(is::<EventName>)),
        must("actor_kind", Shape::Word(is_actor)),
        may("actor_id", Shape::Person),
        may("loop_id", Shape::Id),
        may("request_id", Shape::Id),
        may("from_status", Shape::Word(is::<Status>)),
        may("to_status", Shape::Word(is::<Status>)),
        must("data", Shape::Json),
    ],
};

const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, optional: false }
}

const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, optional: true }
}

fn is<W: Word>(text: &str) -> bool {
    W::named(text).is_some()
}

fn is_id(text: &str) -> bool {
    text.parse::<Id<()>>().is_ok()
}

fn is_actor(text: &str) -> bool {
    ["key", "person", "operator", "clock"].contains(&text)
}
