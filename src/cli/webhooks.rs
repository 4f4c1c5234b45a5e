//! `hitl webhooks`: webhooks and the log of what was sent to them. A secret is printed when it is made, and never again.

use super::{
    arguments, deliveries,
    failure::Failure,
    output::{Format, joined, or_dash, record, table},
    users,
};
use crate::{
    app::App,
    domain::{Email, Id, Loop, Object, Webhook},
    service::{Acting, callbacks, webhooks},
};
use clap::Subcommand;
use serde_json::{Value, json};

const CREATE: &str = "\
Examples:
  hitl webhooks create --user ann@example.com --url https://example.com/hook
  hitl webhooks create --user ann@example.com --url https://example.com/hook --events 'request.*,!request.created'";
const UPDATE: &str = "\
Examples:
  hitl webhooks update 65f1234567890abcdef12350 --url https://example.com/moved
  hitl webhooks update 65f1234567890abcdef12350 --events 'request.*,!request.created' --all-loops";
const RECOVER: &str = "\
Example:
  hitl webhooks recover 65f1234567890abcdef12350 --since 2024-03-15T10:00:00Z";
const TEST: &str = "\
Sends from here, so the settings in force here say where it may go: `hitl check` shows them.
Exit code 4 when the receiver did not take it.";

/// What can be done with webhooks.
#[derive(Subcommand)]
pub(super) enum Webhooks {
    /// List webhooks, the newest first
    List(List),
    /// Add a webhook; its secret is printed only now
    #[command(after_help = CREATE)]
    Create(Create),
    /// Show a webhook's settings
    Show(One),
    /// Change a webhook: what is not named stays as it is
    #[command(after_help = UPDATE)]
    Update(Update),
    /// Send to a webhook again; forgets that it failed
    Enable(One),
    /// Send nothing to a webhook until enabled again
    Disable(One),
    /// Remove a webhook; what is on its way to it is given up
    Delete(One),
    /// Give a webhook a new secret; the old one signs too for 24 hours
    Rotate(One),
    /// Send a test event now, and show what came of it
    #[command(after_help = TEST)]
    Test(One),
    /// Show what was sent to a webhook, the newest first
    Log(deliveries::Log),
    /// Show a delivery, and each time that it was sent
    Delivery(deliveries::Named),
    /// Send a delivery again, by the running server
    Redeliver(deliveries::Named),
    /// Send everything again that was given up since a time, by the running server
    #[command(after_help = RECOVER)]
    Recover(deliveries::Recover),
    /// Print the secret that the callbacks of a person's requests are signed with; `hitl requests callbacks` shows those
    Secret(Secret),
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
pub(super) struct Create {
    /// The e-mail of the account whose events it hears of
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    user: Email,
    /// Where to send
    #[arg(long)]
    url: String,
    /// What to send, comma-separated: `*`, `request.*`, names, `loop.ID.*`, and `!` before any of them
    #[arg(long, value_delimiter = ',', default_value = "*")]
    events: Vec<String>,
    /// The id of the only loop it is about, one of the account's own
    #[arg(long = "loop", value_name = "ID")]
    loop_id: Option<Id<Loop>>,
    /// What to say of it
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct Update {
    /// The webhook's id
    id: Id<Webhook>,
    /// Where to send
    #[arg(long)]
    url: Option<String>,
    /// What to send, comma-separated, as for `create`
    #[arg(long, value_delimiter = ',')]
    events: Option<Vec<String>>,
    /// The id of the only loop it is about
    #[arg(long = "loop", value_name = "ID", conflicts_with = "all_loops")]
    loop_id: Option<Id<Loop>>,
    /// It is about all of the account's loops
    #[arg(long)]
    all_loops: bool,
    /// What to say of it
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct One {
    /// The webhook's id
    id: Id<Webhook>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct Secret {
    /// The e-mail of the account
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    user: Email,
    /// Make a new one first; the old one signs too for 24 hours
    #[arg(long)]
    rotate: bool,
    #[command(flatten)]
    format: Format,
}

impl Webhooks {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        match self {
            Self::List(list) => self::list(app, list).await,
            Self::Create(new) => create(app, new).await,
            Self::Show(one) => show(&one.format, &named(app, one.id).await?),
            Self::Update(change) => update(app, change).await,
            Self::Enable(one) => set_enabled(app, one, true).await,
            Self::Disable(one) => set_enabled(app, one, false).await,
            Self::Delete(one) => delete(app, one).await,
            Self::Rotate(one) => {
                let owner = owner_of(app, one.id).await?;
                show_new(&one.format, &webhooks::rotate(app, owner, one.id).await?)
            }
            Self::Test(one) => {
                let owner = owner_of(app, one.id).await?;
                Box::pin(deliveries::test(app, owner, one.id, &one.format)).await
            }
            Self::Log(log) => log.show(app).await,
            Self::Delivery(named) => named.show(app).await,
            Self::Redeliver(named) => named.send_again(app).await,
            Self::Recover(recover) => recover.run(app).await,
            Self::Secret(secret) => self::secret(app, secret).await,
        }
    }
}

async fn list(app: &App, List { user, format }: List) -> anyhow::Result<()> {
    let account = match user {
        Some(email) => Some(users::of(app, &email).await?.id),
        None => None,
    };
    let found = webhooks::list_all(app, account).await?;
    format.print(&found.iter().map(properties).collect(), || {
        let row = |it: &Webhook| {
            [
                it.id.to_string(),
                it.url.clone(),
                joined(&it.events),
                or_dash(it.loop_id),
                state(it).to_owned(),
                or_dash(it.last_status),
                or_dash(it.last_delivery_at),
                it.failure_count.to_string(),
            ]
        };
        table(["ID", "URL", "EVENTS", "LOOP", "STATE", "LAST STATUS", "LAST SENT", "FAILURES"], found.iter().map(row))
    })
}

async fn create(app: &App, new: Create) -> anyhow::Result<()> {
    let account = users::of(app, &new.user).await?;
    let fields = json!({"url": new.url, "events": new.events, "loop_id": new.loop_id, "description": new.description});
    let Value::Object(fields) = fields else { unreachable!("it is written as an object") };
    let made = webhooks::create(app, Acting::by_operator(account.id), Ok(Object(fields))).await?;
    show_new(&new.format, &made)
}

async fn update(app: &App, change: Update) -> anyhow::Result<()> {
    let named = [
        ("url", change.url.map(Value::from)),
        ("events", change.events.map(Value::from)),
        ("type", change.all_loops.then(|| "global".into())),
        ("loop_id", change.loop_id.map(|id| id.to_string().into())),
        ("description", change.description.map(Value::from)),
    ];
    let fields = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let owner = owner_of(app, change.id).await?;
    show(&change.format, &webhooks::update(app, owner, change.id, Ok(Object(fields))).await?)
}

async fn set_enabled(app: &App, one: One, enabled: bool) -> anyhow::Result<()> {
    let fields = [("enabled".to_owned(), Value::Bool(enabled))].into_iter().collect();
    let owner = owner_of(app, one.id).await?;
    show(&one.format, &webhooks::update(app, owner, one.id, Ok(Object(fields))).await?)
}

async fn delete(app: &App, one: One) -> anyhow::Result<()> {
    let webhook = named(app, one.id).await?;
    let deleted_at = webhooks::delete(app, Acting::by_operator(webhook.account_id), one.id).await?;
    one.format.print(&json!({"id": one.id, "deleted_at": deleted_at}), || format!("deleted {}", webhook.url))
}

async fn secret(app: &App, Secret { user, rotate, format }: Secret) -> anyhow::Result<()> {
    let account = users::of(app, &user).await?;
    let acting = Acting::by_operator(account.id);
    let signing = if rotate { callbacks::rotate(app, acting).await? } else { callbacks::signing(app, acting).await? };
    let json = json!({"user": account.email, "secret": signing.secret.0, "previous_until": signing.previous_until});
    format.print(&json, || signing.secret.0.clone())
}

/// The webhook with that id, whoever owns it.
async fn named(app: &App, id: Id<Webhook>) -> anyhow::Result<Webhook> {
    let found = webhooks::list_all(app, None).await?.into_iter().find(|webhook| webhook.id == id);
    found.ok_or_else(|| Failure::Missing(format!("there is no webhook {id}: see `hitl webhooks list`")).into())
}

/// Whoever owns the webhook with that id.
pub(super) async fn owner_of(app: &App, id: Id<Webhook>) -> anyhow::Result<Acting<'static>> {
    Ok(Acting::by_operator(named(app, id).await?.account_id))
}

fn state(it: &Webhook) -> &str {
    if it.enabled { "enabled" } else { "disabled" }
}

fn show(format: &Format, it: &Webhook) -> anyhow::Result<()> {
    format.print(&properties(it), || described(it))
}

fn show_new(format: &Format, it: &Webhook) -> anyhow::Result<()> {
    let mut json = properties(it);
    json["secret"] = it.secret.0.clone().into();
    format
        .print(&json, || format!("{}\n\nKeep the secret now: it is not shown again.\n\n{}", it.secret.0, described(it)))
}

fn described(it: &Webhook) -> String {
    record([
        ("id", it.id.to_string()),
        ("url", it.url.clone()),
        ("events", joined(&it.events)),
        ("loop", it.loop_id.map_or_else(|| "all".to_owned(), |id| id.to_string())),
        ("state", it.disabled_reason.as_ref().map_or_else(|| state(it).to_owned(), |why| format!("disabled: {why}"))),
        ("description", or_dash(it.description.as_ref())),
        ("last sent", or_dash(it.last_delivery_at)),
        ("last status", or_dash(it.last_status)),
        ("failures", it.failure_count.to_string()),
        ("created", it.created_at.to_string()),
    ])
}

fn properties(it: &Webhook) -> Value {
    json!({
        "id": it.id,
        "user_id": it.account_id,
        "url": it.url,
        "events": it.events,
        "loop_id": it.loop_id,
        "enabled": it.enabled,
        "disabled_reason": it.disabled_reason,
        "description": it.description,
        "last_delivery_at": it.last_delivery_at,
        "last_status": it.last_status,
        "failure_count": it.failure_count,
        "created_at": it.created_at,
        "updated_at": it.updated_at,
    })
}
