//! `hitl keys`: API keys. A key itself is printed when it is made, and never again.

use super::{
    arguments,
    failure::Failure,
    output::{Format, joined, or_dash, record, table},
    users,
};
use crate::{
    app::App,
    domain::{Actor, Email, Id, Key, KeyStatus, Loop, Scope, Timestamp, Token, keys::parse_scopes, words::Word},
    service::keys::{self, NewKey},
};
use clap::Subcommand;
use serde_json::{Value, json};

const CREATE: &str = "\
Examples:
  hitl keys create --user ann@example.com --name n8n --limit 1000
  hitl keys create --user ann@example.com --name ci --scopes requests:read --json | jq -r .key";
const ROTATE: &str = "\
Example:
  hitl keys rotate hitl_live_ab12 --overlap 7d

Prints a new key with the same settings. The old one works on for the overlap, 30 days at most.";

/// What can be done with keys.
#[derive(Subcommand)]
pub(super) enum Keys {
    /// Make a key; it is printed only now
    #[command(after_help = CREATE)]
    Create(Create),
    /// List keys, the newest first
    List(List),
    /// Show a key's settings
    Show(One),
    /// Refuse a key until activated again
    Suspend(One),
    /// Let a suspended key work again
    Activate(One),
    /// Refuse a key for good
    Revoke(One),
    /// Replace a key by a new one
    #[command(after_help = ROTATE)]
    Rotate(Rotate),
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// The e-mail of the account it acts as
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    user: Email,
    /// What to call it
    #[arg(long)]
    name: String,
    /// What it may do, comma-separated
    #[arg(long, value_delimiter = ',', value_parser = arguments::word::<Scope>(), default_values = Scope::DEFAULT.map(Word::as_str))]
    scopes: Vec<Scope>,
    /// Requests an hour, 0 for no limit; by default the server's limit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..), allow_negative_numbers = true)]
    limit: Option<i64>,
    /// When it stops working, such as 2030-01-31T00:00:00Z
    #[arg(long, value_name = "RFC3339")]
    expires: Option<Timestamp>,
    /// The ids of the only loops it may touch, comma-separated
    #[arg(long, value_delimiter = ',', value_name = "IDS")]
    loops: Option<Vec<Id<Loop>>>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct List {
    /// Only this person's
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    user: Option<Email>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct One {
    /// The key's id, or its prefix as listed, such as `hitl_live_ab12`
    id: String,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    one: One,
    /// How long the old key works on: 0, 90s, 30m, 24h, 7d
    #[arg(long, value_parser = arguments::seconds, default_value = "24h", value_name = "SPAN")]
    overlap: i64,
}

impl Keys {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        match self {
            Self::Create(new) => create(app, new).await,
            Self::List(list) => self::list(app, list).await,
            Self::Show(one) => {
                let (key, email) = named(app, &one.id).await?;
                show(app, &one.format, &key, &email)
            }
            Self::Suspend(one) => set_status(app, one, KeyStatus::Suspended).await,
            Self::Activate(one) => set_status(app, one, KeyStatus::Active).await,
            Self::Revoke(one) => set_status(app, one, KeyStatus::Revoked).await,
            Self::Rotate(Rotate { one, overlap }) => {
                let (old, email) = named(app, &one.id).await?;
                let (key, token) = keys::rotate(app, Actor::Operator, old.id, overlap).await?;
                show_new(app, &one.format, &key, &token, &email)
            }
        }
    }
}

async fn create(app: &App, new: Create) -> anyhow::Result<()> {
    let account = users::of(app, &new.user).await?;
    let spec = NewKey {
        account_id: account.id,
        name: new.name,
        scopes: parse_scopes(new.scopes.iter().map(|scope| scope.as_str())).expect("known scopes, at least one"),
        loops: new.loops,
        hourly_limit: new.limit,
        expires_at: new.expires,
    };
    let (key, token) = keys::create(app, Actor::Operator, spec).await?;
    show_new(app, &new.format, &key, &token, &account.email)
}

async fn list(app: &App, List { user, format }: List) -> anyhow::Result<()> {
    let account = match user {
        Some(email) => Some(users::of(app, &email).await?.id),
        None => None,
    };
    let (holders, now) = (keys::list(app, account).await?, app.now());
    let json = holders.iter().map(|it| properties(&it.key, &it.email, now)).collect();
    format.print(&json, || {
        let rows = holders.iter().map(|it| {
            let key = &it.key;
            [
                key.id.to_string(),
                key.prefix.clone(),
                key.name.clone(),
                it.email.to_string(),
                key.shown_status(now).to_owned(),
                joined(&key.scopes),
                limit(key),
                or_dash(key.expires_at),
                or_dash(key.last_used_at),
            ]
        });
        table(["ID", "PREFIX", "NAME", "USER", "STATUS", "SCOPES", "LIMIT", "EXPIRES", "LAST USED"], rows)
    })
}

async fn set_status(app: &App, one: One, status: KeyStatus) -> anyhow::Result<()> {
    let (key, email) = named(app, &one.id).await?;
    let key = keys::set_status(app, Actor::Operator, key.id, status).await?;
    show(app, &one.format, &key, &email)
}

/// The key that an id or a prefix means, and whose it is.
async fn named(app: &App, text: &str) -> anyhow::Result<(Key, Email)> {
    let mut meant = keys::list(app, None).await?;
    meant.retain(|holder| means(text, &holder.key));
    match meant.len() {
        0 => Err(Failure::Missing(format!("no key has the id or prefix {text:?}: see `hitl keys list`")).into()),
        1 => Ok(meant.pop().map(|holder| (holder.key, holder.email)).expect("there is one")),
        _ => {
            let ids: Vec<_> = meant.iter().map(|holder| holder.key.id).collect();
            Err(Failure::Refused(format!("several keys have the prefix {text:?}; name one by id: {}", joined(&ids)))
                .into())
        }
    }
}

/// Whether a text names a key: its id, or more of its prefix than every key has.
fn means(text: &str, key: &Key) -> bool {
    let marked = Token::PREFIXES.iter().any(|mark| text.len() > mark.len() && text.starts_with(mark));
    text.parse() == Ok(key.id) || (marked && key.prefix.starts_with(text))
}

fn limit(key: &Key) -> String {
    match key.hourly_limit {
        None => "server's".to_owned(),
        Some(0) => "none".to_owned(),
        Some(limit) => format!("{limit}/h"),
    }
}

fn show(app: &App, format: &Format, key: &Key, email: &Email) -> anyhow::Result<()> {
    let now = app.now();
    format.print(&properties(key, email, now), || described(key, email, now))
}

fn show_new(app: &App, format: &Format, key: &Key, token: &Token, email: &Email) -> anyhow::Result<()> {
    let mut json = properties(key, email, app.now());
    json["key"] = token.reveal().into();
    format.print(&json, || {
        let note = "Keep the key now: it is not shown again.";
        format!("{}\n\n{note}\n\n{}", token.reveal(), described(key, email, app.now()))
    })
}

fn described(key: &Key, email: &Email, now: Timestamp) -> String {
    record([
        ("id", key.id.to_string()),
        ("prefix", format!("{} (ends in {})", key.prefix, key.last_four)),
        ("name", key.name.clone()),
        ("user", email.to_string()),
        ("status", key.shown_status(now).to_owned()),
        ("scopes", joined(&key.scopes)),
        ("loops", key.loops.as_deref().map_or_else(|| "all".to_owned(), joined)),
        ("limit", limit(key)),
        ("expires", or_dash(key.expires_at)),
        ("last used", or_dash(key.last_used_at)),
        ("created", key.created_at.to_string()),
    ])
}

fn properties(key: &Key, email: &Email, now: Timestamp) -> Value {
    json!({
        "id": key.id,
        "prefix": key.prefix,
        "last_four": key.last_four,
        "name": key.name,
        "user": email,
        "user_id": key.account_id,
        "status": key.shown_status(now),
        "scopes": key.scopes,
        "loops": key.loops,
        "limit": key.hourly_limit,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_id_or_by_enough_of_its_prefix() {
        let key = Key {
            id: "65f1234567890abcdef12345".parse().unwrap(),
            account_id: "65f1234567890abcdef12346".parse().unwrap(),
            name: "n8n".to_owned(),
            prefix: "hitl_live_ab12".to_owned(),
            last_four: "cdef".to_owned(),
            scopes: vec![],
            loops: None,
            status: KeyStatus::Active,
            hourly_limit: None,
            expires_at: None,
            last_used_at: None,
            created_at: Timestamp::from_seconds(0),
        };
        for text in ["65f1234567890abcdef12345", "65F1234567890ABCDEF12345", "hitl_live_ab12", "hitl_live_a"] {
            assert!(means(text, &key), "{text}");
        }
        for text in ["", "hitl", "hitl_live_", "hitl_live_ab13", "hitl_live_ab123", "65f1234567890abcdef12346", "n8n"] {
            assert!(!means(text, &key), "{text}");
        }
    }
}
