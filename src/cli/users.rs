//! `hitl users`: people's accounts.

use super::{
    arguments,
    failure::Failure,
    output::{Format, record, table},
    place::Opening,
};
use crate::{
    app::App,
    domain::{Account, AccountStatus, Actor, Email, Role},
    service::{
        self,
        accounts::{self, NewAccount},
        resets,
    },
};
use clap::Subcommand;
use serde_json::{Value, json};
use std::io::{IsTerminal, stdin};

const CREATE: &str = "\
Example:
  hitl users create --email a@example.com --name Ann --role owner --password-stdin < password.txt

Makes and prepares the database if it is new, so that this may come before the first start.";

/// What can be done with accounts.
#[derive(Subcommand)]
pub(super) enum Users {
    /// Make an account that can sign in
    #[command(after_help = CREATE)]
    Create(Create),
    /// List all accounts
    List(Format),
    /// Keep somebody out until activated again; what they had claimed goes back to the queue
    Suspend(One),
    /// Let somebody in again
    Activate(One),
    /// Set somebody's password; ends their sessions
    SetPassword(SetPassword),
    /// Make a link with which somebody sets a new password: it works once, for 24 hours
    ResetLink(One),
}

#[derive(clap::Args)]
pub(super) struct Create {
    /// What one signs in with
    #[arg(long, value_parser = arguments::email)]
    email: Email,
    /// What others see
    #[arg(long)]
    name: String,
    /// What the account may do on the server
    #[arg(long, value_parser = arguments::word::<Role>(), default_value = "member")]
    role: Role,
    #[command(flatten)]
    password: FromStdin,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct One {
    /// Whose account
    #[arg(value_parser = arguments::email)]
    email: Email,
    #[command(flatten)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct SetPassword {
    #[command(flatten)]
    of: One,
    #[command(flatten)]
    password: FromStdin,
}

#[derive(clap::Args)]
pub(super) struct FromStdin {
    /// Read the password from stdin, its first line; the list of processes would show one that was an argument
    #[arg(long, required = true)]
    password_stdin: bool,
}

impl Users {
    /// The first account may come before the first start.
    pub(super) fn opening(&self) -> Opening {
        if matches!(self, Self::Create(_)) { Opening::Prepared } else { Opening::AsItIs }
    }

    pub(super) async fn run(self, app: &App) -> anyhow::Result<()> {
        match self {
            Self::Create(new) => create(app, new).await,
            Self::List(format) => list(app, &format).await,
            Self::Suspend(one) => set_status(app, one, AccountStatus::Suspended).await,
            Self::Activate(one) => set_status(app, one, AccountStatus::Active).await,
            Self::SetPassword(it) => set_password(app, it.of).await,
            Self::ResetLink(one) => reset_link(app, one).await,
        }
    }
}

async fn create(app: &App, new: Create) -> anyhow::Result<()> {
    let Create { email, name, role, format, .. } = new;
    let password = password()?;
    let account = accounts::create(app, Actor::Operator, NewAccount { email, name, role }, &password).await?;
    show(&format, &account)
}

async fn list(app: &App, format: &Format) -> anyhow::Result<()> {
    let everybody = accounts::list(app).await?;
    format.print(&everybody.iter().map(properties).collect(), || {
        let row = |it: &Account| {
            [
                it.id.to_string(),
                it.email.to_string(),
                it.name.clone(),
                it.role.to_string(),
                it.status.to_string(),
                it.created_at.to_string(),
            ]
        };
        table(["ID", "EMAIL", "NAME", "ROLE", "STATUS", "CREATED"], everybody.iter().map(row))
    })
}

async fn set_status(app: &App, one: One, status: AccountStatus) -> anyhow::Result<()> {
    let account = of(app, &one.email).await?;
    accounts::set_status(app, Actor::Operator, account.id, status).await?;
    show(&one.format, &Account { status, ..account })
}

async fn set_password(app: &App, one: One) -> anyhow::Result<()> {
    let account = of(app, &one.email).await?;
    accounts::set_password(app, Actor::Operator, account.id, &password()?).await?;
    show(&one.format, &accounts::account(app, account.id).await?)
}

async fn reset_link(app: &App, one: One) -> anyhow::Result<()> {
    let account = of(app, &one.email).await?;
    let link = resets::link(app, Actor::Operator, account.id).await?;
    one.format.print(&json!({"email": account.email, "reset_link": link}), || link.clone())
}

/// The account with that address.
pub(super) async fn of(app: &App, email: &Email) -> anyhow::Result<Account> {
    accounts::by_email(app, email).await.map_err(|error| match error {
        service::Error::Missing(_) => {
            Failure::Missing(format!("nobody has the e-mail {email}: see `hitl users list`")).into()
        }
        other => other.into(),
    })
}

fn password() -> anyhow::Result<String> {
    if stdin().is_terminal() {
        eprintln!("Type the password and Enter; it will be seen:");
    }
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(|error| anyhow::anyhow!("the password cannot be read from stdin: {error}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn show(format: &Format, it: &Account) -> anyhow::Result<()> {
    format.print(&properties(it), || {
        record([
            ("id", it.id.to_string()),
            ("email", it.email.to_string()),
            ("name", it.name.clone()),
            ("role", it.role.to_string()),
            ("status", it.status.to_string()),
            ("created", it.created_at.to_string()),
        ])
    })
}

fn properties(it: &Account) -> Value {
    json!({
        "id": it.id,
        "email": it.email,
        "name": it.name,
        "role": it.role,
        "status": it.status,
        "created_at": it.created_at,
    })
}
