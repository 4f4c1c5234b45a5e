//! `hitl loops`: groups of people who answer.

use super::{
    arguments,
    failure::Failure,
    output::{Format, record, table},
    users,
};
use crate::{
    app::App,
    domain::{
        Account, Actor, Email, Id, Loop, Member, Object,
        loops::{Invitation, NewLoop},
    },
    service::{self, accounts, loops, members},
};
use clap::Subcommand;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What can be done with loops.
#[derive(Subcommand)]
pub(super) enum Loops {
    /// List loops, the newest first
    List(List),
    /// Make a loop; its maker is its first member
    Create(Create),
    /// Show what people join a loop with, and invite somebody by e-mail
    Invite(Invite),
}

#[derive(clap::Args)]
pub(super) struct List {
    /// Only those that this person made
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    user: Option<Email>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// The e-mail of who makes it
    #[arg(long, value_parser = arguments::email, value_name = "EMAIL")]
    user: Email,
    /// What to call it
    #[arg(long)]
    name: String,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// What it looks like: a name such as shield-check, or an emoji
    #[arg(long)]
    icon: Option<String>,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct Invite {
    /// The loop's id
    loop_id: Id<Loop>,
    /// Put this person down as invited for seven days
    #[arg(long, value_parser = arguments::email)]
    email: Option<Email>,
    /// Make a new code first; the old one stops working
    #[arg(long)]
    rotate: bool,
    #[command(flatten)]
    format: Format,
}

impl Loops {
    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        match self {
            Self::List(list) => self::list(app, list).await,
            Self::Create(new) => create(app, new).await,
            Self::Invite(invite) => self::invite(app, invite).await,
        }
    }
}

async fn list(app: &App, List { user, format }: List) -> anyhow::Result<()> {
    let creator = match user {
        Some(email) => Some(users::of(app, &email).await?.id),
        None => None,
    };
    let mut listed = loops::list_all(app).await?;
    listed.retain(|it| creator.is_none_or(|creator| it.creator_id == creator));
    let everybody = accounts::list(app).await?;
    let emails: HashMap<Id<Account>, Email> = everybody.into_iter().map(|it| (it.id, it.email)).collect();
    let email = |it: &Loop| emails.get(&it.creator_id).map(Email::to_string).unwrap_or_default();
    format.print(&listed.iter().map(|it| properties(app, it, &email(it))).collect(), || {
        let row = |it: &Loop| {
            [it.id.to_string(), it.name.clone(), email(it), it.invite_code.clone(), it.created_at.to_string()]
        };
        table(["ID", "NAME", "USER", "CODE", "CREATED"], listed.iter().map(row))
    })
}

async fn create(app: &App, new: Create) -> anyhow::Result<()> {
    let account = users::of(app, &new.user).await?;
    let sent = [("name", Some(new.name)), ("description", new.description), ("icon", new.icon)];
    let sent = sent.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?))));
    let spec = NewLoop::parse(&Object(sent.collect::<Map<_, _>>())).map_err(service::Error::from)?;
    let it = loops::create_for(app, Actor::Operator, account.id, spec).await?.peopled.it;
    new.format.print(&properties(app, &it, account.email.as_str()), || {
        record([
            ("id", it.id.to_string()),
            ("name", it.name.clone()),
            ("user", account.email.to_string()),
            ("code", it.invite_code.clone()),
            ("join", join_url(app, &it)),
        ])
    })
}

async fn invite(app: &App, invite: Invite) -> anyhow::Result<()> {
    let Invite { loop_id, email, rotate, format } = invite;
    let mut it = found(app, loop_id).await?;
    if rotate {
        it = loops::new_code(app, Actor::Operator, it).await?;
    }
    let mut invited: Option<Member> = None;
    if let Some(email) = email {
        let name = email.user().chars().take(100).collect();
        let done = members::invite_to(app, Actor::Operator, it.clone(), Invitation { email, name }).await?;
        invited = Some(done.member);
    }
    let person = invited.as_ref().map(|it| json!({"user_id": it.account_id, "email": it.email, "status": it.status}));
    let json = json!({
        "loop_id": it.id,
        "loop_name": it.name,
        "invite_code": it.invite_code,
        "join_url": join_url(app, &it),
        "invited": person,
    });
    format.print(&json, || {
        let invited =
            invited.map_or_else(|| "nobody by e-mail".to_owned(), |it| format!("{} ({})", it.email, it.status));
        let name = it.name.clone();
        record([("loop", name), ("code", it.invite_code.clone()), ("join", join_url(app, &it)), ("invited", invited)])
    })
}

async fn found(app: &App, id: Id<Loop>) -> anyhow::Result<Loop> {
    loops::any(app, id).await.map_err(|error| match error {
        service::Error::Missing(_) => Failure::Missing(format!("there is no loop {id}: see `hitl loops list`")).into(),
        other => other.into(),
    })
}

/// Where people join (contract 11.3).
fn join_url(app: &App, it: &Loop) -> String {
    format!("{}/join/{}", app.base_url, it.invite_code)
}

fn properties(app: &App, it: &Loop, email: &str) -> Value {
    json!({
        "id": it.id,
        "name": it.name,
        "description": it.description,
        "icon": it.icon,
        "user": email,
        "creator_id": it.creator_id,
        "invite_code": it.invite_code,
        "join_url": join_url(app, it),
        "created_at": it.created_at,
        "updated_at": it.updated_at,
    })
}
